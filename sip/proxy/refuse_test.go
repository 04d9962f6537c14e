package proxy

import (
	"strings"
	"testing"
)

// TestRefusals: what is wrong with a request, and the answer.
func TestRefusals(t *testing.T) {
	r := newRig(t, func(s *settings) {
		s.change = func(c *Config) { c.Routes = c.Routes[1:]; c.Routes[0].Prefix = "+3170" }
	})
	forged := strings.Repeat("abcdefABCDEF", 12)
	invite := r.a.invite("0705550199", fromA)
	for _, c := range []struct {
		name, want string
		change     []string // pairs
	}{
		{"unknown scheme", "416", []string{"INVITE sip:0705550199@gw.example.net", "INVITE nobodyKnowsThisScheme:x"}},
		{"unknown urn", "416", []string{"INVITE sip:0705550199@gw.example.net", "INVITE urn:isbn:123"}},
		{"no hops left", "483", []string{"Max-Forwards: 70", "Max-Forwards: 0"}},
		{"extension", "420", []string{"CSeq", "Proxy-Require: privacy, foo, bar\nCSeq"}},
		{"no breadth", "440", []string{"CSeq", "Max-Breadth: 0\nCSeq"}},
		{"too many codes", "484", []string{"INVITE sip:", "INVITE sip:*31**31**31**31**31*"}},
		{"nothing behind the code", "484", []string{"INVITE sip:0705550199", "INVITE sip:*31*"}},
		{"no route", "404", []string{"INVITE sip:0705550199", "INVITE sip:0205550199"}},
		{"unknown dialog", "481", []string{"INVITE sip:0705550199@gw.example.net", "BYE sip:" + r.gw.addr, "1 INVITE", "1 BYE", "gw.example.net>\nCall", "gw.example.net>;tag=x\nCall"}},
		{"forged token", "403", []string{"INVITE sip:0705550199@gw.example.net", "BYE sip:" + forged + "@" + r.gw.addr, "1 INVITE", "1 BYE", "gw.example.net>\nCall", "gw.example.net>;tag=x\nCall"}},
		{"forged token in a Route", "403", []string{"CSeq", "Route: <sip:" + forged + "@" + r.gw.addr + ";lr>\nCSeq"}},
		{"critical", "500 Privacy level not supported: session", []string{"CSeq", "Privacy: session;critical\nCSeq"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.NewReplacer(c.change...).Replace(invite)
			id := strings.ReplaceAll(c.name, " ", "")
			text = strings.Replace(text, "branch=z9hG4bK", "branch=z9hG4bKx"+id, 1)
			text = strings.Replace(text, "Call-ID: ", "Call-ID: "+id, 1)
			r.a.send(r.gw.addr, text)
			got := r.a.final()
			for !strings.HasPrefix(got.get("Call-ID"), id) { // the case before, again and again
				got = r.a.final()
			}
			if !strings.HasPrefix(got.start, "SIP/2.0 "+c.want) {
				t.Errorf("%q, want %s", got.start, c.want)
			}
			if c.want == "420" && got.get("Unsupported") != "foo, bar" {
				t.Errorf("Unsupported %q", got.get("Unsupported"))
			}
		})
	}
	r.b.nothing()
	if n := r.gw.proxy.Stats().Events["forged_token"]; n != 2 {
		t.Errorf("%d forged tokens counted", n)
	}
}

// TestURIHeaders: headers in a Request-URI ask nothing of a proxy, and go (RFC 4475
// 3.1.2.11).
func TestURIHeaders(t *testing.T) {
	r := newRig(t)
	invite := strings.Replace(r.a.invite("0705550199", fromA), "gw.example.net SIP", "gw.example.net?Route=%3Csip:x%3E&Subject=a SIP", 1)
	r.a.send(r.gw.addr, invite)
	if got := r.b.get("INVITE"); got.uri() != "sip:+31705550199@gw.example.net" || got.has("Subject") {
		t.Errorf("%q", got.start)
	}
}

func TestUnknownSource(t *testing.T) {
	r := newRig(t)
	stranger := newAgent(t, "stranger")
	stranger.send(r.gw.addr, stranger.invite("0705550199", fromA))
	stranger.status(403)
	stranger.send(r.gw.addr, stranger.initial("OPTIONS", "", fromA))
	stranger.status(403)
	r.b.nothing()

	// With a token it may go on in its dialog.
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	c.callee.a = stranger
	stranger.send(r.gw.addr, c.callee.request("BYE"))
	bye := r.a.get("BYE")
	r.a.answer(r.gw.addr, bye, "200 OK", "", "Server: Jansen")
	leak(t, stranger.status(200))
}

func TestAnonymousCallRejection(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	r.a.send(r.gw.addr, r.a.invite("*31*0705550133", fromA))
	r.a.status(433)
	r.b.nothing()
	if recs := r.gw.records(); len(recs) != 1 || recs[0].Status != 433 || !recs[0].Withheld {
		t.Errorf("records %+v", recs)
	}
}

func TestRejectionSparesThe(t *testing.T) {
	r := newRig(t)
	for name, invite := range map[string]string{
		"call-back":       r.psap.invite("0705550133", "<sip:112@psap.example>", "Privacy: id"),
		"missing number":  r.b.invite("+31705550133", "<sip:jan@ix.example>"),
		"open call":       r.a.invite("0705550133", fromA),
		"call to 112":     r.a.invite("*31*112", fromA),
		"emergency by ix": r.b.invite("112", "<sip:anonymous@anonymous.invalid>", "Privacy: id"),
	} {
		t.Run(name, func(t *testing.T) {
			from, to := r.a, r.b
			switch {
			case strings.Contains(invite, "psap.example"):
				from = r.psap
			case strings.Contains(invite, "ix") || strings.Contains(invite, "anonymous.invalid"):
				from = r.b
			}
			if strings.Contains(invite, "112@gw") {
				to = r.psap
			}
			from.send(r.gw.addr, invite)
			got := to.get("INVITE")
			to.answer(r.gw.addr, got, "486 Busy Here", "x")
			to.get("ACK")
			from.status(486)
		})
	}
}

func TestOptions(t *testing.T) {
	r := newRig(t)
	ask := func(user, forwards string) msg {
		r.a.send(r.gw.addr, strings.NewReplacer("sip:@", "sip:", "Max-Forwards: 70", "Max-Forwards: "+forwards).Replace(r.a.initial("OPTIONS", user, fromA)))
		return r.a.final()
	}
	if got := ask("", "70"); !strings.HasPrefix(got.start, "SIP/2.0 200") || !got.has("Allow") || !got.has("Accept") || !got.has("Supported") {
		t.Errorf("%s", got.raw)
	}
	if got := ask("0705550199", "0"); !strings.HasPrefix(got.start, "SIP/2.0 200") {
		t.Errorf("%q", got.start)
	}
	r.gw.proxy.Drain()
	if got := ask("", "70"); !strings.HasPrefix(got.start, "SIP/2.0 503") {
		t.Errorf("draining: %q", got.start)
	}
}

func TestDrain(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("0705550199", fromA))
	r.gw.proxy.Drain()
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	if got := r.a.status(503); !got.has("Retry-After") {
		t.Errorf("%s", got.raw)
	}
	r.a.send(r.gw.addr, r.a.invite("112", fromA))
	r.psap.get("INVITE")
	r.a.send(r.gw.addr, c.caller.request("INVITE", "Contact: <sip:a@"+r.a.addr()+">"))
	r.b.get("INVITE")
}
