package message

// once tells whether a header may occur only once and is used by the call path.
func once(id HeaderID) bool {
	switch id {
	case HFrom, HTo, HCallID, HCSeq, HMaxForwards:
		return true
	}
	return false
}

// check validates the headers the call path relies on (RFC 3261 16.3 item 1) and
// keeps what it read of them. Max-Forwards may be absent: that is as good as 70
// (RFC 3261 16.6 item 3).
func (m *Message) check() {
	for _, id := range [...]HeaderID{HVia, HFrom, HTo, HCallID, HCSeq} {
		if m.first[id] == 0 {
			m.fail(MissingHeader, id, int(m.bottom))
		}
	}
	m.checkVia()
	m.fromTag = m.checkAddress(HFrom)
	m.toTag = m.checkAddress(HTo)
	m.checkCallID()
	m.checkCSeq()
	if m.status == 0 {
		m.checkMaxForwards()
		m.checkRoute()
	}
}

func (m *Message) checkVia() {
	h := m.First(HVia)
	if h == nil {
		return
	}
	value, next, found := nextValue(m.buf, int(h.Value.Off), int(h.Value.End))
	var strict bool
	if found {
		m.via, strict, m.viaOK = parseVia(m.buf, value)
	}
	if !m.viaOK || !strict || value.Off != h.Value.Off || m.danglingComma(next, h.Value) {
		m.fail(BadVia, HVia, int(h.Value.Off))
	}
}

// danglingComma tells whether the value that ended before at was followed by a comma
// and nothing (RFC 4475 3.1.2.1).
func (m *Message) danglingComma(at int, list Span) bool {
	if at == int(list.End) {
		return m.buf[at-1] == ','
	}
	return trim(m.buf, at, valueEnd(m.buf, at, int(list.End))).Empty()
}

// checkAddress checks From or To as far as a dialog needs it: that its parameters
// can be told from its URI. The URI itself may be anything (RFC 4475 3.3.4).
func (m *Message) checkAddress(id HeaderID) (tag Span) {
	h := m.First(id)
	if h == nil {
		return Span{}
	}
	na, ok := parseNameAddr(m.buf, h.Value)
	if ok {
		tag, ok = tagOf(m.buf, na.Params)
	}
	if !ok {
		m.fail(BadAddress, id, int(h.Value.Off))
	}
	return tag
}

// tagOf finds the tag in header parameters, which must be proper ones (a semicolon
// too many is forgiven) and hold one tag at most: two would be two dialogs to two
// readers.
func tagOf(b []byte, params Span) (tag Span, ok bool) {
	found := false
	for at, end := int(params.Off), int(params.End); at < end; {
		p, next, ok := strictParam(b, at, end)
		if !ok && p.Whole.Len() != 1 {
			return tag, false
		}
		if EqualFold(b[p.Name.Off:p.Name.End], "tag") {
			if found {
				return tag, false
			}
			tag, found = p.Value, true
		}
		at = next
	}
	return tag, true
}

func (m *Message) checkCallID() {
	if h := m.First(HCallID); h != nil && !all(m.Get(h.Value), cText) {
		m.fail(BadCallID, HCallID, int(h.Value.Off))
	}
}

func (m *Message) checkCSeq() {
	h := m.First(HCSeq)
	if h == nil {
		return
	}
	b, at, end := m.buf, int(h.Value.Off), int(h.Value.End)
	digits := at
	for digits < end && b[digits] >= '0' && b[digits] <= '9' {
		digits++
	}
	n, ok := number(b[at:digits], 1<<32-1)
	name := skipSpace(b, digits, end)
	if !ok || name == digits || !all(b[name:end], cToken) {
		m.fail(BadCSeq, HCSeq, at)
		return
	}
	m.cseq, m.cseqBy, m.cseqOK = uint32(n), span(name, end), true
	switch {
	case m.status != 0:
		m.method = LookupMethod(b[name:end])
	case m.method == MethodNone || string(b[name:end]) == string(m.Get(m.name)):
	case m.method == MethodOther:
		m.fail(UnknownMethod, HCSeq, name)
	default:
		m.fail(WrongCSeqMethod, HCSeq, name)
	}
}

func (m *Message) checkMaxForwards() {
	if h := m.First(HMaxForwards); h != nil && !allDigits(m.Get(h.Value)) {
		m.fail(BadMaxForwards, HMaxForwards, int(h.Value.Off))
	}
}

// checkRoute checks the topmost Route value: where the request would go.
func (m *Message) checkRoute() {
	h := m.First(HRoute)
	if h == nil {
		return
	}
	value, _, ok := nextValue(m.buf, int(h.Value.Off), int(h.Value.End))
	if ok {
		var na NameAddr
		if na, ok = parseNameAddr(m.buf, value); ok {
			_, ok = parseURI(m.buf, na.URI)
		}
	}
	if !ok {
		m.fail(BadRoute, HRoute, int(h.Value.Off))
	}
}
