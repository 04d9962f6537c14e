package wire

// Method is a request's method; a response has that of its CSeq.
type Method uint8

// The methods callers and callees use. Unknown is every other.
const (
	Unknown Method = iota
	Invite
	Ack
	Bye
	Cancel
	Prack
	Update
	Refer
	Notify
	Text // MESSAGE
	Options
	Info
	Methods // how many there are
)

var methodNames = [Methods]string{"?", "INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "REFER", "NOTIFY", "MESSAGE", "OPTIONS", "INFO"}

// String is the method as it stands in a message.
func (m Method) String() string { return methodNames[m] }

// methodOf reads a method; names are case-sensitive (RFC 3261 7.1).
func methodOf(b []byte) Method {
	switch string(b) {
	case "INVITE":
		return Invite
	case "ACK":
		return Ack
	case "BYE":
		return Bye
	case "CANCEL":
		return Cancel
	case "PRACK":
		return Prack
	case "UPDATE":
		return Update
	case "REFER":
		return Refer
	case "NOTIFY":
		return Notify
	case "MESSAGE":
		return Text
	case "OPTIONS":
		return Options
	case "INFO":
		return Info
	}
	return Unknown
}
