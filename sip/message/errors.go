package message

import "strconv"

// Fault is what is wrong with a message. It is an error itself, so that
// errors.Is(err, BadVersion) works on what Parse returns.
type Fault uint8

const (
	NoFault          Fault = iota
	Empty                  // nothing but line ends: a keep-alive
	TooLarge               // above MaxSize
	TooManyHeaders         // above MaxHeaders
	BadStartLine           // neither request nor response, or spaced wrongly
	BadVersion             // not SIP/2.0
	BadRequestURI          // unreadable, bracketed, or white space inside
	BadStatus              // status code outside 100 to 699
	BadHeader              // line without colon, or a name that is no token
	Unfinished             // no empty line behind the headers
	MissingHeader          // a mandatory header is not there
	RepeatedHeader         // a header that may occur once occurs twice
	BadVia                 // top value
	BadAddress             // From or To
	BadCallID              // empty, or white space or controls inside
	BadCSeq                // no number below 2**32 and method
	WrongCSeqMethod        // not the method of the start line
	UnknownMethod          // the same, and the start line's is not known here
	BadMaxForwards         // no number
	BadContentLength       // no number, too large a number, or different ones
	ShortBody              // Content-Length promises more than there is
	BadRoute               // first Route value
	faultCount
)

var faultTexts = [faultCount]string{
	NoFault:          "no fault",
	Empty:            "empty message",
	TooLarge:         "message too large",
	TooManyHeaders:   "too many header lines",
	BadStartLine:     "bad start line",
	BadVersion:       "SIP version not supported",
	BadRequestURI:    "bad Request-URI",
	BadStatus:        "bad status code",
	BadHeader:        "bad header line",
	Unfinished:       "headers not finished",
	MissingHeader:    "mandatory header missing",
	RepeatedHeader:   "header repeated",
	BadVia:           "bad Via",
	BadAddress:       "bad address",
	BadCallID:        "bad Call-ID",
	BadCSeq:          "bad CSeq",
	WrongCSeqMethod:  "CSeq method differs from request method",
	UnknownMethod:    "unknown method, and CSeq method differs",
	BadMaxForwards:   "bad Max-Forwards",
	BadContentLength: "bad Content-Length",
	ShortBody:        "body shorter than Content-Length",
	BadRoute:         "bad Route",
}

func (f Fault) Error() string {
	if f >= faultCount {
		return "unknown fault"
	}
	return faultTexts[f]
}

// String is a short text without any byte of the message: fit for a metric label.
func (f Fault) String() string { return f.Error() }

// Status is the response code that suits the fault of a request.
func (f Fault) Status() int {
	switch f {
	case BadVersion:
		return 505
	case UnknownMethod:
		return 501 // rather than 400: RFC 4475 3.1.2.18
	case TooLarge, TooManyHeaders:
		return 513
	}
	return 400
}

// ParseError is what Parse returns: the first fault found, with the header it was
// found in (HOther: start line, or a header not known) and the byte where. It never
// holds bytes of the message.
type ParseError struct {
	Fault  Fault
	Header HeaderID
	Offset uint16
}

func (e ParseError) Error() string {
	s := e.Fault.Error()
	if e.Header != HOther {
		s += " (" + e.Header.String() + ")"
	}
	return s + " at byte " + strconv.Itoa(int(e.Offset))
}

func (e ParseError) Unwrap() error { return e.Fault }

// Status is the response code that suits, for a request that is Answerable.
func (e ParseError) Status() int { return e.Fault.Status() }
