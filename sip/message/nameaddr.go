package message

// NameAddr is a name-addr or addr-spec with its header parameters (RFC 3261
// 20.10). Without angle brackets everything after ";" is a header parameter.
type NameAddr struct {
	Display  Span // as written, quotes included; empty when none
	URI      Span // without angle brackets
	Params   Span // from the first ";" of the header parameters to the end; empty when none
	Whole    Span // all of it
	Brackets bool
}

// NameAddr reads one value (a whole header value, or one of Values). It is false
// for what cannot be told apart safely: unclosed quotes or brackets, an unquoted
// display name with a comma, semicolon or quote in it, bytes behind ">" that are no
// parameters, and for "*". The URI is not looked into.
func (m *Message) NameAddr(s Span) (NameAddr, bool) { return parseNameAddr(m.buf, s) }

// ReadNameAddr is NameAddr for bytes outside a message, at most MaxSize; spans are
// offsets into b.
func ReadNameAddr(b []byte) (NameAddr, bool) {
	if len(b) > MaxSize {
		return NameAddr{}, false
	}
	return parseNameAddr(b, span(0, len(b)))
}

func parseNameAddr(b []byte, s Span) (na NameAddr, ok bool) {
	na.Whole = trim(b, int(s.Off), int(s.End))
	at, end := int(na.Whole.Off), int(na.Whole.End)
	if at == end {
		return na, false
	}
	open := -1
	switch {
	case b[at] == '<':
		open = at
	case b[at] == '"':
		next, closed := skipQuoted(b, at, end)
		if open = skipSpace(b, next, end); !closed || open == end || b[open] != '<' {
			return na, false
		}
		na.Display = span(at, next)
	case startsWithScheme(b, at, end):
		return addrSpec(b, na)
	default:
		if open = indexIn(b, '<', at, end); open < 0 {
			return na, false
		}
		na.Display = trim(b, at, open)
		if !displayName(b, na.Display) {
			return na, false
		}
	}
	return nameAddr(b, na, open)
}

// nameAddr reads on from the "<" at open.
func nameAddr(b []byte, na NameAddr, open int) (NameAddr, bool) {
	end := int(na.Whole.End)
	close := indexIn(b, '>', open, end)
	if close < 0 {
		return na, false
	}
	na.Brackets = true
	na.URI = span(open+1, close)
	if !all(b[open+1:close], cText) {
		return na, false // white space inside (RFC 4475 3.1.2.14), or nothing
	}
	params := skipSpace(b, close+1, end)
	if params == end {
		return na, true
	}
	na.Params = span(params, end)
	return na, b[params] == ';'
}

// addrSpec reads a URI without brackets, which ends at the first ";" or space.
func addrSpec(b []byte, na NameAddr) (NameAddr, bool) {
	at, end := int(na.Whole.Off), int(na.Whole.End)
	i := at
	for i < end && b[i] != ';' && is(b[i], cWord) {
		i++
	}
	na.URI = span(at, i)
	if i = skipSpace(b, i, end); i == end {
		return na, true
	}
	na.Params = span(i, end)
	return na, b[i] == ';'
}

// startsWithScheme tells whether b[at:end] begins with a URI scheme and its colon.
func startsWithScheme(b []byte, at, end int) bool {
	i := at
	for i < end && is(b[i], cScheme) {
		i++
	}
	return i > at && i < end && b[i] == ':'
}

// displayName tells whether an unquoted display name is free of what would make it
// ambiguous. Grammar allows tokens alone; text of other scripts and "@" are seen.
func displayName(b []byte, s Span) bool {
	for _, c := range b[s.Off:s.End] {
		if c == '"' || c == ',' || c == ';' || c == '>' {
			return false
		}
	}
	return true
}
