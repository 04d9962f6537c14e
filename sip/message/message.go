package message

// Message is a view over the bytes of one request or response. The zero value
// is ready for Parse, and Parse reuses all it holds: no allocation once warm.
// Accessors never copy; what they return is valid until the next Parse.
type Message struct {
	buf     []byte
	headers []Header
	first   [headerCount]uint8 // index+1 of the first header of each kind
	method  Method
	viaOK   bool
	cseqOK  bool
	err     ParseError
	status  int
	name    Span // method name, or reason phrase
	uri     Span
	body    Span
	top     uint16 // behind the start line
	bottom  uint16 // behind the last header line
	fromTag Span
	toTag   Span
	cseq    uint32
	cseqBy  Span // method name in CSeq
	via     Via
}

// Answerable tells whether a response to m can be built and would find its way: m
// is a request, not ACK, and its top Via is readable, whatever else is wrong with
// it or missing. AppendResponse copies what is there (RFC 4475 3.3.1).
func (m *Message) Answerable() bool {
	return m.status == 0 && m.method != MethodNone && m.method != ACK && m.viaOK
}

// CopyFrom makes m an independent copy of src (bytes and index), reusing m's memory.
func (m *Message) CopyFrom(src *Message) {
	if m == src {
		return
	}
	buf, headers := m.buf, m.headers
	*m = *src
	m.buf = append(buf[:0], src.buf...)
	m.headers = append(headers[:0], src.headers...)
	if src.via.Branch != nil {
		m.via.Branch = m.Get(m.offsetOf(src, src.via.Branch))
	}
}

// offsetOf is the span that b, a part of src's bytes, has in them.
func (m *Message) offsetOf(src *Message, b []byte) Span {
	off := cap(src.buf) - cap(b)
	return span(off, off+len(b))
}

func (m *Message) Bytes() []byte     { return m.buf }
func (m *Message) Get(s Span) []byte { return m.buf[s.Off:s.End] }
func (m *Message) IsRequest() bool   { return m.status == 0 }
func (m *Message) Method() Method    { return m.method } // of the request; of a response: from CSeq
func (m *Message) RequestURI() Span  { return m.uri }
func (m *Message) Status() int       { return m.status } // of a request 0; of a response with a bad start line -1
func (m *Message) Reason() Span      { return m.name }
func (m *Message) Headers() []Header { return m.headers }
func (m *Message) Body() Span        { return m.body }

// MethodName is the method as written: of the request; of a response: from CSeq.
func (m *Message) MethodName() []byte {
	if m.status != 0 {
		return m.Get(m.cseqBy)
	}
	return m.Get(m.name)
}

// HeaderBlock runs from behind the start line to behind the last header line.
func (m *Message) HeaderBlock() Span { return Span{m.top, m.bottom} }

// First is the first header of that kind, nil when there is none.
func (m *Message) First(id HeaderID) *Header {
	if id >= headerCount || m.first[id] == 0 {
		return nil
	}
	return &m.headers[m.first[id]-1]
}

// Has tells whether there is a header of that kind.
func (m *Message) Has(id HeaderID) bool { return id < headerCount && m.first[id] != 0 }

// Value is the value bytes of the first header of that kind, nil when there is none.
func (m *Message) Value(id HeaderID) []byte {
	if h := m.First(id); h != nil {
		return m.Get(h.Value)
	}
	return nil
}

// All yields every header line of that kind in wire order, without allocation.
func (m *Message) All(id HeaderID) func(yield func(*Header) bool) {
	return func(yield func(*Header) bool) { m.eachHeader(id, yield) }
}

func (m *Message) eachHeader(id HeaderID, yield func(*Header) bool) {
	if !m.Has(id) {
		return
	}
	for i := int(m.first[id]) - 1; i < len(m.headers); i++ {
		if m.headers[i].ID == id && !yield(&m.headers[i]) {
			return
		}
	}
}

// CSeq is the sequence number and method of CSeq; ok false when unreadable.
func (m *Message) CSeq() (n uint32, method Method, ok bool) {
	if !m.cseqOK {
		return 0, MethodNone, false
	}
	return m.cseq, LookupMethod(m.Get(m.cseqBy)), true
}

// FromTag, ToTag: the tag parameter's bytes, nil when absent.
func (m *Message) FromTag() []byte { return m.tag(m.fromTag) }
func (m *Message) ToTag() []byte   { return m.tag(m.toTag) }

func (m *Message) tag(s Span) []byte {
	if s.Empty() {
		return nil
	}
	return m.Get(s)
}

// CallID is the Call-ID's bytes, nil when absent.
func (m *Message) CallID() []byte { return m.Value(HCallID) }

// TopVia reads the first value of the first Via header.
func (m *Message) TopVia() (Via, bool) { return m.via, m.viaOK }

// ContentLength is the declared length; ok false when absent or not a number.
func (m *Message) ContentLength() (n int, ok bool) {
	v, ok := number(m.Value(HContentLength), 1<<31-1)
	return int(v), ok
}

// DefaultMaxForwards is what a request without Max-Forwards is taken to have
// (RFC 3261 16.6 item 3).
const DefaultMaxForwards = 70

// MaxForwards is the value of Max-Forwards; ok false when absent or not a number.
// A value above 255 counts as DefaultMaxForwards (RFC 4475 3.1.2.4: as if absent).
func (m *Message) MaxForwards() (n int, ok bool) {
	return maxForwards(m.Value(HMaxForwards))
}

func maxForwards(b []byte) (n int, ok bool) {
	if !allDigits(b) {
		return 0, false
	}
	v, ok := number(b, 255)
	if !ok {
		return DefaultMaxForwards, true
	}
	return int(v), true
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
