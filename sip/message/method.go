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
