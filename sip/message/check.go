package message

// once are the headers that may occur only once and that the call path uses.
var once = [...]HeaderID{HFrom, HTo, HCallID, HCSeq, HMaxForwards}

// check validates the headers the call path relies on (RFC 3261 16.3 item 1) and
// keeps what it read of them.
func (m *Message) check() {
	for _, id := range once {
		m.checkOnce(id)
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

func (m *Message) checkOnce(id HeaderID) {
	h := m.First(id)
	if h == nil {
		if id != HMaxForwards { // absent is as good as 70 (RFC 3261 16.6 item 3)
			m.fail(MissingHeader, id, int(m.bottom))
		}
		return
	}
	for other := range m.All(id) {
		if other != h {
			m.fail(RepeatedHeader, id, int(other.Line.Off))
			return
		}
	}
}

func (m *Message) checkVia() {
	h := m.First(HVia)
	if h == nil {
		m.fail(MissingHeader, HVia, int(m.bottom))
		return
	}
	value, _, found := nextValue(m.buf, int(h.Value.Off), int(h.Value.End))
	var strict bool
	if found {
		m.via, strict, m.viaOK = parseVia(m.buf, value)
	}
	if !m.viaOK || !strict {
		m.fail(BadVia, HVia, int(h.Value.Off))
	}
}

// checkAddress checks From or To as far as a dialog needs it: that its parameters
// can be told from its URI. The URI itself may be anything (RFC 4475 3.3.4).
func (m *Message) checkAddress(id HeaderID) (tag Span) {
	h := m.First(id)
	if h == nil {
		return Span{}
	}
	na, ok := parseNameAddr(m.buf, h.Value)
	if !ok || !strictParams(m.buf, na.Params) {
		m.fail(BadAddress, id, int(h.Value.Off))
	}
	tag, _, _ = findParam(m.buf, na.Params, "tag")
	return tag
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
