package proxy

import (
	"strings"
	"testing"
)

const textBody = "body:bel mij op 020-555 01 01"

// TestLeakGuard: a text of the user's own that spells the number is what the header table
// does not touch.
func TestLeakGuard(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	r.a.send(r.gw.addr, r.a.initial("MESSAGE", "*31*0705550199", fromA, "Content-Type: text/plain", textBody))
	r.a.status(500)
	r.b.nothing()
	r.a.send(r.gw.addr, r.a.initial("MESSAGE", "0705550199", fromA, "Content-Type: text/plain", textBody))
	r.b.get("MESSAGE")
	r.a.send(r.gw.addr, r.a.initial("MESSAGE", "*31*112", fromA, "Content-Type: text/plain", textBody))
	if got := r.psap.get("MESSAGE"); !strings.Contains(got.body, "555 01 01") {
		t.Errorf("%s", got.raw)
	}

	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	r.a.send(r.gw.addr, c.caller.request("INFO", "Content-Type: text/plain", textBody))
	info := r.b.get("INFO")
	leak(t, info)
	if info.body != "" || info.has("Content-Type") || info.get("Content-Length") != "0" {
		t.Errorf("%s", info.raw)
	}
	r.b.answer(r.gw.addr, info, "200 OK", "")
	r.a.status(200)

	r.b.send(r.gw.addr, c.callee.request("INFO"))
	info = r.a.get("INFO")
	r.a.answer(r.gw.addr, info, "200 OK", "", "Retry-After: 205550101", "Content-Type: text/plain", textBody)
	ok := r.b.status(200)
	leak(t, ok)
	if ok.body != "" || ok.has("Retry-After") {
		t.Errorf("%s", ok.raw)
	}

	s := r.gw.proxy.Stats()
	if s.Events["leak_cleaned"] < 2 || s.Leaks["digits"] == 0 {
		t.Errorf("%v %v", s.Events, s.Leaks)
	}
	if log := r.gw.log.String(); !strings.Contains(log, "leak guard") || strings.Contains(log, "5550101") {
		t.Errorf("log %q", log)
	}
	recs := r.gw.records()
	if len(recs) != 4 || recs[0].Status != 500 || !recs[0].Withheld {
		t.Errorf("%d records, %+v", len(recs), recs)
	}
}

// TestCallsHimself: an own voice mail sees its owner.
func TestCallsHimself(t *testing.T) {
	r := newRig(t)
	r.a.send(r.gw.addr, r.a.invite("*31*0205550101", fromA))
	r.a.get("INVITE sip:" + numberA)
}
