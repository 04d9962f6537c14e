package proxy

import (
	"testing"

	"clirgate/numbering"
	"clirgate/sip/message"
	"clirgate/trace"
)

// TestIdentity: who the network takes a sender for (DESIGN 6.2).
func TestIdentity(t *testing.T) {
	r := newRig(t)
	ranges, err := numbering.NewRanges([]string{"+3120555"})
	if err != nil {
		t.Fatal(err)
	}
	lines := Peer{Name: "lines", Boundary: Access, Numbers: ranges}
	withDefault := lines
	withDefault.Default = r.number("+31205550100")
	asserting := Peer{Name: "ix", Boundary: Interconnect, Asserts: true}
	const (
		jan   = "From: <sip:0205550101@x>;tag=1\n"
		other = "From: <sip:+31881234567@x>;tag=1\n"
		name  = "From: <sip:jan@x>;tag=1\n"
		anon  = "From: <sip:anonymous@anonymous.invalid>;tag=1\n"
		ppi   = "P-Preferred-Identity: <tel:+31205550105>\n"
		pai   = "P-Asserted-Identity: \"J\" <sip:+31205550106@x;user=phone>, <tel:+31205550107>\n"
	)
	f := func(p Peer, headers, network string, trust trace.Trust, screen bool) {
		t.Helper()
		m := new(message.Message)
		text := crlf("INVITE sip:b@c SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\n" + headers + "To: <sip:c@d>\nCall-ID: x\nCSeq: 1 INVITE\n")
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		c := r.gw.proxy.newCall(nil, m, r.flow())
		defer c.giveBack()
		c.from = newPeer(&p, new(tallies).of)
		c.readIdentity()
		if c.facts.network != r.number(network) || c.facts.trust != trust || c.facts.screen != screen {
			t.Errorf("%s %q: known %v, trust %d, screen %v", p.Name, headers, c.facts.network != 0, c.facts.trust, c.facts.screen)
		}
	}
	f(lines, jan, numberA, trace.TrustScreened, false)
	f(lines, jan+ppi, "+31205550105", trace.TrustScreened, false)
	f(lines, jan+"P-Preferred-Identity: <tel:+31881234567>\n", numberA, trace.TrustScreened, false)
	f(lines, other+pai, "+31205550106", trace.TrustScreened, true)
	f(lines, other, "", trace.TrustNone, true)
	f(withDefault, other, "+31205550100", trace.TrustDefault, true)
	f(withDefault, name, "+31205550100", trace.TrustDefault, true)
	f(withDefault, anon, "+31205550100", trace.TrustDefault, false)
	f(Peer{Name: "core", Boundary: Trusted}, jan+pai, "+31205550106", trace.TrustAsserted, false)
	f(Peer{Name: "core", Boundary: Trusted}, jan, numberA, trace.TrustFrom, false)
	f(Peer{Name: "core", Boundary: Trusted}, anon, "", trace.TrustNone, false)
	f(Peer{Name: "psap", Boundary: Emergency}, jan, numberA, trace.TrustFrom, false)
	f(asserting, jan+pai, "+31205550106", trace.TrustAsserted, false)
	f(asserting, jan, "", trace.TrustNone, false)
	f(Peer{Name: "ix", Boundary: Interconnect}, jan+pai, "", trace.TrustNone, false)
}
