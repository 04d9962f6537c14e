package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The vectors of 7.4 go on from TV02: A calls 0705550199 with *31*, U1 answers.

// sample reads a dialog vector and puts the dialog's real identifiers in.
func (c *call) sample(t *testing.T, name string, subs ...string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors/dialog/" + name + ".sip")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(subs...).Replace(c.r.local(crlf(string(b))))
}

// callerSubs puts the caller's view of the dialog into a sample of its side.
func (c *call) callerSubs() []string {
	return []string{
		"sip:b@" + c.r.local("198.51.100.1") + " ", c.a.target + " ",
		"Route: <sip:" + c.r.local("198.51.100.1") + ";lr>", "Route: " + strings.Join(c.a.routes, ", "),
		"tag=b9", "tag=" + tag(c.a.remote),
	}
}

// calleeSubs puts the callee's view of the dialog into a sample of its side.
func (c *call) calleeSubs() []string {
	return []string{
		"sip:k3y@" + c.r.local("198.51.100.2"), c.b.target,
		"sip:b@" + c.r.local("198.51.100.1"), c.b.target,
		"tag=b9", "tag=" + tag(c.b.local),
		"tag=g1", "tag=" + tag(c.b.remote),
		"Call-ID: X2", "Call-ID: " + c.b.callID,
		"<sip:+31705550199@ix.example>", withoutTag(c.b.local),
	}
}

func TestTV34ByeFromCallee(t *testing.T) {
	c := withheldCall(t)
	c.u1.send(c.b.hop(), c.sample(t, "TV34", c.calleeSubs()...))
	bye := c.ua.request("BYE")
	inv := c.sent
	want := map[string]string{
		"To":      inv.get("From"),
		"From":    inv.get("To") + ";tag=" + tag(c.b.local),
		"Call-ID": inv.get("Call-ID"),
	}
	for h, w := range want {
		if got := bye.get(h); got != w {
			t.Errorf("%s: %q, want %q", h, got, w)
		}
	}
	if got, want := bye.uri(), target(inv.get("Contact")); got != want {
		t.Errorf("Request-URI %q, want the caller's Contact %q", got, want)
	}
	c.ua.send(c.r.gw, answer(bye, "200 OK", "", "Server: Yealink 00155d112233"))
	ok := c.u1.response(200)
	if !strings.HasPrefix(ok.get("To"), `"Anonymous" <sip:anonymous@anonymous.invalid>`) || tag(ok.get("To")) != tag(c.b.remote) {
		t.Errorf("To of the answer to the callee: %q", ok.get("To"))
	}
	c.noLeak(ok)
	absent(t, ok, "Server")
}

func TestTV35ResponseOfTheWithheldParty(t *testing.T) {
	c := withheldCall(t)
	c.u1.send(c.b.hop(), c.b.request("UPDATE", "u35", "Contact: <sip:b@"+c.u1.host()+">"))
	update := c.ua.request("UPDATE")
	sample, err := parseSIP(c.sample(t, "TV35"))
	if err != nil {
		t.Fatal(err)
	}
	extra := []string{"body:" + sample.body}
	for _, h := range []string{"Contact", "P-Asserted-Identity", "Server", "Warning", "P-Access-Network-Info", "Content-Type"} {
		extra = append(extra, h+": "+sample.get(h))
	}
	c.ua.send(c.r.gw, answer(update, "200 Jan Jansen is er", "", extra...))
	ok := c.u1.response(200)
	c.noLeak(ok)
	if ok.start != "SIP/2.0 200 OK" {
		t.Errorf("status line %q", ok.start)
	}
	if !strings.HasPrefix(ok.get("To"), `"Anonymous" <sip:anonymous@anonymous.invalid>`) {
		t.Errorf("To %q", ok.get("To"))
	}
	if !strings.Contains(target(ok.get("Contact")), "@"+c.r.gw) {
		t.Errorf("Contact %q is not on the gateway", ok.get("Contact"))
	}
	absent(t, ok, "P-Asserted-Identity", "Server", "P-Access-Network-Info")
	if w := ok.get("Warning"); strings.Contains(w, "pc11") || strings.Contains(w, "Jansen") {
		t.Errorf("Warning %q", w)
	}
	if !strings.Contains(ok.body, "s=-") || !strings.Contains(ok.body, "m=audio 4000") {
		t.Errorf("SDP %q", ok.body)
	}
}

func TestTV36ReinviteOfTheCaller(t *testing.T) {
	for name, privacy := range map[string]string{"no Privacy": "", "Privacy: none": "Privacy: none\r\n"} {
		t.Run(name, func(t *testing.T) {
			c := withheldCall(t)
			subs := append(c.callerSubs(), "Supported: timer\r\n", privacy+"Supported: timer\r\n")
			c.ua.send(c.a.hop(), c.sample(t, "TV36", subs...))
			c.sameWithheldDialog(c.u1.request("INVITE"), "2 INVITE")
		})
	}
}

func TestTV38CancelBeforeAnswer(t *testing.T) {
	c := ringingCall(t)
	c.ua.send(c.r.gw, c.sample(t, "TV38"))
	if ok := c.ua.response(200); ok.method() != "CANCEL" {
		t.Fatalf("200 is for %s", ok.method())
	}
	cancel := c.u1.request("CANCEL")
	for _, h := range []string{"Via", "Call-ID", "From", "To"} {
		if got, want := strings.Join(cancel.all(h), "\n"), strings.Join(c.got.all(h), "\n"); got != want {
			t.Errorf("CANCEL %s: %q, want the INVITE's as sent %q", h, got, want)
		}
	}
	if cancel.uri() != c.got.uri() || strings.Contains(cancel.get("Reason"), "text") {
		t.Errorf("CANCEL %q with Reason %q", cancel.start, cancel.get("Reason"))
	}
	c.noLeak(cancel)
	c.u1.send(c.r.gw, answer(cancel, "200 OK", "b9"))
	c.u1.send(c.r.gw, answer(c.got, "487 Request Terminated", "b9"))
	ack := c.u1.request("ACK")
	c.noLeak(ack)
	if !anonymous(ack.get("From")) {
		t.Errorf("ACK of the 487 is from %q", ack.get("From"))
	}
	c.restored(c.ua.response(487))
}

func TestTV39AckFor200(t *testing.T) {
	c := ringingCall(t)
	c.answer()
	c.ua.send(c.a.hop(), c.sample(t, "TV39", c.callerSubs()...))
	ack := c.u1.request("ACK")
	c.sameWithheldDialog(ack, "1 ACK")
	absent(t, ack, "User-Agent", "P-Access-Network-Info")
	if len(ack.values("Via")) != 1 {
		t.Errorf("Via: %v", ack.values("Via"))
	}
}

func TestTV39AckForRefusal(t *testing.T) {
	c := ringingCall(t)
	c.u1.send(c.r.gw, answer(c.got, "486 Busy Here", "b9"))
	ack := c.u1.request("ACK")
	for _, h := range []string{"Via", "Call-ID", "From"} {
		if got, want := ack.get(h), c.got.get(h); got != want {
			t.Errorf("ACK %s: %q, want %q", h, got, want)
		}
	}
	c.restored(c.ua.response(486))
}

func TestTV40Prack(t *testing.T) {
	c := ringingCall(t)
	c.u1.send(c.r.gw, answer(c.got, "183 Session Progress", "b9", "Contact: <sip:b@"+c.u1.host()+">", "RSeq: 776655", "Require: 100rel"))
	early := c.ua.response(183)
	c.a = asCaller(early, c.ua.addr())
	c.ua.send(c.a.hop(), c.sample(t, "TV40", c.callerSubs()...))
	prack := c.u1.request("PRACK")
	c.sameWithheldDialog(prack, "2 PRACK")
	if prack.get("RAck") != "776655 1 INVITE" {
		t.Errorf("RAck %q", prack.get("RAck"))
	}
}

func TestTV44TIRCalleeAnswers(t *testing.T) {
	for name, privacy := range map[string]string{"Privacy": "Privacy: id", "permanent in the rules": "Supported: timer"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "Z", "")
			if name != "Privacy" {
				r.put("+31705550188", `{"tir":"permanent"}`)
			}
			r.tirCall(t, privacy)
		})
	}
}

// tirCall: Z, which a number of its network was forwarded to, answers a call from U1.
func (r *rig) tirCall(t *testing.T, privacy string) {
	t.Helper()
	u1, z := r.ua("U1"), r.ua("Z")
	inv := r.local(crlf(`INVITE sip:+31705550111@gw.example.net SIP/2.0
Via: SIP/2.0/UDP 203.0.113.50:5060;branch=z9hG4bKu1
Max-Forwards: 70
From: <sip:+31205550101@ix.example>;tag=u1
To: <sip:+31705550111@gw.example.net>
Call-ID: u1@ix.example
CSeq: 1 INVITE
Contact: <sip:x@203.0.113.50>
Content-Length: 0
`))
	u1.send(r.gw, inv)
	got := z.request("INVITE")
	z.send(r.gw, answer(got, "200 OK", "z4", "Contact: <sip:+31705550188@"+z.host()+">",
		"P-Asserted-Identity: <sip:+31705550188@gw.example.net>", privacy, "Server: Z-phone",
		"History-Info: <sip:+31705550111@gw.example.net>;index=1, <sip:+31705550188@gw.example.net>;index=1.1"))
	ok := u1.response(200)
	absent(t, ok, "P-Asserted-Identity", "Server")
	if withoutTag(ok.get("To")) != "<sip:+31705550111@gw.example.net>" {
		t.Errorf("To %q", ok.get("To"))
	}
	if !strings.Contains(target(ok.get("Contact")), "@"+r.gw) {
		t.Errorf("Contact %q is not on the gateway", ok.get("Contact"))
	}
	// The dialog works all the same: the caller hangs up through the token.
	d := asCaller(ok, u1.addr())
	u1.send(d.hop(), d.request("ACK", "u2"))
	ack := z.request("ACK")
	if ack.uri() != "sip:+31705550188@"+z.host() || tag(ack.get("To")) != "z4" {
		t.Errorf("ACK to the callee: %q, To %q", ack.start, ack.get("To"))
	}
	u1.send(d.hop(), d.request("BYE", "u3"))
	bye := z.request("BYE")
	if tag(bye.get("To")) != "z4" {
		t.Errorf("BYE To %q", bye.get("To"))
	}
	z.send(r.gw, answer(bye, "200 OK", "", "Server: Z-phone", "Contact: <sip:+31705550188@"+z.host()+">"))
	u1.response(200)
	hidden := line{"31705550188", []string{z.host(), "Z-phone"}}
	for _, m := range u1.got() {
		if w := hidden.leak(m.raw); w != "" {
			t.Errorf("the forwarded-to line shows (%s):\n%s", w, m.raw)
		}
	}
}

func TestTV47RefusalFromDownstream(t *testing.T) {
	c := ringingCall(t)
	c.u1.send(c.r.gw, answer(c.got, "433 Anonymity Disallowed", "b9"))
	c.restored(c.ua.response(433))
	ack := c.u1.request("ACK")
	if !anonymous(ack.get("From")) {
		t.Errorf("ACK is from %q", ack.get("From"))
	}
	c.u1.silent()
}

func TestTV54MaliciousCallBodyNeverReachesTheCaller(t *testing.T) {
	c := withheldCall(t)
	c.u1.send(c.b.hop(), c.sample(t, "TV54", c.calleeSubs()...))
	got := c.ua.request("INVITE")
	if strings.Contains(made.ReplaceAllString(got.raw, "#"), "mcid") {
		t.Errorf("the nuisance mark reached the caller:\n%s", got.raw)
	}
	c.ua.send(c.r.gw, answer(got, "200 OK", "", "Contact: <sip:+31205550101@"+c.ua.host()+">"))
	c.u1.response(200)
}

// TV25: what the gateway makes up for one call says nothing about the next.
func TestTV25TwoCallsShareNoToken(t *testing.T) {
	r := newRig(t, "U1", "")
	first := r.ringing(t, "TV25", "1").got
	second := r.ringing(t, "TV25", "2", "0205550101-1763890000", "0205550101-1763890001", "0205550101-7", "0205550101-8",
		"bK0205550101", "bK0205550102").got
	constant := " anonymous invalid example.net INVITE Max-Forwards Content-Length Anonymous Call-ID "
	for _, w := range regexp.MustCompile(`[A-Za-z0-9+_-]{8,}`).FindAllString(first.raw, -1) {
		if strings.Contains(second.raw, w) && !strings.Contains(constant, w) && !strings.Contains(w, "705550199") {
			t.Errorf("both calls have %q", w)
		}
	}
	for _, h := range []string{"From", "Call-ID", "Contact", "Via"} {
		if first.get(h) == second.get(h) {
			t.Errorf("%s is the same: %q", h, first.get(h))
		}
	}
}

// TV28: a re-INVITE with the next version keeps session id and address.
func TestTV28ReinviteCountsOn(t *testing.T) {
	r := newRig(t, "U1", "")
	c := r.ringing(t, "TV28", "1")
	c.answer()
	c.ua.send(c.a.hop(), c.a.request("ACK", "ack"))
	c.u1.request("ACK")
	offer := strings.Replace(c.sent.body, "3890844526 1 IN", "3890844526 2 IN", 1)
	c.ua.send(c.a.hop(), c.a.request("INVITE", "re", "Contact: "+c.sent.get("Contact"), "Content-Type: application/sdp", "body:"+offer))
	again := c.u1.request("INVITE")
	origin := regexp.MustCompile(`o=- ([0-9]+) ([0-9]+) (IN IP4 \S+)`)
	was, is := origin.FindStringSubmatch(c.got.body), origin.FindStringSubmatch(again.body)
	if was == nil || is == nil || was[1] != is[1] || was[3] != is[3] || was[2] != "1" || is[2] != "2" {
		t.Errorf("origin %q became %q", was, is)
	}
}
