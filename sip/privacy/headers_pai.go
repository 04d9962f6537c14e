package privacy

import "clirgate/sip/message"

// assertedIdentity: believed from those who assert, else the network's own word (PRV-11
// to PRV-16).
func assertedIdentity(p *planner, h *message.Header) Action {
	switch {
	case p.col == colE:
		return p.emergencyIdentity(h)
	case p.col == colUN && !p.sendsPAI():
		return p.remove(h)
	case p.t.Asserts:
		return p.oneOfEach(h)
	case p.t.Network == 0 || p.paiSIP || !p.mayAssert():
		return p.remove(h)
	}
	p.paiSIP = true
	p.buf = p.appendIdentity(p.buf[:0])
	return p.replace(h, p.buf, Rewrite)
}

// emergencyIdentity: never removed for good; what is forged or anonymous gives way to the
// network's number.
func (p *planner) emergencyIdentity(h *message.Header) Action {
	known := p.t.Network != 0 && p.t.Sender == Caller
	if !known || p.t.Asserts && !p.anonymousLine(h) {
		p.paiSIP = true
		return Keep
	}
	if p.paiSIP {
		return p.remove(h)
	}
	p.paiSIP = true
	p.buf = p.appendIdentity(p.buf[:0])
	return p.replace(h, p.buf, Rewrite)
}

func (p *planner) anonymousLine(h *message.Header) bool {
	for s := range p.m.Values(h) {
		if anonymousAddr(p.m, s) {
			return true
		}
	}
	return false
}

func (p *planner) sendsPAI() bool { return p.t.Next.SendPAI || p.overridden() }

// mayAssert: RFC 3325 9.1 knows no P-Asserted-Identity in ACK and CANCEL.
func (p *planner) mayAssert() bool {
	return p.m.Method() != message.ACK && p.m.Method() != message.CANCEL
}

// oneOfEach keeps the first sip or sips and the first tel value (RFC 5876 4.5).
func (p *planner) oneOfEach(h *message.Header) Action {
	return p.rebuild(h, Rewrite, func(dst []byte, s message.Span) []byte {
		if p.firstOfScheme(s) {
			return append(dst, p.m.Get(s)...)
		}
		return dst
	})
}

func (p *planner) firstOfScheme(s message.Span) bool {
	na, ok := p.m.NameAddr(s)
	if !ok {
		return false
	}
	u, ok := p.m.ParseURI(na.URI)
	if !ok {
		return false
	}
	seen := &p.paiSIP
	switch u.Scheme {
	case message.SIP, message.SIPS:
	case message.Tel:
		seen = &p.paiTel
	default:
		return false
	}
	first := !*seen
	*seen = true
	return first
}

// addLines adds what is missing: the asserted identity, the Privacy header.
func (p *planner) addLines() {
	if p.addsPAI() {
		p.buf = append(p.buf[:0], "P-Asserted-Identity: "...)
		p.buf = append(p.appendIdentity(p.buf), "\r\n"...)
		p.e.Bottom(p.buf)
		p.paiSIP = true
	}
	if p.markerSet && !p.markerDone && len(p.marker) > 0 {
		p.e.Bottom(p.privacyText())
	}
}

// addsPAI: of a sender whose identity the gateway itself knows (RFC 3325 5). A neighbour
// that is believed and asserts nothing says that its network does not know: From, which is
// the user's word, is not made an assertion of it. To the PSAP it is better than nothing.
func (p *planner) addsPAI() bool {
	if p.paiSIP || p.paiTel || p.t.Network == 0 || !p.m.IsRequest() || !p.mayAssert() {
		return false
	}
	switch p.col {
	case colE:
		return p.t.Sender == Caller
	case colTN, colTW:
		return !p.t.Asserts
	case colUN:
		return !p.t.Asserts && p.sendsPAI()
	}
	return false
}
