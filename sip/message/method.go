package message

// Method is a request method; MethodOther is any method not listed here.
type Method uint8

const (
	MethodNone Method = iota // a response's start line
	INVITE
	ACK
	BYE
	CANCEL
	PRACK
	UPDATE
	INFO
	REFER
	NOTIFY
	SUBSCRIBE
	MESSAGE
	OPTIONS
	REGISTER
	PUBLISH
	MethodOther
)

var methodNames = [...]string{
	INVITE: "INVITE", ACK: "ACK", BYE: "BYE", CANCEL: "CANCEL", PRACK: "PRACK",
	UPDATE: "UPDATE", INFO: "INFO", REFER: "REFER", NOTIFY: "NOTIFY",
	SUBSCRIBE: "SUBSCRIBE", MESSAGE: "MESSAGE", OPTIONS: "OPTIONS",
	REGISTER: "REGISTER", PUBLISH: "PUBLISH",
}

// String is the method's name, empty for MethodNone and MethodOther.
func (m Method) String() string {
	if int(m) >= len(methodNames) {
		return ""
	}
	return methodNames[m]
}

// LookupMethod finds a method by its name; methods are case-sensitive
// (RFC 3261 7.1), so "invite" is MethodOther.
func LookupMethod(name []byte) Method {
	switch string(name) {
	case "INVITE":
		return INVITE
	case "ACK":
		return ACK
	case "BYE":
		return BYE
	case "CANCEL":
		return CANCEL
	case "PRACK":
		return PRACK
	case "UPDATE":
		return UPDATE
	case "INFO":
		return INFO
	case "REFER":
		return REFER
	case "NOTIFY":
		return NOTIFY
	case "SUBSCRIBE":
		return SUBSCRIBE
	case "MESSAGE":
		return MESSAGE
	case "OPTIONS":
		return OPTIONS
	case "REGISTER":
		return REGISTER
	case "PUBLISH":
		return PUBLISH
	case "":
		return MethodNone
	}
	return MethodOther
}
