package proxy

import (
	"strings"
	"testing"
)

// A sips URI is not sent on in the clear; 112 is never refused for it.
func TestSecureAllTheWay(t *testing.T) {
	r := newRig(t)
	sips := func(user string) {
		r.a.send(r.gw.addr, strings.Replace(r.a.invite(user, fromA), "INVITE sip:", "INVITE sips:", 1))
	}
	sips("0705550199")
	if m := r.a.final(); !strings.HasPrefix(m.start, "SIP/2.0 480") {
		t.Errorf("%s", m.start)
	}
	if n := r.gw.proxy.Stats().Events["insecure"]; n != 1 {
		t.Errorf("%d counted", n)
	}
	sips("112")
	r.psap.get("INVITE sips:112@")
	r.b.nothing()
}
