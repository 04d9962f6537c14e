package privacy

import (
	"clirgate/numbering"
	"clirgate/sip/message"
)

const (
	anonymousURI  = "<sip:anonymous@anonymous.invalid>"
	anonymousFrom = `"Anonymous" ` + anonymousURI
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

func (p *planner) addsPAI() bool {
	if p.paiSIP || p.paiTel || p.t.Network == 0 || !p.m.IsRequest() || !p.mayAssert() {
		return false
	}
	switch p.col {
	case colE:
		return p.t.Sender == Caller
	case colTN, colTW:
		return true
	case colUN:
		return p.sendsPAI()
	}
	return false
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

// isSender tells whether a URI is the sender itself: its number, or its From address.
func (p *planner) isSender(uri message.Span) bool {
	u, ok := p.m.ParseURI(uri)
	if !ok {
		return true // what cannot be read is taken for it
	}
	if p.holdsSender(p.m.Get(uri)) {
		return true
	}
	h := p.m.First(message.HFrom)
	if !p.m.IsRequest() {
		h = p.m.First(message.HTo)
	}
	if h == nil {
		return false
	}
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		return false
	}
	own, ok := p.m.ParseURI(na.URI)
	return ok && !u.User.Empty() && message.EqualHost(p.m.Get(own.Host), p.m.Get(u.Host)) &&
		string(p.m.Get(own.User)) == string(p.m.Get(u.User))
}

// holdsSender searches text for the sender's numbers, in digits with any separators.
func (p *planner) holdsSender(text []byte) bool {
	numbers := p.senderNumbers()
	return holdsNumber(text, p.t.Network) || holdsNumber(text, numbers[0]) || holdsNumber(text, numbers[1])
}

func (p *planner) senderNumbers() *[2]numbering.Number {
	if p.t.Sender == Callee {
		return &p.d.CalleeNumbers
	}
	return &p.d.CallerNumbers
}

const (
	significant = 9 // last digits that make a number, whatever prefix stands before them
	leastDigits = 6 // shorter numbers could be anything
)

// holdsNumber finds the last digits of n in text, %HH decoded, separators skipped.
func holdsNumber(text []byte, n numbering.Number) bool {
	var room [16]byte
	digits := n.Append(room[:0])
	if len(digits) > significant {
		digits = digits[len(digits)-significant:]
	}
	if len(digits) < leastDigits {
		return false
	}
	var tail [significant]byte // the last digits seen
	run := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' && i+2 < len(text) {
			var one [1]byte
			if d := message.AppendUnescaped(one[:0], text[i:i+3]); len(d) == 1 {
				c = d[0]
				i += 2
			}
		}
		switch {
		case c >= '0' && c <= '9':
			copy(tail[:], tail[1:])
			tail[len(tail)-1] = c
			if run++; run >= len(digits) && string(tail[len(tail)-len(digits):]) == string(digits) {
				return true
			}
		case c == '-' || c == '.' || c == ' ' || c == '(' || c == ')' || c == '/' || c == '+':
		default:
			run = 0
		}
	}
	return false
}
