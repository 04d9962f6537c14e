package privacy

import "clirgate/sip/message"

const (
	anonymousURI  = "<sip:anonymous@anonymous.invalid>"
	anonymousFrom = `"Anonymous" ` + anonymousURI

	// The identity of a caller that nobody knows (TS 23.003 13.7): not withheld, so no
	// reason to refuse the call (GPP-13).
	unavailableURI = "<sip:unavailable@unknown.invalid>"
)

// from is the sender as the next hop sees it. In a response it is the other side, and
// backFrom has it.
func from(p *planner, h *message.Header) Action {
	switch {
	case p.withheld:
		p.buf = append(p.buf[:0], anonymousFrom...)
		p.buf = p.appendTag(p.buf, p.m.FromTag(), p.withheld)
		return p.replace(h, p.buf, Anonymise)
	case p.col == colE && p.t.Sender == Caller && p.t.Network != 0:
		p.buf = p.appendIdentity(p.buf[:0])
		p.buf = p.appendTag(p.buf, p.m.FromTag(), false)
		return p.replace(h, p.buf, Rewrite)
	case p.t.Screen && p.t.Network != 0 && p.col != colE:
		return p.screen(h)
	case p.t.Screen && p.col != colE:
		p.buf = p.appendTag(append(p.buf[:0], unavailableURI...), p.m.FromTag(), false)
		return p.replace(h, p.buf, Rewrite)
	}
	return Keep
}

// screen puts the network's number in the place of one that is not the sender's.
func (p *planner) screen(h *message.Header) Action {
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		p.buf = p.appendIdentity(p.buf[:0])
		p.buf = p.appendTag(p.buf, p.m.FromTag(), false)
		return p.replace(h, p.buf, Rewrite)
	}
	identity := p.appendIdentity(p.buf[:0])
	p.buf = identity
	if na.Brackets {
		identity = identity[1 : len(identity)-1]
	}
	p.e.Replace(na.URI, identity)
	return Rewrite
}

// appendIdentity writes the sender's network-provided identity.
func (p *planner) appendIdentity(dst []byte) []byte {
	dst = append(dst, "<sip:"...)
	dst = p.t.Network.AppendDial(dst)
	dst = append(dst, '@')
	dst = append(dst, p.t.Domain...)
	return append(dst, ";user=phone>"...)
}

// appendTag adds a tag parameter: mapped, when it is of a withheld party.
func (p *planner) appendTag(dst, tag []byte, mapped bool) []byte {
	if len(tag) == 0 {
		return dst
	}
	dst = append(dst, ";tag="...)
	if !mapped || p.raised {
		return append(dst, tag...)
	}
	return p.t.Keys.MapID(dst, p.d, tag)
}

// to takes dial codes out, and on W what the W-party wrote beside the address.
func to(p *planner, h *message.Header) Action {
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		if !p.withheld {
			return Keep
		}
		p.buf = p.appendTag(append(p.buf[:0], anonymousURI...), p.m.ToTag(), false)
		return p.replace(h, p.buf, Anonymise)
	}
	if !p.withheld {
		return p.stripCodes(na.URI, p.t.ToSkip)
	}
	p.buf = append(p.buf[:0], '<')
	p.buf = append(p.buf, p.withoutCodes(na.URI, p.t.ToSkip)...)
	p.buf = append(p.buf, '>')
	p.buf = p.appendTag(p.buf, p.m.ToTag(), false)
	return p.replace(h, p.buf, Rewrite)
}

// stripCodes takes skip bytes off the front of a URI's user part.
func (p *planner) stripCodes(uri message.Span, skip int) Action {
	if skip <= 0 {
		return Keep
	}
	u, ok := p.m.ParseURI(uri)
	if !ok || skip > u.User.Len() {
		return Keep
	}
	p.e.Remove(message.Span{Off: u.User.Off, End: u.User.Off + uint16(skip)})
	return Rewrite
}

// withoutCodes is the URI without skip bytes of its user part, and without "?headers".
func (p *planner) withoutCodes(uri message.Span, skip int) []byte {
	u, ok := p.m.ParseURI(uri)
	if !ok {
		return p.m.Get(uri)
	}
	end := uri.End
	if !u.Headers.Empty() {
		end = u.Headers.Off
	}
	p.work = p.work[:0]
	at := uri.Off
	if skip > 0 && skip <= u.User.Len() {
		p.work = append(p.work, p.m.Get(message.Span{Off: at, End: u.User.Off})...)
		at = u.User.Off + uint16(skip)
	}
	p.work = append(p.work, p.m.Get(message.Span{Off: at, End: end})...)
	return p.work
}

// remoteParty: the old way to assert, for peers that still want it.
func remoteParty(p *planner, h *message.Header) Action {
	if p.t.Next.WantsRPID {
		return Keep
	}
	return p.remove(h)
}

// inDomainNotPSAP: K in the own domain, but a PSAP is another's.
func inDomainNotPSAP(p *planner, h *message.Header) Action {
	if p.t.Next.OwnDomain && !p.t.Next.Emergency {
		return Keep
	}
	return p.remove(h)
}

// byContract: own domain, or a peer that lists the header.
func byContract(p *planner, h *message.Header) Action {
	if p.t.Next.OwnDomain || p.listed(h) {
		return Keep
	}
	return p.remove(h)
}

// accessNetwork: within the domain or by contract; to the PSAP if its profile asks.
func accessNetwork(p *planner, h *message.Header) Action {
	if p.t.Next.KeepPANI || p.col != colE && p.t.Next.OwnDomain {
		return Keep
	}
	return p.remove(h)
}
