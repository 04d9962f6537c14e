package privacy

import (
	"bytes"
	"crypto/sha256"

	"clirgate/sip/message"
)

// strip takes out the W-party's own Via and Record-Route lines; the proxy's go on top.
func strip(p *planner, h *message.Header) Action {
	p.remove(h)
	return Map
}

// callID: the caller made it, so it is mapped when the caller is withheld, whoever sends.
func callID(p *planner, h *message.Header) Action {
	p.buf = p.appendCallID(p.buf[:0], p.m.Get(h.Value))
	return p.replace(h, p.buf, Map)
}

// appendCallID writes the dialog's Call-ID as the other side knows it.
func (p *planner) appendCallID(dst, id []byte) []byte {
	switch {
	case p.t.Sender == Caller && p.withheld && !p.raised:
		return p.mapID(dst, id)
	case p.t.Sender == Callee && p.shy:
		return p.appendOwn(dst, id)
	}
	return append(dst, id...)
}

// appendOwn writes an identifier of the withheld receiver as it wrote it itself; one that
// was never mapped (a raised dialog) stays.
func (p *planner) appendOwn(dst, id []byte) []byte {
	out, ok := p.t.Keys.UnmapID(dst, id)
	if !ok {
		return append(dst, id...)
	}
	return out
}

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
	p.work = p.appendWithoutTag(p.work[:0], self)
	n := len(p.work)
	p.work = p.appendWithoutTag(p.work, peer)
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

// appendWithoutTag appends a From or To value without its tag parameter.
func (p *planner) appendWithoutTag(dst []byte, id message.HeaderID) []byte {
	h := p.m.First(id)
	if h == nil {
		return dst
	}
	s := h.Value
	if na, ok := p.m.NameAddr(s); ok {
		if _, whole, ok := p.m.Param(na.Params, "tag"); ok {
			dst = appendUnfolded(dst, p.m.Get(message.Span{Off: s.Off, End: whole.Off}))
			return appendUnfolded(dst, p.m.Get(message.Span{Off: whole.End, End: s.End}))
		}
	}
	return appendUnfolded(dst, p.m.Get(s))
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

// onlyRegister: Path and Service-Route stand in REGISTER and its responses alone.
func onlyRegister(p *planner, h *message.Header) Action {
	if p.m.Method() == message.REGISTER {
		return Keep
	}
	return p.remove(h)
}

// sessionID: "half;remote=half" (RFC 7989 5); the first is the sender's.
func sessionID(p *planner, h *message.Header) Action {
	half, remote := p.sessionHalves(p.m.Get(h.Value))
	if !isSessionHalf(half) || remote != nil && !isSessionHalf(remote) {
		return p.remove(h)
	}
	p.buf = p.appendSessionHalf(p.buf[:0], half)
	if remote != nil {
		p.buf = append(append(p.buf, ";remote="...), remote...)
	}
	return p.replace(h, p.buf, Map)
}

// nobody is the half of a party that is not known (RFC 7989 5).
const nobody = "00000000000000000000000000000000"

// backSessionID: a withheld receiver gets the half it sent itself, as far as the request
// tells, and otherwise none.
func backSessionID(p *planner, h *message.Header) (Action, bool) {
	if !p.shy || p.t.Next.Trusted && p.t.Next.SupportsPrivacy {
		return 0, false
	}
	half, remote := p.sessionHalves(p.m.Get(h.Value))
	if remote == nil || !isSessionHalf(half) {
		return 0, false
	}
	own := []byte(nobody)
	if p.t.Request != nil && !p.m.IsRequest() {
		if mine, _ := p.sessionHalves(p.t.Request.Value(message.HSessionID)); isSessionHalf(mine) {
			own = mine
		}
	}
	if p.withheld {
		p.buf = p.appendSessionHalf(p.buf[:0], half)
	} else {
		p.buf = append(p.buf[:0], half...)
	}
	p.buf = append(append(p.buf, ";remote="...), own...)
	return p.replace(h, p.buf, Map), true
}

func (p *planner) sessionHalves(value []byte) (half, remote []byte) {
	half, rest, _ := bytes.Cut(value, []byte{';'})
	for len(rest) > 0 {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{';'})
		if name, v, _ := bytes.Cut(one, []byte{'='}); message.EqualFold(trimSpace(name), "remote") {
			remote = trimSpace(v)
		}
	}
	return trimSpace(half), remote
}

func isSessionHalf(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(b) == len(nobody)
}

// appendSessionHalf makes 32 letters a to f of the mapped half: letters, so that no
// number can come about.
func (p *planner) appendSessionHalf(dst, half []byte) []byte {
	if string(half) == nobody {
		return append(dst, half...)
	}
	n := len(dst)
	sum := sha256.Sum256(p.mapID(dst, half)[n:])
	for _, c := range sum {
		dst = append(dst, 'a'+c%6)
	}
	return dst
}

// opaqueID is an identifier of the sender's own making that only needs to stay the same.
func opaqueID(p *planner, h *message.Header) Action {
	p.buf = p.mapID(p.buf[:0], p.m.Get(h.Value))
	return p.replace(h, p.buf, Map)
}

func backOpaqueID(p *planner, h *message.Header) (Action, bool) {
	if !p.shy || p.withheld {
		return 0, false
	}
	p.buf = p.unmapID(p.buf[:0], p.m.Get(h.Value))
	return p.replace(h, p.buf, Map), true
}

// contentID keeps the part nameable and its host unnamed.
func contentID(p *planner, h *message.Header) Action {
	p.buf = append(p.mapID(append(p.buf[:0], '<'), p.m.Get(h.Value)), "@invalid>"...)
	return p.replace(h, p.buf, Rewrite)
}

// disposition: type and handling alone, no filename.
func disposition(p *planner, h *message.Header) Action {
	kind, rest, _ := bytes.Cut(p.m.Get(h.Value), []byte{';'})
	kind = trimSpace(kind)
	if !isToken(kind) || p.holdsSender(kind) {
		return p.remove(h)
	}
	p.buf = append(p.buf[:0], kind...)
	for len(rest) > 0 {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{';'})
		name, value, _ := bytes.Cut(one, []byte{'='})
		name, value = trimSpace(name), trimSpace(value)
		if message.EqualFold(name, "handling") && (message.EqualFold(value, "optional") || message.EqualFold(value, "required")) {
			p.buf = append(append(p.buf, ";handling="...), value...)
		}
	}
	return p.replace(h, p.buf, Rewrite)
}
