package proxy

import (
	"strings"
	"testing"

	"clirgate/rules"
)

// call is a call that A began.
type testCall struct {
	sent, got msg // the INVITE as sent and as received
	caller    *dialog
	callee    *dialog
}

// establish sends an INVITE and takes it to the answered and acknowledged call.
func (r *rig) establish(from *agent, to *agent, invite string, extra ...string) *testCall {
	r.t.Helper()
	c := &testCall{sent: readMsg(crlf(invite))}
	from.send(r.gw.addr, invite)
	from.status(100)
	c.got = to.get("INVITE")
	to.answer(r.gw.addr, c.got, "180 Ringing", "btag", "Contact: <sip:b@"+to.addr()+">")
	from.status(180)
	to.answer(r.gw.addr, c.got, "200 OK", "btag", append(extra, "Contact: <sip:b@"+to.addr()+">")...)
	ok := from.status(200)
	c.caller, c.callee = asCaller(from, ok), asCallee(to, c.got, "btag")
	restored(r.t, c.sent, ok)
	from.send(r.gw.addr, c.caller.request("ACK"))
	to.get("ACK")
	return c
}

// restored: the response belongs to the dialog its receiver began.
func restored(t testing.TB, sent, got msg) {
	t.Helper()
	for _, n := range []string{"From", "To", "Call-ID", "CSeq"} {
		want, have := sent.get(n), got.get(n)
		if n == "To" {
			want, have = withoutTag(want), withoutTag(have)
		}
		if want != have {
			t.Errorf("%s: %q, sent %q", n, have, want)
		}
	}
	if len(got.list("Via")) != len(sent.list("Via")) || branchOf(got.get("Via")) != branchOf(sent.get("Via")) {
		t.Errorf("Via %q, sent %q", got.list("Via"), sent.list("Via"))
	}
}

func TestOrdinaryCall(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	c := r.establish(r.a, r.b, r.a.invite("0705550199", fromA, "Subject: hallo"))
	if c.got.uri() != "sip:+31705550199@gw.example.net" {
		t.Errorf("Request-URI %q", c.got.uri())
	}
	for _, n := range []string{"From", "To", "Call-ID", "CSeq", "Contact", "Subject"} {
		if c.got.get(n) != c.sent.get(n) {
			t.Errorf("%s: %q, sent %q", n, c.got.get(n), c.sent.get(n))
		}
	}
	if v := c.got.list("Via"); len(v) != 2 || !strings.Contains(v[0], r.gw.addr) || !strings.Contains(v[1], "received="+agentHost) {
		t.Errorf("Via %q", v)
	}
	if c.got.get("Max-Forwards") != "69" || !strings.Contains(c.got.get("Record-Route"), ";lr>") {
		t.Errorf("Max-Forwards %q, Record-Route %q", c.got.get("Max-Forwards"), c.got.get("Record-Route"))
	}
	if !strings.Contains(c.got.get("P-Asserted-Identity"), numberA) {
		t.Errorf("P-Asserted-Identity %q", c.got.get("P-Asserted-Identity"))
	}
	// Both sides speak within the dialog.
	r.a.send(r.gw.addr, c.caller.request("INFO"))
	info := r.b.get("INFO")
	r.b.answer(r.gw.addr, info, "200 OK", "")
	r.a.status(200)
	r.b.send(r.gw.addr, c.callee.request("BYE"))
	bye := r.a.get("BYE")
	if bye.uri() != addrOf(c.sent.get("Contact")) || bye.has("Route") {
		t.Errorf("BYE %q, Route %q", bye.uri(), bye.get("Route"))
	}
	r.a.answer(r.gw.addr, bye, "200 OK", "")
	r.b.status(200)

	recs := r.gw.records()
	if len(recs) != 1 {
		t.Fatalf("%d records", len(recs))
	}
	rec := recs[0]
	if rec.Class != rules.N || rec.Withheld || rec.Calling != r.number(numberA) || rec.Called != r.number(numberB) || rec.Status != 200 ||
		rec.Answer.IsZero() || rec.End.IsZero() || rec.Ingress != "A" || rec.Egress != "U1" || rec.CallIDIn != c.sent.get("Call-ID") {
		t.Errorf("record %+v", rec)
	}
}

func TestWithheldCall(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA, "User-Agent: Jansen 1"))
	leak(t, c.got)
	if !strings.HasPrefix(c.got.get("From"), `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=`) || c.got.get("Privacy") != "id" {
		t.Errorf("From %q, Privacy %q", c.got.get("From"), c.got.get("Privacy"))
	}
	if v := c.got.list("Via"); len(v) != 1 || c.got.has("Record-Route") {
		t.Errorf("Via %q, Record-Route %q", v, c.got.get("Record-Route"))
	}
	if !strings.HasSuffix(c.callee.target, "@"+r.gw.addr) {
		t.Errorf("Contact %q", c.got.get("Contact"))
	}
	if len(c.caller.routes) != 1 || !strings.Contains(c.caller.routes[0], "@"+r.gw.addr+";lr") {
		t.Errorf("the caller's routes %q", c.caller.routes)
	}

	// The callee's side.
	r.b.send(r.gw.addr, c.callee.request("INVITE", "Contact: <sip:b@"+r.b.addr()+">"))
	re := r.a.get("INVITE")
	if re.get("To") != c.caller.local || re.get("From") != c.caller.remote || re.get("Call-ID") != c.caller.callID || re.uri() != addrOf(c.sent.get("Contact")) {
		t.Errorf("re-INVITE to the caller:\n%s", re.raw)
	}
	if v := re.list("Via"); len(v) != 1 {
		t.Errorf("Via %q", v)
	}
	r.a.answer(r.gw.addr, re, "200 Jan is er", "", "Contact: <sip:a@"+r.a.addr()+">", "Server: Jansen 2")
	ok := r.b.status(200)
	leak(t, ok)
	if ok.get("From") != c.callee.local || ok.get("To") != c.callee.remote || ok.start != "SIP/2.0 200 OK" || !strings.Contains(ok.get("Contact"), "@"+r.gw.addr) {
		t.Errorf("answer to the callee:\n%s", ok.raw)
	}
	r.b.send(r.gw.addr, c.callee.request("ACK"))
	r.a.get("ACK")

	// The caller's side.
	r.a.send(r.gw.addr, c.caller.request("INVITE", "Contact: <sip:a@"+r.a.addr()+">", "Privacy: none"))
	re = r.b.get("INVITE")
	leak(t, re)
	if re.get("From") != c.got.get("From") || re.get("To") != c.callee.local || re.get("Call-ID") != c.got.get("Call-ID") {
		t.Errorf("re-INVITE to the callee:\n%s", re.raw)
	}
	r.b.answer(r.gw.addr, re, "200 OK", "", "Contact: <sip:b@"+r.b.addr()+">")
	restored(t, msg{lines: []string{"From: " + c.caller.local, "To: " + c.caller.remote, "Call-ID: " + c.caller.callID, "CSeq: 2 INVITE", "Via: x;branch=" + branchOf(re.raw)}}, func() msg {
		m := r.a.status(200)
		m.lines = append([]string{"Via: x;branch=" + branchOf(re.raw)}, m.lines[len(m.list("Via")):]...)
		return m
	}())
	r.a.send(r.gw.addr, c.caller.request("ACK"))
	leak(t, r.b.get("ACK"))
	r.a.send(r.gw.addr, c.caller.request("BYE"))
	bye := r.b.get("BYE")
	leak(t, bye)
	r.b.answer(r.gw.addr, bye, "200 OK", "")
	r.a.status(200)

	recs := r.gw.records()
	if len(recs) != 1 || recs[0].Class != rules.W || !recs[0].Withheld || recs[0].Rule != rules.D3 || recs[0].CallIDOut != c.got.get("Call-ID") {
		t.Errorf("records %+v", recs)
	}
}

func TestEmergencyCall(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	c := r.establish(r.p, r.psap, r.p.invite("*31*112", `"Anonymous" <sip:anonymous@anonymous.invalid>`, "Privacy: id;user;header"))
	if c.got.uri() != "sip:112@gw.example.net" || c.got.has("Privacy") {
		t.Errorf("%q, Privacy %q", c.got.start, c.got.get("Privacy"))
	}
	for _, n := range []string{"From", "P-Asserted-Identity"} {
		if !strings.Contains(c.got.get(n), numberP) {
			t.Errorf("%s: %q", n, c.got.get(n))
		}
	}
	if tagOf(c.got.get("From")) != "ptag" || c.got.get("Call-ID") != c.sent.get("Call-ID") || c.got.get("Contact") != c.sent.get("Contact") {
		t.Errorf("dialog identifiers changed:\n%s", c.got.raw)
	}
	r.psap.send(r.gw.addr, c.callee.request("BYE"))
	bye := r.p.get("BYE")
	r.p.answer(r.gw.addr, bye, "200 OK", "")
	r.psap.status(200)
	if recs := r.gw.records(); len(recs) != 1 || recs[0].Class != rules.E || recs[0].Rule != rules.D1 || recs[0].CalledClass != "emergency" {
		t.Errorf("records %+v", recs)
	}
}
