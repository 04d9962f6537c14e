package message

// Values yields the comma-separated values of one header line as spans (commas
// in quotes, angle brackets and comments respected), trimmed; empty ones are left
// out. A nil header has none.
func (m *Message) Values(h *Header) func(yield func(Span) bool) {
	return func(yield func(Span) bool) { eachValue(m.buf, h, yield) }
}

// ValuesOf yields the comma-separated values of all header lines of that kind in
// wire order, each with its line.
func (m *Message) ValuesOf(id HeaderID) func(yield func(*Header, Span) bool) {
	return func(yield func(*Header, Span) bool) { m.eachValueOf(id, yield) }
}

// NameAddrs yields the values of all header lines of that kind (Route, Record-Route,
// Contact ...) as addresses; ok is false for one that is none (Whole is set then too).
func (m *Message) NameAddrs(id HeaderID) func(yield func(na NameAddr, ok bool) bool) {
	return func(yield func(NameAddr, bool) bool) { m.eachNameAddr(id, yield) }
}

func eachValue(b []byte, h *Header, yield func(Span) bool) {
	if h == nil {
		return
	}
	for at, end := int(h.Value.Off), int(h.Value.End); ; {
		s, next, ok := nextValue(b, at, end)
		if !ok || !yield(s) {
			return
		}
		at = next
	}
}

func (m *Message) eachValueOf(id HeaderID, yield func(*Header, Span) bool) {
	for h := range m.All(id) {
		for s := range m.Values(h) {
			if !yield(h, s) {
				return
			}
		}
	}
}

func (m *Message) eachNameAddr(id HeaderID, yield func(NameAddr, bool) bool) {
	for _, s := range m.ValuesOf(id) {
		na, ok := parseNameAddr(m.buf, s)
		na.Whole = s
		if !yield(na, ok) {
			return
		}
	}
}

// nextValue finds the next value that is not empty in b[at:end]; next is where to
// go on. A quote that does not close runs to the end; a parenthesis that does not
// close is no comment.
func nextValue(b []byte, at, end int) (value Span, next int, ok bool) {
	for at < end {
		next = valueEnd(b, at, end)
		value = trim(b, at, next)
		if !value.Empty() {
			return value, min(next+1, end), true
		}
		at = next + 1
	}
	return Span{}, end, false
}

// valueEnd is the index of the comma that ends the value at i, or end.
func valueEnd(b []byte, i, end int) int {
	for ; i < end; i++ {
		if !is(b[i], cStop) {
			continue
		}
		switch b[i] {
		case ',':
			return i
		case '"':
			i, _ = skipQuoted(b, i, end)
			i--
		case '<':
			if close := indexIn(b, '>', i, end); close >= 0 {
				i = close
			}
		case '(':
			if next, closed := skipComment(b, i, end); closed {
				i = next - 1
			}
		}
	}
	return end
}
