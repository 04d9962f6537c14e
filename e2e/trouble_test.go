package e2e

import (
	"strings"
	"testing"
)

// What goes wrong between user agents: messages lost, sent twice, crossing each other.

// quick are timers for tests that wait for the gateway's own.
const quick = "timers: {t1: 100ms, t2: 400ms, t4: 500ms}"

func withTimers() []string { return []string{"listen: [", quick + "\n  listen: ["} }

func TestRetransmissions(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.ua.send(r.gw, c.sent.raw)
		c.restored(c.ua.response(180)) // said again
		c.answer()
		ok := answer(c.got, "200 OK", "b9", "Contact: <sip:b@"+c.u1.host()+">")
		for range 2 {
			c.u1.send(r.gw, ok)
			c.restored(c.ua.response(200))
		}
		for range 3 {
			c.ack()
		}
		bye := c.a.request("BYE", "bye")
		c.ua.send(r.gw, bye)
		got := c.u1.request("BYE")
		c.ua.send(r.gw, bye)
		c.u1.send(r.gw, answer(got, "200 OK", ""))
		c.ua.response(200)
		c.ua.send(r.gw, bye)
		c.ua.response(200)
		for method, n := range map[string]int{"INVITE": 1, "BYE": 1} {
			if b := branches(c.u1, method); len(b) != n {
				t.Errorf("%d %s transactions at the callee, want %d", len(b), method, n)
			}
		}
	})
}

// branches are the transactions of a method that a user agent has seen.
func branches(u *ua, method string) map[string]bool {
	b := map[string]bool{}
	for _, m := range u.got() {
		if m.isRequest() && m.method() == method {
			b[viaBranch(m.get("Via"))] = true
		}
	}
	return b
}

// The ACK is lost, or the 200 before it: the callee says it again until the ACK comes.
func TestLostACK(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.answer()
		c.u1.send(r.gw, answer(c.got, "200 OK", "b9", "Contact: <sip:b@"+c.u1.host()+">"))
		c.restored(c.ua.response(200))
		c.ack()
		c.byeFromCallee(c.b.hop())
	})
}

// The callee misses the INVITE twice, and says 200 once more although nobody got the first.
func TestLostInviteAndLostAnswer(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "", withTimers()...)
		sent := mustParse(t, r.local(vectorNamed(t, vector).msg))
		a, u1 := r.ua("A"), r.ua("U1")
		a.send(r.gw, sent.raw)
		u1.request("INVITE")
		u1.request("INVITE")
		got := u1.request("INVITE")
		if len(branches(u1, "INVITE")) != 1 {
			t.Error("a retransmission with a branch of its own")
		}
		u1.send(r.gw, answer(got, "486 Busy Here", "b9"))
		restored(t, sent, a.response(486))
		u1.request("ACK")
		restored(t, sent, a.response(486)) // until the caller's ACK comes
		a.send(r.gw, ackFor(sent, "b9"))
		u1.send(r.gw, answer(got, "486 Busy Here", "b9"))
		u1.request("ACK")
	})
}

// ackFor is the ACK of a refusal (RFC 3261 17.1.1.3).
func ackFor(inv sipMsg, toTag string) string {
	s := "ACK " + inv.uri() + " SIP/2.0\r\nVia: " + inv.get("Via") + "\r\nMax-Forwards: 70\r\nFrom: " + inv.get("From") +
		"\r\nTo: " + inv.get("To") + ";tag=" + toTag + "\r\nCall-ID: " + inv.get("Call-ID") + "\r\n"
	return s + "CSeq: " + strings.Fields(inv.get("CSeq"))[0] + " ACK\r\nContent-Length: 0\r\n\r\n"
}

func cancelFor(inv sipMsg) string {
	s := strings.Replace(ackFor(inv, ""), "ACK ", "CANCEL ", 1)
	return strings.NewReplacer(" ACK\r\n", " CANCEL\r\n", ";tag=\r\n", "\r\n").Replace(s)
}

func TestCancelBeforeAnyAnswer(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		sent := mustParse(t, r.local(vectorNamed(t, vector).msg))
		a, u1 := r.ua("A"), r.ua("U1")
		a.send(r.gw, sent.raw)
		got := u1.request("INVITE")
		a.send(r.gw, cancelFor(sent))
		if ok := a.response(200); ok.method() != "CANCEL" {
			t.Fatalf("200 of %s", ok.method())
		}
		if len(branches(u1, "CANCEL")) > 0 {
			t.Fatal("CANCEL before a provisional response")
		}
		u1.send(r.gw, answer(got, "180 Ringing", "b9", "Contact: <sip:b@"+u1.host()+">"))
		cancel := u1.request("CANCEL")
		if viaBranch(cancel.get("Via")) != viaBranch(got.get("Via")) || cancel.get("From") != got.get("From") {
			t.Errorf("CANCEL is not of the INVITE sent:\n%s", cancel.raw)
		}
		u1.send(r.gw, answer(cancel, "200 OK", "b9"))
		u1.send(r.gw, answer(got, "487 Request Terminated", "b9"))
		u1.request("ACK")
		restored(t, sent, a.response(487))
	})
}

// The callee answers while the CANCEL is on its way: the call stands, and is hung up.
func TestCancelCrossesAnswer(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.ua.send(r.gw, cancelFor(c.sent))
		cancel := c.u1.request("CANCEL")
		c.u1.send(r.gw, answer(c.got, "200 OK", "b9", "Contact: <sip:b@"+c.u1.host()+">"))
		c.u1.send(r.gw, answer(cancel, "481 Call Leg/Transaction Does Not Exist", "b9"))
		ok := c.ua.next("200 of the INVITE", func(m sipMsg) bool { return m.status() == 200 && m.method() == "INVITE" })
		c.restored(ok)
		c.a, c.b = asCaller(ok, c.ua.addr()), asCallee(c.got, "b9", c.u1.addr())
		c.ack()
		c.byeFromCaller(c.a.hop())
	})
}

// A caller may hang up an early dialog with BYE (RFC 3261 15).
func TestEarlyByeOfTheCaller(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.u1.send(r.gw, answer(c.got, "183 Session Progress", "b9", "Contact: <sip:b@"+c.u1.host()+">"))
		c.a, c.b = asCaller(c.ua.response(183), c.ua.addr()), asCallee(c.got, "b9", c.u1.addr())
		c.byeFromCaller(c.a.hop())
		c.u1.send(r.gw, answer(c.got, "487 Request Terminated", "b9"))
		c.restored(c.ua.response(487))
	})
}

// The callee hangs up before it has the ACK.
func TestEarlyByeOfTheCallee(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.answer()
		c.byeFromCallee(c.b.hop())
		c.ack()
	})
}

// Downstream the call forks: early dialogs and answers of two callees.
func TestForkingDownstream(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		for _, callee := range []string{"x1", "x2"} {
			c.u1.send(r.gw, answer(c.got, "183 Session Progress", callee, "Contact: <sip:"+callee+"@"+c.u1.host()+">"))
			if early := c.ua.response(183); tag(early.get("To")) != callee {
				t.Errorf("To of an early dialog is %q", early.get("To"))
			}
		}
		for _, callee := range []string{"x1", "x2"} {
			c.u1.send(r.gw, answer(c.got, "200 OK", callee, "Contact: <sip:"+callee+"@"+c.u1.host()+">"))
			ok := c.ua.response(200)
			c.restored(ok)
			c.a, c.b = asCaller(ok, c.ua.addr()), asCallee(c.got, callee, c.u1.addr())
			c.ua.send(c.a.hop(), c.a.request("ACK", "ack"+callee))
			if ack := c.u1.request("ACK"); ack.uri() != "sip:"+callee+"@"+c.u1.host() || tag(ack.get("To")) != callee {
				t.Errorf("ACK of %s went to %q", callee, ack.start)
			}
			if callee == "x2" { // one hangs up, of the other the caller does
				c.byeFromCallee(c.b.hop())
				continue
			}
			c.byeFromCaller(c.a.hop())
		}
	})
}
