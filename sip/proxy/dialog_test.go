package proxy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"clirgate/rules"
	"clirgate/sip/privacy"
)

// restart puts a new gateway in the place of the old one: same address and keys, nothing
// else of it.
func (r *rig) restart() {
	r.t.Helper()
	old := r.gw.addr
	r.gw.close()
	s := settings{}
	s.options.T1 = 100 * time.Millisecond
	s.at = netip.MustParseAddrPort(old)
	r.gw = r.newGateway(s)
	if r.gw.addr != old {
		r.t.Fatal("another address")
	}
}

// exchange sends a request of each side through a gateway and looks at what arrives.
func (r *rig) exchange(c *testCall, via string, withheld bool) {
	r.t.Helper()
	r.a.send(via, c.caller.request("INFO"))
	info := r.b.get("INFO")
	if info.get("From") != c.got.get("From") || info.get("Call-ID") != c.got.get("Call-ID") || info.uri() != "sip:b@"+r.b.addr() {
		r.t.Errorf("to the callee:\n%s", info.raw)
	}
	if withheld {
		leak(r.t, info)
	}
	r.b.answer(via, info, "200 OK", "")
	ok := r.a.status(200)
	if ok.get("To") != c.caller.remote || ok.get("Call-ID") != c.caller.callID {
		r.t.Errorf("answer to the caller:\n%s", ok.raw)
	}
	r.b.send(via, c.callee.request("INFO"))
	info = r.a.get("INFO")
	// On an open call the code that was dialled is gone from To for good; the tag tells.
	from := info.get("From")
	if !withheld && tagOf(from) == tagOf(c.caller.remote) {
		from = c.caller.remote
	}
	if info.get("To") != c.caller.local || from != c.caller.remote || info.get("Call-ID") != c.caller.callID || info.uri() != addrOf(c.sent.get("Contact")) {
		r.t.Errorf("to the caller:\n%s", info.raw)
	}
	r.a.answer(via, info, "200 OK", "")
	ok = r.b.status(200)
	if ok.get("To") != c.callee.remote || ok.get("Call-ID") != c.callee.callID {
		r.t.Errorf("answer to the callee:\n%s", ok.raw)
	}
	if withheld {
		leak(r.t, ok)
	}
}

func TestDialogSurvives(t *testing.T) {
	for dialled, withheld := range map[string]bool{"0705550199": false, "*31*0705550199": true} {
		t.Run(dialled, func(t *testing.T) {
			r := newRig(t)
			c := r.establish(r.a, r.b, r.a.invite(dialled, fromA))
			r.exchange(c, r.gw.addr, withheld)
			r.restart()
			r.exchange(c, r.gw.addr, withheld)

			// Another gateway with the same keys, at another address.
			second := r.newGateway(settings{})
			r.exchange(c, second.addr, withheld)
		})
	}
}

// TestOtherKeys: a token of a ring that is gone opens for nobody.
func TestOtherKeys(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	r.keys = privacy.MemoryKeys(24*time.Hour, time.Now().Add(-time.Hour))
	r.restart()
	r.b.send(r.gw.addr, c.callee.request("BYE"))
	r.b.status(403)
	r.a.nothing()
}

// TestStrictRouter: the hop before puts our Record-Route into the Request-URI and the
// remote target at the end of the Route set; the hop behind wants it so.
func TestStrictRouter(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	ours := addrOf(c.caller.routes[0])
	c.caller.routes, c.caller.target = []string{"<" + c.caller.target + ">"}, ours
	r.a.send(r.gw.addr, c.caller.request("INFO"))
	info := r.b.get("INFO")
	leak(t, info)
	if info.uri() != "sip:b@"+r.b.addr() || info.has("Route") {
		t.Errorf("%q, Route %q", info.start, info.get("Route"))
	}
	r.b.answer(r.gw.addr, info, "200 OK", "")
	r.a.status(200)

	// Behind us a strict router: R, at the core's address.
	c.caller.routes = []string{"<" + ours + ">", "<sip:strict@" + r.core.addr() + ">", "<sip:other.example;lr>"}
	c.caller.target = "sip:b@far.example"
	r.a.send(r.gw.addr, c.caller.request("INFO"))
	info = r.core.get("INFO")
	if info.uri() != "sip:strict@"+r.core.addr() || strings.Join(info.list("Route"), " ") != "<sip:other.example;lr> <sip:b@far.example>" {
		t.Errorf("%q, Route %q", info.start, info.list("Route"))
	}
}

// TestProxiesOnBothSides: each side's own proxies recorded their routes; neither sees the
// other's on a withheld call, and requests go the whole way.
func TestProxiesOnBothSides(t *testing.T) {
	r := newRig(t)
	upstream := "<sip:" + r.a.addr() + ";lr>"
	downstream := "<sip:" + r.b.addr() + ";lr>"
	invite := r.a.invite("*31*0705550199", fromA, "Record-Route: "+upstream)
	r.a.send(r.gw.addr, invite)
	got := r.b.get("INVITE")
	if got.has("Record-Route") {
		t.Fatalf("Record-Route %q", got.get("Record-Route"))
	}
	withProxy := got
	withProxy.lines = append([]string{"Record-Route: " + downstream}, got.lines...)
	r.b.answer(r.gw.addr, withProxy, "200 OK", "btag", "Contact: <sip:b@far.example>")
	ok := r.a.status(200)
	rr := ok.list("Record-Route")
	if len(rr) != 3 || rr[0] != downstream || rr[2] != upstream || !strings.Contains(rr[1], r.gw.addr) {
		t.Fatalf("Record-Route to the caller: %q", rr)
	}
	caller, callee := asCaller(r.a, ok), asCallee(r.b, withProxy, "btag")
	caller.routes = caller.routes[1:] // the upstream proxy has taken its own off
	r.a.send(r.gw.addr, caller.request("ACK"))
	ack := r.b.get("ACK")
	if ack.uri() != "sip:b@far.example" || strings.Join(ack.list("Route"), " ") != downstream {
		t.Errorf("%q, Route %q", ack.start, ack.list("Route"))
	}
	callee.routes = nil
	r.b.send(r.gw.addr, callee.request("BYE"))
	bye := r.a.get("BYE")
	if bye.uri() != "sip:a@"+r.a.addr() || strings.Join(bye.list("Route"), " ") != upstream {
		t.Errorf("%q, Route %q", bye.start, bye.list("Route"))
	}
}

// TestAckOfRealPhones: the Route set is forgotten; the INVITE is remembered.
func TestAckOfRealPhones(t *testing.T) {
	for name, target := range map[string]string{"to the callee": "", "to us": "gateway"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.a.send(r.gw.addr, r.a.invite("*31*0705550199", fromA))
			got := r.b.get("INVITE")
			r.b.answer(r.gw.addr, got, "200 OK", "btag", "Contact: <sip:b@"+r.b.addr()+">")
			caller := asCaller(r.a, r.a.status(200))
			caller.routes = nil
			if target != "" {
				caller.target = "sip:" + r.gw.addr
			}
			r.a.send(r.gw.addr, caller.request("ACK"))
			ack := r.b.get("ACK")
			leak(t, ack)
			if ack.get("From") != got.get("From") || ack.get("Call-ID") != got.get("Call-ID") {
				t.Errorf("%s", ack.raw)
			}
		})
	}
	r := newRig(t)
	lone := asCaller(r.a, readMsg("\r\nFrom: "+fromA+";tag=x\r\nTo: <sip:b@gw.example.net>;tag=y\r\nCall-ID: z\r\nContact: <sip:b@"+r.b.addr()+">"))
	r.a.send(r.gw.addr, lone.request("ACK"))
	r.b.nothing()
}

// TestForkingDownstream: several early dialogs and several answers, each with its own tag.
func TestForkingDownstream(t *testing.T) {
	r := newRig(t)
	r.a.send(r.gw.addr, r.a.invite("*31*0705550199", fromA))
	got := r.b.get("INVITE")
	contact := "Contact: <sip:b@" + r.b.addr() + ">"
	for _, tag := range []string{"fork1", "fork2"} {
		r.b.answer(r.gw.addr, got, "183 Session Progress", tag, contact)
		if ok := r.a.status(183); tagOf(ok.get("To")) != tag {
			t.Errorf("To %q", ok.get("To"))
		}
	}
	for _, tag := range []string{"fork1", "fork2"} {
		r.b.answer(r.gw.addr, got, "200 OK", tag, contact)
		ok := r.a.status(200)
		if tagOf(ok.get("To")) != tag {
			t.Errorf("To %q", ok.get("To"))
		}
		d := asCaller(r.a, ok)
		r.a.send(r.gw.addr, d.request("ACK"))
		if ack := r.b.get("ACK"); tagOf(ack.get("To")) != tag {
			t.Errorf("ACK To %q", ack.get("To"))
		}
		r.a.send(r.gw.addr, d.request("BYE"))
		leak(t, r.b.get("BYE"))
	}
	// A lost ACK: the callee answers again, and so it does the caller.
	r.b.answer(r.gw.addr, got, "200 OK", "fork1", contact)
	r.a.status(200)
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	invite := r.a.invite("*31*0705550199", fromA)
	r.a.send(r.gw.addr, invite)
	got := r.b.get("INVITE")
	cancel := strings.NewReplacer("INVITE", "CANCEL", "Content-Length", "Reason: SIP;cause=487;text=\"Jan Jansen hangt op\"\nContent-Length").Replace(invite)
	r.a.send(r.gw.addr, cancel)
	if ok := r.a.status(200); ok.get("CSeq") != "1 CANCEL" {
		t.Errorf("CSeq %q", ok.get("CSeq"))
	}
	r.b.answer(r.gw.addr, got, "180 Ringing", "btag")
	c := r.b.get("CANCEL")
	leak(t, c)
	if c.uri() != got.uri() || c.get("From") != got.get("From") || c.get("Call-ID") != got.get("Call-ID") || branchOf(c.raw) != branchOf(got.raw) || c.get("Reason") != "SIP;cause=487" {
		t.Errorf("%s", c.raw)
	}
	r.b.answer(r.gw.addr, c, "200 OK", "btag")
	r.b.answer(r.gw.addr, got, "487 Request Terminated", "btag")
	leak(t, r.b.get("ACK"))
	restored(t, readMsg(crlf(invite)), r.a.status(487))
}

// TestAnswerAgainstCancel: the 2xx was on its way; the call stands.
func TestAnswerAgainstCancel(t *testing.T) {
	r := newRig(t)
	invite := r.a.invite("*31*0705550199", fromA)
	r.a.send(r.gw.addr, invite)
	got := r.b.get("INVITE")
	r.b.answer(r.gw.addr, got, "180 Ringing", "btag")
	r.a.status(180)
	r.a.send(r.gw.addr, strings.ReplaceAll(invite, "INVITE", "CANCEL"))
	c := r.b.get("CANCEL")
	r.b.answer(r.gw.addr, got, "200 OK", "btag", "Contact: <sip:b@"+r.b.addr()+">")
	r.b.answer(r.gw.addr, c, "481 Too Late", "btag")
	for {
		ok := r.a.status(200)
		if ok.get("CSeq") != "1 INVITE" {
			continue
		}
		d := asCaller(r.a, ok)
		r.a.send(r.gw.addr, d.request("ACK"))
		r.b.get("ACK")
		r.a.send(r.gw.addr, d.request("BYE"))
		r.b.get("BYE")
		return
	}
}

// TestConnectedIdentityRestricted: the callee has TIR, by its subscription, or says so in
// its answer.
func TestConnectedIdentityRestricted(t *testing.T) {
	for name, c := range map[string]struct {
		called  string
		privacy []string
	}{
		"subscribed":    {"+31705550188", nil},
		"in the answer": {"+31705550111", []string{"Privacy: id"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.core.send(r.gw.addr, r.core.invite(c.called, "<sip:+31201112222@ix.example>"))
			got := r.b.get("INVITE")
			extra := append([]string{"Contact: <sip:+31705550177@" + r.b.addr() + ">", "P-Asserted-Identity: <sip:+31705550177@z.example>", "Server: Z"}, c.privacy...)
			r.b.answer(r.gw.addr, got, "180 Ringing", "z-tag-7", extra...)
			r.core.status(180)
			r.b.answer(r.gw.addr, got, "200 OK", "z-tag-7", extra...)
			ok := r.core.status(200)
			hidden := func(m msg) {
				t.Helper()
				for _, s := range []string{"5550177", "z-tag-7", "Server"} {
					if strings.Contains(m.raw, s) {
						t.Errorf("%q in\n%s", s, m.raw)
					}
				}
			}
			hidden(ok)
			caller, callee := asCaller(r.core, ok), asCallee(r.b, got, "z-tag-7")
			r.core.send(r.gw.addr, caller.request("ACK"))
			if ack := r.b.get("ACK"); tagOf(ack.get("To")) != "z-tag-7" || ack.uri() != "sip:+31705550177@"+r.b.addr() {
				t.Errorf("%s", ack.raw)
			}
			// Its own requests are as anonymous, in the dialog the caller knows.
			r.b.send(r.gw.addr, callee.request("INVITE", "Contact: <sip:+31705550177@"+r.b.addr()+">", "P-Asserted-Identity: <sip:+31705550177@z.example>"))
			re := r.core.get("INVITE")
			hidden(re)
			if tagOf(re.get("From")) != tagOf(caller.remote) || re.get("Call-ID") != caller.callID {
				t.Errorf("%s", re.raw)
			}
			r.core.answer(r.gw.addr, re, "200 OK", "", "Contact: <sip:core@"+r.core.addr()+">")
			if ok := r.b.status(200); ok.get("From") != callee.local || ok.get("To") != callee.remote {
				t.Errorf("%s", ok.raw)
			}
			r.core.send(r.gw.addr, caller.request("BYE"))
			bye := r.b.get("BYE")
			if tagOf(bye.get("To")) != "z-tag-7" {
				t.Errorf("%s", bye.raw)
			}
			r.b.answer(r.gw.addr, bye, "200 OK", "", "Server: Z")
			hidden(r.core.status(200))
		})
	}
}

// TestRaised: an open call whose caller asks for privacy later.
func TestRaised(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("0705550199", fromA))
	hidden := func(m msg) { // but for what an answer repeats of its request
		t.Helper()
		for _, s := range []string{"205550101", "Jansen"} {
			if text := strings.ReplaceAll(m.raw, c.callee.remote, ""); strings.Contains(text, s) {
				t.Errorf("%q in\n%s", s, m.raw)
			}
		}
	}
	r.a.send(r.gw.addr, c.caller.request("INVITE", "Privacy: id", "Contact: <sip:a@"+r.a.addr()+">"))
	re := r.b.get("INVITE")
	hidden(re)
	if tagOf(re.get("From")) != "atag" || re.get("Call-ID") != c.caller.callID {
		t.Errorf("the dialog changed:\n%s", re.raw)
	}
	r.b.answer(r.gw.addr, re, "200 OK", "", "Contact: <sip:b@"+r.b.addr()+">")
	ok := r.a.status(200)
	if ok.get("From") != c.caller.local {
		t.Errorf("%s", ok.raw)
	}
	r.a.send(r.gw.addr, c.caller.request("ACK"))
	hidden(r.b.get("ACK"))

	// From now on, without being asked again.
	r.a.send(r.gw.addr, c.caller.request("INFO", "User-Agent: Jansen 1"))
	info := r.b.get("INFO")
	hidden(info)
	r.b.answer(r.gw.addr, info, "200 OK", "")
	r.a.status(200)

	// The other side, with the remote target it has now.
	c.callee.target = addrOf(re.get("Contact"))
	r.b.send(r.gw.addr, c.callee.request("INFO"))
	info = r.a.get("INFO")
	if info.uri() != "sip:a@"+r.a.addr() || tagOf(info.get("To")) != "atag" || info.has("Route") {
		t.Errorf("%s", info.raw)
	}
	r.a.answer(r.gw.addr, info, "200 Jansen", "", "Server: Jansen 1")
	hidden(r.b.status(200))

	// And with the one it had.
	c.callee.target = "sip:a@" + r.a.addr()
	r.b.send(r.gw.addr, c.callee.request("BYE"))
	bye := r.a.get("BYE")
	r.a.answer(r.gw.addr, bye, "200 Jansen", "", "Server: Jansen 1")
	hidden(r.b.status(200))
}

// TestCallToToken: somebody else calls the withheld party by the Contact he was given in a
// transfer, to take the place of a dialog he knows by its mapped names. The Contact that
// the other side was given is no use to him: he gets one of his own.
func TestCallToToken(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	replaces := c.callee.callID + ";to-tag=" + tagOf(c.callee.remote) + ";from-tag=btag"
	third := r.core
	calls := func(target string) {
		invite := third.invite("x", "<sip:+31201112222@ix.example>", "Replaces: "+replaces)
		third.send(r.gw.addr, strings.Replace(invite, "sip:x@gw.example.net", target, 1))
	}
	calls(c.callee.target)
	third.status(403)
	consult := r.establish(r.b, third, r.b.invite("+31611223344", "<sip:+31705550199@ix.example>"))
	r.b.send(r.gw.addr, consult.caller.request("REFER", "Contact: <sip:b@"+r.b.addr()+">", "Refer-To: <"+c.callee.target+"?Replaces=x>;p=q"))
	refer := third.get("REFER")
	third.answer(r.gw.addr, refer, "202 Accepted", "", "Contact: <sip:c@"+third.addr()+">")
	r.b.status(202)
	referTo := refer.get("Refer-To")
	target := strings.TrimSuffix(addrOf(referTo), "?Replaces=x")
	if target == c.callee.target || !strings.HasSuffix(referTo, "?Replaces=x>;p=q") {
		t.Fatalf("Refer-To %q", referTo)
	}
	r.b.send(r.gw.addr, strings.Replace(r.b.invite("x", "<sip:+31705550199@ix.example>"), "sip:x@gw.example.net", target, 1))
	r.b.status(403) // which is not the transferor's
	calls(target)
	got := r.a.get("INVITE")
	if got.uri() != addrOf(c.sent.get("Contact")) || got.get("Replaces") != c.caller.callID+";to-tag=atag;from-tag=btag" {
		t.Errorf("%s", got.raw)
	}
	if got.get("Call-ID") == c.caller.callID || len(got.list("Via")) != 1 {
		t.Errorf("%s", got.raw)
	}
	r.a.answer(r.gw.addr, got, "200 Jan", "newtag", "Contact: <sip:+31205550101@"+r.a.addr()+">", "Server: Jansen")
	ok := third.status(200)
	leak(t, ok)
	if strings.Contains(ok.raw, "newtag") {
		t.Errorf("%s", ok.raw)
	}
	d := asCaller(third, ok)
	third.send(r.gw.addr, d.request("ACK"))
	if ack := r.a.get("ACK"); tagOf(ack.get("To")) != "newtag" {
		t.Errorf("%s", ack.raw)
	}
	third.send(r.gw.addr, d.request("BYE"))
	bye := r.a.get("BYE")
	r.a.answer(r.gw.addr, bye, "200 Jan", "", "Server: Jansen")
	leak(t, third.status(200))
}

// TestCalleeRaised: the callee of a withheld call asks for privacy in a request of its own.
func TestCalleeRaised(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	r.b.send(r.gw.addr, c.callee.request("INVITE", "Privacy: id", "Contact: <sip:geheim@"+r.b.addr()+">", "User-Agent: Geheim"))
	re := r.a.get("INVITE")
	hidden := func(m msg) {
		t.Helper()
		if strings.Contains(strings.ToLower(m.raw), "geheim") {
			t.Errorf("%s", m.raw)
		}
	}
	hidden(re)
	if re.get("To") != c.caller.local || re.get("Call-ID") != c.caller.callID || tagOf(re.get("From")) != "btag" {
		t.Errorf("the dialog changed:\n%s", re.raw)
	}
	r.a.answer(r.gw.addr, re, "200 OK", "", "Contact: <sip:a@"+r.a.addr()+">")
	leak(t, r.b.status(200))
	c.caller.target = addrOf(re.get("Contact"))
	r.a.send(r.gw.addr, c.caller.request("INFO"))
	info := r.b.get("INFO")
	leak(t, info)
	if info.uri() != "sip:geheim@"+r.b.addr() || tagOf(info.get("To")) != "btag" || info.get("Call-ID") != c.callee.callID {
		t.Errorf("%s", info.raw)
	}
	r.b.answer(r.gw.addr, info, "200 OK", "", "Server: Geheim")
	hidden(r.a.status(200))
}

// TestEntitledCallee sees who calls, whatever the caller withholds, to the end of the call.
func TestEntitledCallee(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550110", fromA))
	shown := func(m msg) {
		t.Helper()
		if !strings.Contains(m.get("From"), numberA) || m.has("Privacy") {
			t.Errorf("%s", m.raw)
		}
	}
	shown(c.got)
	r.a.send(r.gw.addr, c.caller.request("INVITE", "Privacy: id", "Contact: <sip:a@"+r.a.addr()+">"))
	re := r.b.get("INVITE")
	shown(re)
	r.b.answer(r.gw.addr, re, "200 OK", "", "Contact: <sip:b@"+r.b.addr()+">")
	r.a.status(200)
	r.exchange(c, r.gw.addr, false)
	if recs := r.gw.records(); len(recs) != 1 || recs[0].Class != rules.W || recs[0].Withheld {
		t.Errorf("records %+v", recs)
	}
}

// TestCalleeWithoutPresentation gets no number, and no sign that one was withheld.
func TestCalleeWithoutPresentation(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	c := r.establish(r.a, r.b, r.a.invite("0705550120", fromA))
	leak(t, c.got)
	if c.got.has("Privacy") {
		t.Errorf("Privacy %q", c.got.get("Privacy"))
	}
	r.exchange(c, r.gw.addr, true)
	r.a.send(r.gw.addr, c.caller.request("UPDATE"))
	if m := r.b.get("UPDATE"); m.has("Privacy") {
		t.Errorf("Privacy %q", m.get("Privacy"))
	}
	if recs := r.gw.records(); len(recs) != 1 || recs[0].Class != rules.N || recs[0].Withheld {
		t.Errorf("records %+v", recs)
	}
}

// TestTokenIsBound: inside its dialog, too, the token is the neighbour's that it was given
// to; from an address of nobody it is taken all the same (a callee behind a proxy that did
// not record-route).
func TestTokenIsBound(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	for _, other := range []*agent{r.core, r.p, r.psap} {
		d := *c.callee
		other.send(r.gw.addr, d.request("INFO"))
		other.status(403)
	}
	r.a.nothing()
	stranger := newAgent(t, "stranger")
	stranger.send(r.gw.addr, c.callee.request("INFO"))
	info := r.a.get("INFO")
	r.a.answer(r.gw.addr, info, "200 OK", "")
	stranger.status(200)
	if n := r.gw.proxy.Stats().Events["foreign_token"]; n != 3 {
		t.Errorf("%d foreign tokens", n)
	}
}
