package e2e

import (
	"strings"
	"testing"
)

// Whatever the gateway writes into From and To of a call that shows its caller, the caller
// goes on in its own words: later requests of the other side, of every method, reach it with
// the addresses of its INVITE, and so do the responses to its own.
func TestCallerKeepsItsAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		from, to, uri string
		caller        string
		callee        string
		sees          string // From at the callee
		edits         []string
	}{
		"code":        {`"R" <sip:+31205550103@gw.example.net>`, "<sip:*31%230705550199@gw.example.net;user=phone>", "", "R", "U1", "+31205550103@", nil},
		"112 by code": {`"Jan Jansen" <sip:+31205550101@gw.example.net>`, "<sip:*31*112@gw.example.net>", "", "A", "PS", "+31205550101@", nil},
		"112 hidden":  {`"Anonymous" <sip:anonymous@anonymous.invalid>`, "<tel:112;phone-context=+31>", "sip:112@gw.example.net", "P", "PS", "+31205550102@", nil},
		"screened":    {`Jan <sip:+31881234567@gw.example.net>;x=y`, "sip:0705550199@gw.example.net", "", "A", "U1", "+31205550101@", nil},
		"unavailable": {`"+31881234567" <tel:+31881234567>`, "<sip:0705550199@gw.example.net>", "", "A", "U1", "<sip:unavailable@unknown.invalid>;tag=",
			[]string{`numbers: ["+31205550101"], default: "+31205550101"`, `numbers: ["+31205550101"]`}},
		"odd digits": {`<sip:00%30000@gw.example.net>`, "<sip:0705550199@gw.example.net>", "", "A", "U1", "<sip:unavailable@unknown.invalid>;tag=",
			[]string{`numbers: ["+31205550101"], default: "+31205550101"`, `numbers: ["+31205550101"]`}},
		"a name": {`<sip:jan@gw.example.net>`, "<sip:0705550199@gw.example.net>", "", "A", "U1", "<sip:jan@gw.example.net>;tag=",
			[]string{`numbers: ["+31205550101"], default: "+31205550101"`, `numbers: ["+31205550101"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.callee, "", c.edits...)
			a, b := r.ua(c.caller), r.ua(c.callee)
			uri := c.uri
			if uri == "" {
				uri = strings.Trim(strings.TrimSuffix(c.to, ">"), "<")
			}
			from := c.from + ";tag=a1"
			a.send(r.gw, crlf("INVITE "+uri+" SIP/2.0\nVia: SIP/2.0/UDP "+a.addr()+";branch=z9hG4bK1;rport\nMax-Forwards: 70\n"+
				"From: "+from+"\nTo: "+c.to+"\nCall-ID: a@b\nCSeq: 1 INVITE\nContact: <sip:x@"+a.host()+">\nContent-Length: 0\n\n"))
			got := b.request("INVITE")
			if !strings.Contains(got.get("From"), c.sees) || !strings.HasSuffix(got.get("From"), ";tag=a1") && !strings.Contains(got.get("From"), ";tag=a1") {
				t.Errorf("the callee sees From %q", got.get("From"))
			}
			b.send(r.gw, answer(got, "200 OK", "b9", "Contact: <sip:b@"+b.host()+">"))
			ok := a.response(200)
			if ok.get("From") != from || ok.get("To") != c.to+";tag=b9" {
				t.Errorf("response: From %q, To %q", ok.get("From"), ok.get("To"))
			}
			ours, theirs := asCaller(ok, a.addr()), asCallee(got, "b9", b.addr())
			a.send(ours.hop(), ours.request("ACK", "ack"))
			b.request("ACK")
			for _, method := range []string{"UPDATE", "INVITE", "INFO", "REFER", "NOTIFY", "MESSAGE", "OPTIONS", "BYE"} {
				b.send(theirs.hop(), theirs.request(method, "b"+method, "Contact: <sip:b@"+b.host()+">", "Refer-To: <sip:c@example.net>"))
				at := a.request(method)
				if at.get("From") != c.to+";tag=b9" || at.get("To") != from || at.get("Call-ID") != "a@b" {
					t.Errorf("%s: From %q, To %q", method, at.get("From"), at.get("To"))
				}
				a.send(r.gw, answer(at, "200 OK", "", "Contact: <sip:x@"+a.host()+">"))
				back := b.next("200 to "+method, func(m sipMsg) bool { return m.status() == 200 && strings.HasSuffix(m.get("CSeq"), method) })
				if back.get("From") != theirs.local || back.get("To") != theirs.remote {
					t.Errorf("200 to %s: From %q, To %q", method, back.get("From"), back.get("To"))
				}
				if method == "BYE" {
					break
				}
				a.send(ours.hop(), ours.request(method, "a"+method, "Contact: <sip:x@"+a.host()+">", "Refer-To: <sip:c@example.net>"))
				there := b.request(method)
				if there.get("From") != theirs.remote || there.get("To") != theirs.local {
					t.Errorf("%s of the caller: From %q, To %q", method, there.get("From"), there.get("To"))
				}
				b.send(r.gw, answer(there, "200 OK", "", "Contact: <sip:b@"+b.host()+">"))
				a.next("200 to "+method, func(m sipMsg) bool {
					return m.status() == 200 && strings.HasSuffix(m.get("CSeq"), method) && m.get("To") == ours.remote
				})
			}
		})
	}
}

// A connected identity (RFC 4916) is not the party that was dialled: the caller sees it.
func TestConnectedIdentityReachesTheCaller(t *testing.T) {
	r := newRig(t, "U1", "")
	a, b := r.ua("R"), r.ua("U1")
	a.send(r.gw, crlf("INVITE sip:*31%230705550199@gw.example.net SIP/2.0\nVia: SIP/2.0/UDP "+a.addr()+";branch=z9hG4bK1;rport\nMax-Forwards: 70\n"+
		"From: <sip:+31205550103@gw.example.net>;tag=a1\nTo: <sip:*31%230705550199@gw.example.net>\nCall-ID: a@b\nCSeq: 1 INVITE\nContact: <sip:x@"+a.host()+">\nContent-Length: 0\n\n"))
	got := b.request("INVITE")
	b.send(r.gw, answer(got, "200 OK", "b9", "Contact: <sip:b@"+b.host()+">"))
	a.response(200)
	theirs := asCallee(got, "b9", b.addr())
	theirs.local = "<sip:+31705550177@ix.example>;tag=b9"
	b.send(theirs.hop(), theirs.request("UPDATE", "u", "Contact: <sip:b@"+b.host()+">"))
	if at := a.request("UPDATE"); at.get("From") != theirs.local {
		t.Errorf("From %q", at.get("From"))
	}
}
