package e2e

import (
	"strings"
	"testing"
)

// Reliable provisional responses and UPDATE in an early dialog, from both sides.
func TestPrackAndEarlyUpdate(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.u1.send(r.gw, answer(c.got, "183 Session Progress", "b9", "Contact: <sip:b@"+c.u1.host()+">", "RSeq: 4711", "Require: 100rel"))
		early := c.ua.response(183)
		if early.get("RSeq") != "4711" || early.get("Require") != "100rel" {
			t.Errorf("RSeq %q, Require %q", early.get("RSeq"), early.get("Require"))
		}
		c.a, c.b = asCaller(early, c.ua.addr()), asCallee(c.got, "b9", c.u1.addr())
		c.ua.send(c.a.hop(), c.a.request("PRACK", "prack", "RAck: 4711 1 INVITE"))
		prack := c.u1.request("PRACK")
		if prack.get("RAck") != "4711 1 INVITE" {
			t.Errorf("RAck %q", prack.get("RAck"))
		}
		c.u1.send(r.gw, answer(prack, "200 OK", ""))
		c.ua.response(200)
		c.ua.send(c.a.hop(), c.a.request("UPDATE", "up1", "Contact: "+c.sent.get("Contact")))
		c.u1.send(r.gw, answer(c.u1.request("UPDATE"), "200 OK", "", "Contact: <sip:b@"+c.u1.host()+">"))
		c.ua.response(200)
		c.u1.send(c.b.hop(), c.b.request("UPDATE", "up2", "Contact: <sip:b@"+c.u1.host()+">"))
		c.ua.send(r.gw, answer(c.ua.request("UPDATE"), "200 OK", "", "Contact: "+c.sent.get("Contact")))
		c.u1.response(200)
		c.answer()
		c.ack()
		c.byeFromCaller(c.a.hop())
	})
}

// The withheld caller transfers the callee: Referred-By and the sipfrag of NOTIFY show
// nothing.
func TestReferAndNotify(t *testing.T) {
	r := newRig(t, "U1", "")
	c := r.withheld(t, "1")
	c.ua.send(c.a.hop(), c.a.request("REFER", "refer", "Contact: "+c.sent.get("Contact"),
		"Refer-To: <sip:0205550133@gw.example.net>", "Referred-By: "+withoutTag(c.a.local)))
	refer := c.u1.request("REFER")
	c.sameWithheldDialog(refer, "2 REFER")
	if got := refer.get("Refer-To"); got != "<sip:0205550133@gw.example.net>" {
		t.Errorf("Refer-To %q", got)
	}
	c.u1.send(r.gw, answer(refer, "202 Accepted", "", "Contact: <sip:b@"+c.u1.host()+">"))
	c.ua.response(202)
	c.u1.send(c.b.hop(), c.b.request("NOTIFY", "n1", "Contact: <sip:b@"+c.u1.host()+">", "Event: refer", "Subscription-State: active",
		"Content-Type: message/sipfrag", "body:SIP/2.0 100 Trying\r\n"))
	notify := c.ua.request("NOTIFY")
	if notify.body != "SIP/2.0 100 Trying\r\n" || notify.get("Call-ID") != c.a.callID {
		t.Errorf("NOTIFY at the caller:\n%s", notify.raw)
	}
	c.ua.send(r.gw, answer(notify, "200 OK", ""))
	c.u1.response(200)

	// Now the callee refers the caller, whose NOTIFY tells too much.
	c.u1.send(c.b.hop(), c.b.request("REFER", "r2", "Contact: <sip:b@"+c.u1.host()+">", "Refer-To: <sip:0205550133@gw.example.net>"))
	refer = c.ua.request("REFER")
	c.ua.send(r.gw, answer(refer, "202 Accepted", "", "Contact: "+c.sent.get("Contact")))
	c.u1.response(202)
	c.ua.send(c.a.hop(), c.a.request("NOTIFY", "n2", "Contact: "+c.sent.get("Contact"), "Event: refer", "Subscription-State: terminated",
		"Content-Type: message/sipfrag", "body:SIP/2.0 200 OK\r\nFrom: \"Jan Jansen\" <sip:+31205550101@gw.example.net>;tag=q\r\n"))
	notify = c.u1.request("NOTIFY")
	c.sameWithheldDialog(notify, "3 NOTIFY")
	if strings.TrimSpace(notify.body) != "SIP/2.0 200 OK" {
		t.Errorf("sipfrag at the callee: %q", notify.body)
	}
	c.u1.send(r.gw, answer(notify, "200 OK", ""))
	c.ua.response(200)
}

// re-INVITE and UPDATE of both sides keep the dialog together, raw.
func TestReinviteOfTheCallee(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.established(t, vector, "1")
		c.u1.send(c.b.hop(), c.b.request("INVITE", "re", "Contact: <sip:b2@"+c.u1.host()+">"))
		got := c.ua.request("INVITE")
		if got.get("To") != c.a.local || got.get("From") != c.a.remote {
			t.Errorf("re-INVITE at the caller:\n%s", got.raw)
		}
		c.ua.send(r.gw, answer(got, "200 OK", "", "Contact: "+c.sent.get("Contact")))
		ok := c.u1.next("200", func(m sipMsg) bool { return m.status() == 200 })
		c.b.target = target(ok.get("Contact"))
		c.u1.send(c.b.hop(), c.b.request("ACK", "reack"))
		if ack := c.ua.request("ACK"); ack.get("CSeq") != strings.Replace(got.get("CSeq"), "INVITE", "ACK", 1) {
			t.Errorf("ACK at the caller: CSeq %q after %q", ack.get("CSeq"), got.get("CSeq"))
		}
		c.a.target = target(got.get("Contact"))
		c.byeFromCaller(c.a.hop())
	})
}
