package proxy

import (
	"clirgate/numbering"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/trace"
)

// readIdentity: who calls, as the network knows it and as the user shows it (DESIGN 6.2,
// PRV-11, PRV-12).
func (c *call) readIdentity() {
	f := &c.facts
	if h := c.m.First(message.HFrom); h != nil {
		f.shown = c.numberOf(h.Value)
	}
	n := 0
	for _, s := range c.m.ValuesOf(message.HPAssertedIdentity) {
		if number := c.numberOf(s); number != 0 && n < len(f.asserted) {
			f.asserted[n] = number
			n++
		}
	}
	switch {
	case c.from.Boundary == Access:
		c.readAccessIdentity()
	case c.from.asserts():
		c.readAssertedIdentity()
	}
}

// asserts tells whether the peer is believed in its P-Asserted-Identity.
func (p *peer) asserts() bool {
	switch p.Boundary {
	case Trusted, Emergency:
		return true
	case Interconnect:
		return p.Asserts
	}
	return false
}

// readAccessIdentity: a hint, From, or a claimed assertion chooses among the peer's own
// numbers; otherwise it is the default, if there is one.
func (c *call) readAccessIdentity() {
	f := &c.facts
	for _, s := range c.m.ValuesOf(message.HPPreferredIdentity) {
		if c.isOwnNumber(c.numberOf(s)) {
			f.network, f.trust = c.numberOf(s), trace.TrustScreened
			break
		}
	}
	if f.network == 0 && c.isOwnNumber(f.shown) {
		f.network, f.trust = f.shown, trace.TrustScreened
	}
	for _, n := range f.asserted {
		if f.network == 0 && c.isOwnNumber(n) {
			f.network, f.trust = n, trace.TrustScreened
		}
	}
	if f.network == 0 && c.from.Default != 0 {
		f.network, f.trust = c.from.Default, trace.TrustDefault
	}
	f.screen = c.screens()
}

func (c *call) isOwnNumber(n numbering.Number) bool {
	return n != 0 && (n == c.from.Default || c.from.Numbers.Contains(n))
}

// screens: an access peer shows in From what is not its own, and does not hide either. A
// REGISTER is not screened: From names the account, for the registrar alone.
func (c *call) screens() bool {
	if c.from.Boundary != Access || c.method == message.REGISTER || privacy.AnonymousFrom(c.m) {
		return false
	}
	if c.facts.shown == 0 {
		if h := c.m.First(message.HFrom); h != nil {
			c.facts.shown = c.numberOf(h.Value)
		}
	}
	if c.facts.network == 0 && c.facts.shown == 0 && !c.showsDigits() {
		return false // a name, and nothing to put in its place
	}
	return !c.isOwnNumber(c.facts.shown)
}

// showsDigits tells whether From looks like a number, though it is none that could be read.
func (c *call) showsDigits() bool {
	h := c.m.First(message.HFrom)
	if h == nil {
		return false
	}
	na, ok := c.m.NameAddr(h.Value)
	if !ok {
		return true // whatever a phone makes of it
	}
	u, ok := c.m.ParseURI(na.URI)
	if !ok || u.Scheme == message.Tel {
		return true
	}
	var room [64]byte
	digits := 0
	for _, b := range message.AppendUnescaped(room[:0], c.m.Get(u.User)) {
		switch {
		case b >= '0' && b <= '9':
			digits++
		case b|0x20 >= 'a' && b|0x20 <= 'z' || b == '_':
			return false
		}
	}
	return digits > 0
}

// readAssertedIdentity: what a believed neighbour asserts, else what its user shows; of an
// interconnect the assertion alone. What the user shows is enough to withhold it, for the
// record (which tells it from an assertion) and for 112; it is asserted to nobody else.
func (c *call) readAssertedIdentity() {
	f := &c.facts
	switch {
	case f.asserted[0] != 0:
		f.network, f.trust = f.asserted[0], trace.TrustAsserted
	case f.shown != 0 && c.from.Boundary != Interconnect:
		f.network, f.trust = f.shown, trace.TrustFrom
	}
}
