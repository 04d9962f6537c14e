package e2e

import (
	"encoding/hex"
	"strings"
	"testing"
)

// Every vector of 7.2, 7.3 and 7.5 (the dialog ones of 7.4 are in
// dialog_vectors_test.go) through the running gateway over real sockets; the oracle is
// held against every message on every leg of every call that is withheld.
func TestVectors(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.name, func(t *testing.T) { runVector(t, v) })
	}
}

func runVector(t *testing.T, v vector) {
	r := newRig(t, v.egress, v.flags)
	from := r.ua(v.from)
	sent := mustParse(t, withOctets(t, r.local(v.msg)))
	o := outcome{sent: sent, gw: r.gw, line: r.line(v.from), record: r.record, log: r.log}
	explained := r.explain(t, v, from, sent)
	if v.egress == "none" {
		others := []*ua{r.ua("U1"), r.ua("C"), r.ua("PS")}
		from.send(r.gw, sent.raw)
		reply := from.final()
		o.reply = &reply
		for _, u := range others {
			if u != from {
				u.silent()
			}
		}
		checkAll(t, o, v)
		explained.refused(t, reply)
		return
	}
	to := r.ua(v.egress)
	from.send(r.gw, sent.raw)
	got := to.request(sent.method())
	o.got = &got
	checkAll(t, o, v)
	explained.sent(t, sent, got, to, o.record)
	finishCall(t, r, o, v, from, to)
}

func checkAll(t *testing.T, o outcome, v vector) {
	t.Helper()
	for _, e := range v.expect {
		o.check(t, e)
	}
}

// finishCall answers what arrived and takes the call to its end, the oracle on every
// message of the way.
func finishCall(t *testing.T, r *rig, o outcome, v vector, from, to *ua) {
	t.Helper()
	hidden := strings.Contains(strings.Join(v.expect, "\n"), "withheld")
	clean := func(m sipMsg) {
		t.Helper()
		if w := o.line.leak(m.raw); hidden && w != "" {
			t.Errorf("leak (%s) in\n%s", w, m.raw)
		}
	}
	if o.sent.method() != "INVITE" {
		to.send(r.gw, answer(*o.got, "200 OK", "b9"))
		restored(t, o.sent, from.final())
		for _, m := range to.got() {
			clean(m)
		}
		return
	}
	contact := "Contact: <sip:b@" + to.host() + ">"
	to.send(r.gw, answer(*o.got, "180 Ringing", "b9", contact))
	restored(t, o.sent, from.response(180))
	to.send(r.gw, answer(*o.got, "200 OK", "b9", contact))
	ok := from.response(200)
	restored(t, o.sent, ok)

	a := asCaller(ok, from.addr())
	from.send(a.hop(), a.request("ACK", "v1"))
	to.request("ACK")
	b := asCallee(*o.got, "b9", to.addr())
	to.send(b.hop(), b.request("BYE", "v2"))
	if strings.Contains(b.target, r.gw) || len(b.routes) > 0 {
		bye := r.at(target(o.sent.get("Contact")), from).request("BYE")
		if got, want := bye.get("Call-ID"), o.sent.get("Call-ID"); got != want {
			t.Errorf("BYE at the caller: Call-ID %q, want %q", got, want)
		}
		r.at(target(o.sent.get("Contact")), from).send(r.gw, answer(bye, "200 OK", "", "Server: phone of 0205550101"))
		done := to.response(200)
		if hidden && !strings.HasPrefix(done.get("To"), `"Anonymous" <sip:anonymous@anonymous.invalid>`) {
			t.Errorf("To of the caller's answer: %q", done.get("To"))
		}
		if hidden {
			absent(t, done, "P-Asserted-Identity", "Server")
		}
	}
	for _, m := range to.got() {
		clean(m)
	}
}

// withOctets puts the raw octets in the place of "[26 octets: 01 00 ...]".
func withOctets(t *testing.T, msg string) string {
	t.Helper()
	before, rest, ok := strings.Cut(msg, "[26 octets: ")
	if !ok {
		return msg
	}
	list, after, _ := strings.Cut(rest, "]")
	b, err := hex.DecodeString(strings.ReplaceAll(list, " ", ""))
	must(t, err)
	return before + string(b) + after
}

// at is the user agent that a Contact leads to: of a call through a carrier it is the
// carrier's customer.
func (r *rig) at(contact string, sender *ua) *ua {
	for name, host := range fixture {
		if strings.Contains(contact, "@"+r.local(host)) {
			return r.ua(name)
		}
	}
	return sender
}
