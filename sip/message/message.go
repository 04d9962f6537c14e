package message

import "net/netip"

// Message is a view over the bytes of one request or response. The zero value
// is ready for Parse, and Parse reuses all it holds: no allocation once warm.
// Accessors never copy; what they return is valid until the next Parse.
type Message struct {
	buf     []byte
	headers []Header
	first   [headerCount]uint8 // index+1 of the first header of each kind
	method  Method
	status  int
	name    Span // method name, or reason phrase
	uri     Span
	body    Span
}

// Parse views b, which must be exactly one message (a datagram, or a framed
// stream message). b is kept, not copied. On error the message is as far read as
// it could be: Answerable tells whether a 400 can be built from it.
func (m *Message) Parse(b []byte) error { panic("todo") }

// Answerable: a request with Via, From, To, Call-ID and CSeq readable enough to
// build a response, whatever else is wrong with it.
func (m *Message) Answerable() bool { panic("todo") }

// CopyFrom makes m an independent copy of src (bytes and index), reusing m's memory.
func (m *Message) CopyFrom(src *Message) { panic("todo") }

func (m *Message) Bytes() []byte      { return m.buf }
func (m *Message) Get(s Span) []byte  { return m.buf[s.Off:s.End] }
func (m *Message) IsRequest() bool    { return m.status == 0 }
func (m *Message) Method() Method     { return m.method } // of the request; of a response: from CSeq
func (m *Message) MethodName() []byte { return m.buf[m.name.Off:m.name.End] }
func (m *Message) RequestURI() Span   { return m.uri }
func (m *Message) Status() int        { return m.status }
func (m *Message) Reason() Span       { return m.name }
func (m *Message) Headers() []Header  { return m.headers }
func (m *Message) Body() Span         { return m.body }

// First is the first header of that kind, nil when there is none.
func (m *Message) First(id HeaderID) *Header { panic("todo") }

// Value is the value bytes of the first header of that kind, nil when there is none.
func (m *Message) Value(id HeaderID) []byte { panic("todo") }

// All yields every header line of that kind in wire order, without allocation.
func (m *Message) All(id HeaderID) func(yield func(*Header) bool) { panic("todo") }

// CSeq is the sequence number and method of CSeq; ok false when unreadable.
func (m *Message) CSeq() (n uint32, method Method, ok bool) { panic("todo") }

// FromTag, ToTag: the tag parameter's bytes, nil when absent.
func (m *Message) FromTag() []byte { panic("todo") }
func (m *Message) ToTag() []byte   { panic("todo") }

// Values yields the comma-separated values of one header line as spans (commas
// in quotes, angle brackets and comments respected), trimmed.
func (m *Message) Values(h *Header) func(yield func(Span) bool) { panic("todo") }

// NameAddr is a name-addr or addr-spec with its header parameters (RFC 3261
// 20.10). Without angle brackets everything after ";" is a header parameter.
type NameAddr struct {
	Display  Span // as written, quotes included; empty when none
	URI      Span // without angle brackets
	Params   Span // from the first ";" of the header parameters to the end; empty when none
	Brackets bool
}

// NameAddr reads one value (a whole header value, or one of Values).
func (m *Message) NameAddr(s Span) (NameAddr, bool) { panic("todo") }

// Param finds a parameter by name (any case) in a span of ";name=value" parameters.
// value is the span after "=", quotes included; empty for a flag. whole runs from
// the ";" to the end of the value, so that removing it removes the parameter.
func (m *Message) Param(params Span, name string) (value, whole Span, ok bool) { panic("todo") }

// URI is the parts of a URI. For tel: User is the subscriber and Params its parameters.
type URI struct {
	Scheme   Scheme
	User     Span // user part without password; telephone-subscriber parameters included
	Password Span
	Host     Span // with brackets for IPv6
	Port     uint16
	Params   Span // ";..." of the URI
	Headers  Span // "?..." of the URI
}

// Scheme of a URI.
type Scheme uint8

const (
	SchemeOther Scheme = iota
	SIP
	SIPS
	Tel
	URN
)

// ParseURI splits the URI at s into its parts.
func (m *Message) ParseURI(s Span) (URI, bool) { panic("todo") }

// Via is one Via value.
type Via struct {
	Transport Span // "UDP", "TCP", "TLS" as written
	Host      Span
	Port      uint16 // 0: none
	Branch    []byte // nil: none
	Params    Span
	RPort     bool // rport present, with or without value
	Whole     Span // this one value
}

// TopVia reads the first value of the first Via header.
func (m *Message) TopVia() (Via, bool) { panic("todo") }

// AppendVias appends all Via lines of a received request to dst as they belong
// into its responses: the topmost with received and rport as RFC 3581 section 4 and
// RFC 3261 18.2.1 want them, for a request that came from source.
func (m *Message) AppendVias(dst []byte, source netip.AddrPort) []byte { panic("todo") }

// ContentLength is the declared length; ok false when absent or not a number.
func (m *Message) ContentLength() (n int, ok bool) { panic("todo") }
