package e2e

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A draining gateway sends new calls away, but not 112, and goes on with what it has begun.
func TestDrain(t *testing.T) {
	r := newRig(t, "PS", "")
	a, psap := r.ua("A"), r.ua("PS")
	running, pending := r.established(t, "TV02", "1"), r.ringing(t, "TV02", "2")
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		drained <- r.g.Drain(ctx)
	}()
	for refused := false; !refused; { // it may still be about to begin
		a.send(r.gw, strings.NewReplacer("z9hG4bKa1", "z9hG4bKd"+itoa(int(time.Now().UnixNano())), "c1@", "d@").
			Replace(r.local(vectorNamed(t, "TV04").msg)))
		reply := a.next("100 or 503", func(m sipMsg) bool {
			return strings.HasPrefix(m.get("Call-ID"), "d@") && (m.status() == 100 || m.status() == 503)
		})
		if refused = reply.status() == 503; refused && reply.get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	a.send(r.gw, strings.NewReplacer("z9hG4bKa1", "z9hG4bKe", "c1@", "e@").Replace(r.local(vectorNamed(t, "TV10").msg)))
	psap.send(r.gw, answer(psap.request("INVITE"), "200 OK", "p", "Contact: <sip:p@"+psap.host()+">"))
	a.next("200 from 112", func(m sipMsg) bool { return m.status() == 200 && strings.HasPrefix(m.get("Call-ID"), "e@") })
	running.byeFromCallee(running.b.hop())
	pending.answer()
	pending.ack()
	for _, m := range r.ua("U1").got() { // calls of the moment before the drain
		if m.isRequest() && m.method() == "INVITE" {
			r.ua("U1").send(r.gw, answer(m, "480 Temporarily Unavailable", "b9"))
		}
	}
	must(t, take(t, drained, "end of the drain"))
}

// A changed configuration counts for calls that begin afterwards; a bad one for none.
func TestReload(t *testing.T) {
	r := newRig(t, "U1", "")
	before := r.established(t, "TV02", "1")
	must(t, r.g.Reload(r.config(strings.Replace(r.yaml, `{prefix: "", to: U1}`, `{prefix: "", to: T1}`, 1))))
	a, t1 := r.ua("A"), r.ua("T1")
	a.send(r.gw, strings.NewReplacer("z9hG4bKa1", "z9hG4bKr", "c1@", "r@").Replace(r.local(vectorNamed(t, "TV02").msg)))
	got := t1.request("INVITE")
	if !strings.Contains(got.get("P-Asserted-Identity"), "+31205550101") {
		t.Errorf("towards the trusted carrier: P-Asserted-Identity %q", got.get("P-Asserted-Identity"))
	}
	t1.send(r.gw, answer(got, "486 Busy Here", "x"))
	a.response(486)
	if err := r.g.Reload(r.config(strings.Replace(r.yaml, "gw.example.net", "other.example.net", 1))); err == nil {
		t.Error("a change of the home domain was taken without a restart")
	}
	a.send(r.gw, strings.NewReplacer("z9hG4bKa1", "z9hG4bKs", "c1@", "s@").Replace(r.local(vectorNamed(t, "TV02").msg)))
	t1.request("INVITE")
	before.byeFromCallee(before.b.hop())
}

// A rule set through the API counts for the next call, and the rest of a call that began
// before stays as it was (NV17).
func TestRuleCountsAtOnce(t *testing.T) {
	r := newRig(t, "U1", "")
	before := r.established(t, "TV01", "1")
	r.setCLIR("+31205550101", "permanent")
	a, u1 := r.ua("A"), r.ua("U1")
	a.send(r.gw, strings.NewReplacer("z9hG4bKa1", "z9hG4bKr", "c1@", "r@").Replace(r.local(vectorNamed(t, "TV01").msg)))
	got := u1.request("INVITE")
	if w := r.line("A").leak(got.raw); w != "" {
		t.Errorf("leak (%s) in\n%s", w, got.raw)
	}
	if rec := r.record(); rec.Rule != "D2" {
		t.Errorf("rule %s", rec.Rule)
	}
	before.byeFromCaller(before.a.hop())
	r.setCLIR("+31205550101", "none")
	a.send(r.gw, strings.NewReplacer("z9hG4bKa1", "z9hG4bKs", "c1@", "s@").Replace(r.local(vectorNamed(t, "TV01").msg)))
	if got := u1.request("INVITE"); !strings.Contains(got.get("From"), "+31205550101") {
		t.Errorf("From %q after the rule was taken back", got.get("From"))
	}
}
