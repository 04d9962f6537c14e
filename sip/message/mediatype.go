package message

// MediaType is the value of a Content-Type (RFC 3261 20.15).
type MediaType struct {
	Type    Span
	Subtype Span
	Params  Span // from the first ";"; empty when none. Read with Message.Param.
}

// ContentType is the media type of the body; ok false when absent or unreadable.
func (m *Message) ContentType() (MediaType, bool) {
	if h := m.First(HContentType); h != nil {
		return m.MediaType(h.Value)
	}
	return MediaType{}, false
}

// MediaType reads "type/subtype;params" at s: also of a body part's own header.
func (m *Message) MediaType(s Span) (mt MediaType, ok bool) {
	b, at, end := m.buf, int(s.Off), int(s.End)
	at = skipSpace(b, at, end)
	i := skipToken(b, at, end)
	mt.Type = span(at, i)
	if i = skipSpace(b, i, end); i == end || b[i] != '/' {
		return mt, false
	}
	at = skipSpace(b, i+1, end)
	i = skipToken(b, at, end)
	mt.Subtype = span(at, i)
	if mt.Type.Empty() || mt.Subtype.Empty() {
		return mt, false
	}
	if i = skipSpace(b, i, end); i < end {
		mt.Params = span(i, end)
		return mt, b[i] == ';'
	}
	return mt, true
}

// Is tells whether the media type is typ/subtype (any case); "*" fits every subtype.
func (mt MediaType) Is(m *Message, typ, subtype string) bool {
	return EqualFold(m.Get(mt.Type), typ) && (subtype == "*" || EqualFold(m.Get(mt.Subtype), subtype))
}

// Boundary is the boundary of a multipart media type without its quotes, empty when
// there is none (RFC 2046 5.1.1 allows nothing in it that would need a quoted pair).
func (mt MediaType) Boundary(m *Message) Span {
	value, _, _ := m.Param(mt.Params, "boundary")
	if value.Len() >= 2 && m.buf[value.Off] == '"' && m.buf[value.End-1] == '"' {
		return Span{value.Off + 1, value.End - 1}
	}
	return value
}
