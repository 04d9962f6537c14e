package proxy

import (
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// connectedWithheld: whoever answers in the place of the number called, because that was
// forwarded, has TIR permanently (GPP-12). TIR of the number called is decided already.
func (c *call) connectedWithheld(p *peer, m *message.Message) bool {
	if !c.initial || c.sender != privacy.Caller {
		return false
	}
	n := c.connected(p, m)
	if n == 0 || n == c.facts.called {
		return false
	}
	s, ok := c.p.snapshot().Subscriber(n, c.now)
	return ok && s.TIR == rules.TIRPermanent
}

// connected is the number of whoever answers, as the network knows it: asserted by those
// who are believed; else one of the access peer's own, or its default.
func (c *call) connected(p *peer, m *message.Message) numbering.Number {
	if p.Boundary != Access && !p.asserts() {
		return 0
	}
	for _, s := range m.ValuesOf(message.HPAssertedIdentity) {
		na, ok := m.NameAddr(s)
		if !ok {
			continue
		}
		n := numberIn(c.p.d.Plan, m, na.URI)
		if n != 0 && (p.asserts() || n == p.Default || p.Numbers.Contains(n)) {
			return n
		}
	}
	return p.Default
}
