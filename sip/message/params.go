package message

// Param is one ";name" or ";name=value" of a header value or URI.
type Param struct {
	Name  Span
	Value Span // behind "=", quotes included; empty for a flag
	Whole Span // from the ";" to the end of the value
}

// Param finds a parameter by name (any case) in a span of ";name=value" parameters.
// value is the span after "=", quotes included; empty for a flag. whole runs from
// the ";" to the end of the value, so that removing it removes the parameter.
func (m *Message) Param(params Span, name string) (value, whole Span, ok bool) {
	return findParam(m.buf, params, name)
}

// URIParam is Param for the parameters of a URI, where the name may be written with
// %HH (RFC 4475 3.1.1.3).
func (m *Message) URIParam(params Span, name string) (value, whole Span, ok bool) {
	for p := range m.Params(params) {
		if equalEscaped(m.Get(p.Name), name) {
			return p.Value, p.Whole, true
		}
	}
	return Span{}, Span{}, false
}

// Params yields the parameters in a span of ";name=value" parameters; ones without
// a name are left out.
func (m *Message) Params(params Span) func(yield func(Param) bool) {
	return func(yield func(Param) bool) { eachParam(m.buf, params, yield) }
}

func eachParam(b []byte, params Span, yield func(Param) bool) {
	for at, end := int(params.Off), int(params.End); ; {
		p, next, ok := nextParam(b, at, end)
		if !ok || !p.Name.Empty() && !yield(p) {
			return
		}
		at = next
	}
}

func findParam(b []byte, params Span, name string) (value, whole Span, ok bool) {
	for at, end := int(params.Off), int(params.End); ; {
		p, next, ok := nextParam(b, at, end)
		if !ok {
			return Span{}, Span{}, false
		}
		if EqualFold(b[p.Name.Off:p.Name.End], name) {
			return p.Value, p.Whole, true
		}
		at = next
	}
}

// nextParam reads the parameter that begins at the next ";" of b[at:end].
func nextParam(b []byte, at, end int) (p Param, next int, ok bool) {
	for at < end && b[at] != ';' {
		at++
	}
	if at >= end {
		return Param{}, end, false
	}
	name := skipSpace(b, at+1, end)
	i := name
	for i < end && b[i] != ';' && b[i] != '=' {
		i++
	}
	p.Name = span(name, backSpace(b, name, i))
	if i == end || b[i] == ';' {
		p.Whole = span(at, max(at+1, int(p.Name.End)))
		p.Value = span(int(p.Whole.End), int(p.Whole.End))
		return p, i, true
	}
	next = paramEnd(b, i+1, end)
	if p.Value = trim(b, i+1, next); p.Value.Empty() {
		p.Value = span(i+1, i+1)
	}
	p.Whole = span(at, int(p.Value.End))
	return p, next, true
}

// paramEnd is the index of the ";" that ends the value at i, or end.
func paramEnd(b []byte, i, end int) int {
	for i < end && b[i] != ';' {
		if b[i] == '"' {
			i, _ = skipQuoted(b, i, end)
			continue
		}
		i++
	}
	return i
}

// strictParam is nextParam where nothing but the parameter may be: SEMI token
// [ EQUAL value ], the value one word or one quoted string (RFC 3261 25.1
// generic-param; brackets and colons of an address are welcome without quotes,
// RFC 5118 4.5).
func strictParam(b []byte, at, end int) (p Param, next int, ok bool) {
	if b[at] != ';' {
		return p, end, false
	}
	p, next, _ = nextParam(b, at, end)
	return p, next, all(b[p.Name.Off:p.Name.End], cToken) && word(b, p.Value)
}

// word tells whether s is empty, a quoted string, or free of white space, quotes,
// commas and angle brackets.
func word(b []byte, s Span) bool {
	if s.Empty() {
		return true
	}
	if b[s.Off] == '"' {
		next, closed := skipQuoted(b, int(s.Off), int(s.End))
		return closed && next == int(s.End)
	}
	return all(b[s.Off:s.End], cWord)
}
