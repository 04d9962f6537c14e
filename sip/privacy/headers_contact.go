package privacy

import "clirgate/sip/message"

// contact: first value only. The token lets the other side reach the W-party through any
// gateway with the key ring, and nobody else read it.
func contact(p *planner, h *message.Header) Action {
	if !p.withheld {
		return p.withoutInstance(h)
	}
	if p.contacts {
		return p.remove(h)
	}
	for s := range p.m.Values(h) {
		na, ok := p.m.NameAddr(s)
		if !ok {
			break
		}
		p.contacts = true
		if p.redirects() {
			p.buf = append(p.buf[:0], anonymousURI...)
			return p.replace(h, p.buf, Anonymise)
		}
		p.buf = p.appendContact(p.buf[:0], na)
		return p.replace(h, p.buf, Map)
	}
	return p.remove(h)
}

// withoutInstance: on N towards U all but the device's serial number (RFC 7254 8).
func (p *planner) withoutInstance(h *message.Header) Action {
	action := Keep
	for s := range p.m.Values(h) {
		na, ok := p.m.NameAddr(s)
		if !ok {
			continue
		}
		if _, whole, ok := p.m.Param(na.Params, "+sip.instance"); ok {
			p.e.Remove(whole)
			action = Rewrite
		}
	}
	return action
}

func (p *planner) appendContact(dst []byte, na message.NameAddr) []byte {
	u, _ := p.m.ParseURI(na.URI)
	dst = append(dst, '<')
	if u.Scheme == message.SIPS {
		dst = append(dst, "sips:"...)
	} else {
		dst = append(dst, "sip:"...)
	}
	dst = p.appendToken(dst, na)
	dst = append(dst, '@')
	dst = append(dst, p.t.Next.Contact...)
	if p.t.Next.Transport != "" {
		dst = append(append(dst, ";transport="...), p.t.Next.Transport...)
	}
	return p.appendFeatures(append(dst, '>'), na.Params)
}

// appendToken seals what requests of the other side need.
func (p *planner) appendToken(dst []byte, na message.NameAddr) []byte {
	p.seal = *p.d
	d := &p.seal
	d.Holder = p.t.Sender.Other()
	if p.t.Sender == Caller {
		d.CallerWithheld = true
	} else {
		d.CalleeWithheld = true
	}
	self, peer := message.HFrom, message.HTo
	if !p.m.IsRequest() {
		self, peer = peer, self
	}
	p.work = AppendParty(p.work[:0], p.m, self)
	n := len(p.work)
	p.work = AppendParty(p.work, p.m, peer)
	r := len(p.work)
	p.work = p.appendRoutes(p.work)
	d.Self, d.Peer, d.Routes = p.work[:n], p.work[n:r], p.work[r:]
	d.Target = p.m.Get(na.URI)
	return p.t.Keys.Seal(dst, d)
}

func (p *planner) appendRoutes(dst []byte) []byte {
	switch {
	case p.t.Routes != nil:
		return append(dst, p.t.Routes...)
	case !p.m.IsRequest():
		return append(dst, p.d.Routes...)
	}
	n := len(dst)
	for h := range p.m.All(message.HRecordRoute) {
		if len(dst) > n {
			dst = append(dst, ", "...)
		}
		dst = appendUnfolded(dst, p.m.Get(h.Value))
	}
	return dst
}

// AppendParty appends a From or To value without its tag parameter, as Dialog.Self and Peer
// have it.
func AppendParty(dst []byte, m *message.Message, id message.HeaderID) []byte {
	h := m.First(id)
	if h == nil {
		return dst
	}
	s := h.Value
	if na, ok := m.NameAddr(s); ok {
		if _, whole, ok := m.Param(na.Params, "tag"); ok {
			dst = appendUnfolded(dst, m.Get(message.Span{Off: s.Off, End: whole.Off}))
			return appendUnfolded(dst, m.Get(message.Span{Off: whole.End, End: s.End}))
		}
	}
	return appendUnfolded(dst, m.Get(s))
}

// appendFeatures keeps the media tags (RFC 3840); within the trust domain also service
// identifiers and the other tags of capability, never those that tell a device.
func (p *planner) appendFeatures(dst []byte, params message.Span) []byte {
	for q := range p.m.Params(params) {
		name, value := p.m.Get(q.Name), p.m.Get(q.Value)
		switch {
		case message.EqualFold(name, "audio"), message.EqualFold(name, "video"):
			if !message.EqualFold(unquoted(value), "false") {
				dst = append(append(dst, ';'), name...)
			}
		case message.EqualFold(name, "methods"):
			if isMethods(value) {
				dst = append(append(dst, ";methods="...), value...)
			}
		case p.col == colTW && isCapability(name) && !p.holdsSender(value):
			dst = append(dst, p.m.Get(q.Whole)...)
		}
	}
	return dst
}

func isCapability(name []byte) bool {
	for _, known := range [...]string{"text", "application", "data", "control", "automata", "isfocus", "events", "extensions", "duplex", "mobility", "class", "actor"} {
		if message.EqualFold(name, known) {
			return true
		}
	}
	return len(name) > 3 && message.EqualFold(name[:3], "+g.")
}

// isMethods: letters and commas, quoted or not.
func isMethods(b []byte) bool {
	for _, c := range unquoted(b) {
		if c != ',' && c != ' ' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(b) > 0
}
