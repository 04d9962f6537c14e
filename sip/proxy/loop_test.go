package proxy

import (
	"strings"
	"testing"
)

// again is a request as the next hop would send it back to us.
func (a *agent) again(m msg, change ...string) string {
	via := "SIP/2.0\r\nVia: SIP/2.0/UDP " + a.addr() + ";branch=z9hG4bKagain" + branchOf(m.raw) + "\r\n"
	return strings.NewReplacer(change...).Replace(strings.Replace(m.raw, "SIP/2.0\r\n", via, 1))
}

func TestLoop(t *testing.T) {
	r := newRig(t)
	r.core.send(r.gw.addr, r.core.invite("+31611000000", "<sip:+31201112222@ix.example>"))
	got := r.core.get("INVITE")
	r.core.send(r.gw.addr, r.core.again(got))
	if looped := r.core.final(); !strings.HasPrefix(looped.start, "SIP/2.0 482") {
		t.Errorf("%q", looped.start)
	}
}

func TestSpiral(t *testing.T) {
	r := newRig(t)
	r.core.send(r.gw.addr, r.core.invite("+31611000000", "<sip:+31201112222@ix.example>"))
	got := r.core.get("INVITE")
	r.core.send(r.gw.addr, r.core.again(got, "INVITE sip:+31611000000", "INVITE sip:+31705550199"))
	second := r.b.get("INVITE")
	if n := len(second.list("Via")); n != 4 {
		t.Errorf("%d Via values", n)
	}
	if rr := second.list("Record-Route"); len(rr) != 2 || rr[0] == rr[1] {
		t.Errorf("Record-Route %q", rr)
	}
	// The spiral's dialog goes through both passages.
	r.b.answer(r.gw.addr, second, "200 OK", "btag", "Contact: <sip:b@"+r.b.addr()+">")
	callee := asCallee(r.b, second, "btag")
	r.b.send(r.gw.addr, callee.request("BYE"))
	bye := r.core.get("BYE")
	if n := len(bye.list("Via")); n != 3 {
		t.Errorf("BYE went through the gateway %d times", n-1)
	}
}
