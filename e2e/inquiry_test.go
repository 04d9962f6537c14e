package e2e

import (
	"strings"
	"testing"
)

const identityAnswer = `<?xml version="1.0"?><m:mcid xmlns:m="http://uri.etsi.org/ngn/params/xml/simservs/mcid"><m:response>` +
	`<m:McidResponseIndicator>1</m:McidResponseIndicator><m:HoldingProvidedIndicator>0</m:HoldingProvidedIndicator>` +
	`<m:OrigPartyIdentity>sip:+31205550101@carrier.example;user=phone</m:OrigPartyIdentity>` +
	`<m:GenericNumber>+31205550177</m:GenericNumber></m:response></m:mcid>`

// unnamed is a withheld call from T1, which does not say whose, to B, as far as 180.
func unnamed(t *testing.T, r *rig, headers string) (invite, got, ringing sipMsg) {
	t.Helper()
	t1, u1 := r.ua("T1"), r.ua("U1")
	invite = mustParse(t, crlf("INVITE sip:+31705550199@gw.example.net SIP/2.0\nVia: SIP/2.0/UDP "+t1.addr()+";branch=z9hG4bKt1;rport\nMax-Forwards: 70\n"+
		"Record-Route: <sip:edge@"+t1.addr()+";lr>, <sip:inner.carrier.example;lr>\n"+
		headers+"To: <sip:+31705550199@gw.example.net>\nCall-ID: t1@carrier\nCSeq: 7 INVITE\nContact: <sip:x@"+t1.addr()+">\nContent-Length: 0\n\n"))
	t1.send(r.gw, invite.raw)
	got = u1.request("INVITE")
	u1.send(r.gw, answer(got, "180 Ringing", "b9", "Contact: <sip:b@"+u1.host()+">"))
	return invite, got, t1.response(180)
}

const hiddenFrom = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=t1\nPrivacy: id\n"

// GPP-17: the network of a caller that came without identity is asked, once, and answers in
// its response or by an INFO of its own. What it says is recorded and nobody hears of it.
func TestIdentityIsAskedFor(t *testing.T) {
	for _, way := range []string{"response", "INFO"} {
		t.Run(way, func(t *testing.T) {
			r := markRig(t, "permanent", "198.51.100.20\"]}", "198.51.100.20\"], tells_identity: true}")
			t1, u1 := r.ua("T1"), r.ua("U1")
			invite, got, ringing := unnamed(t, r, hiddenFrom)
			ask := t1.request("INFO")
			if ask.get("CSeq") != "0 INFO" || ask.get("Call-ID") != "t1@carrier" || ask.get("To") != invite.get("From") || ask.get("From") != ringing.get("To") ||
				ask.uri() != "sip:x@"+t1.addr() || strings.Join(ask.values("Route"), " ") != strings.Join(invite.values("Record-Route"), " ") ||
				ask.get("Content-Type") != mcid || !strings.Contains(ask.raw, "<McidRequestIndicator>1<") {
				t.Errorf("asked with\n%s", ask.raw)
			}
			ours := asCaller(ringing, t1.addr())
			ours.routes = ours.routes[2:] // what the carrier's own proxies leave of it
			if way == "response" {
				t1.send(r.gw, answer(ask, "200 OK", "", "Content-Type: "+mcid, "body:"+identityAnswer))
			} else {
				t1.send(r.gw, answer(ask, "200 OK", ""))
				t1.send(r.gw, ours.request("INFO", "told", "Content-Type: "+mcid, "body:"+identityAnswer))
				t1.response(200)
				t1.send(r.gw, ours.request("INFO", "again", "Content-Type: "+mcid, "body:"+identityAnswer))
				if reply := t1.final(); reply.status() != 415 {
					t.Errorf("an answer that nobody asked for: %q", reply.start)
				}
			}
			u1.send(r.gw, answer(got, "200 OK", "b9", "Contact: <sip:b@"+u1.host()+">"))
			t1.response(200)
			t1.send(r.gw, ours.request("ACK", "ack"))
			u1.request("ACK")
			theirs := asCallee(got, "b9", u1.addr())
			theirs.cseq = 0 // the question is no hindrance
			u1.send(r.gw, theirs.request("BYE", "bye"))
			bye := t1.request("BYE")
			t1.send(r.gw, answer(bye, "200 OK", ""))
			u1.response(200)
			waitFor(t, "the caller's record", func() bool {
				for _, rec := range r.records() {
					if strings.Contains(rec.Text, `"method":"INFO"`) {
						return rec.Calling == "+31205550101" && rec.Called == numberB && strings.Contains(rec.Text, `"withheld":true`) &&
							strings.Contains(rec.Text, `"shown":"+31205550177"`) && strings.Contains(rec.Text, `"identity":"asserted"`)
					}
				}
				return false
			})
			waitFor(t, "both records in the draft", func() bool {
				list := r.cases()
				return len(list) == 1 && len(list[0].Incidents) == 2 && len(list[0].Incidents[0].Frozen) > 0 && len(list[0].Incidents[1].Frozen) > 0
			})
			for _, m := range u1.got() {
				if text := strings.ToLower(made.ReplaceAllString(m.raw, "#")); strings.Contains(text, "mcid") || strings.Contains(text, "5550101") || strings.Contains(text, "5550177") {
					t.Errorf("the called side got\n%s", m.raw)
				}
			}
			if n := r.g.Stats().Events["identity_asked"]; n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// Nobody is asked who has said it, who did not agree to be asked, or for somebody who has no
// such service; and whatever comes of a question, the call goes on.
func TestIdentityIsNotAskedFor(t *testing.T) {
	const asked = "198.51.100.20\"], tells_identity: true}"
	for name, c := range map[string]struct {
		peer, mode, headers string
		reply               string // to the question; empty: there must be none
	}{
		"asserted":          {asked, "permanent", hiddenFrom + "P-Asserted-Identity: <sip:+31205550101@carrier.example>\n", ""},
		"not agreed":        {"198.51.100.20\"]}", "permanent", hiddenFrom, ""},
		"no service":        {asked, "none", hiddenFrom, ""},
		"not understood":    {asked, "temporary", hiddenFrom, "415 Unsupported Media Type"},
		"no dialog":         {asked, "temporary", hiddenFrom, "481 No Such Call"},
		"nothing in it":     {asked, "temporary", hiddenFrom, "200 OK"},
		"user's word alone": {asked, "temporary", "From: <sip:+31205550101@carrier.example>;tag=t1\nPrivacy: id\n", "200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			r := markRig(t, c.mode, "198.51.100.20\"]}", c.peer)
			t1, u1 := r.ua("T1"), r.ua("U1")
			_, got, _ := unnamed(t, r, c.headers)
			if c.reply != "" {
				t1.send(r.gw, answer(t1.request("INFO"), c.reply, ""))
			}
			u1.send(r.gw, answer(got, "486 Busy Here", "b9"))
			t1.response(486)
			asks := r.g.Stats().Events["identity_asked"]
			if asks != 0 != (c.reply != "") || r.g.Stats().Events["identity_told"] != 0 {
				t.Errorf("asked %d times", asks)
			}
		})
	}
}
