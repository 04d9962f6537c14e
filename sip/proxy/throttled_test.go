package proxy

import (
	"strings"
	"testing"
	"time"
)

const offered = `;oc;oc-algo="loss"`

// A neighbour that asks in its Via is told of our load in every response, on N and W alike;
// what it asked goes no further.
func TestReportsLoad(t *testing.T) {
	for _, dialled := range []string{"0705550199", "*31*0705550199"} {
		r := newLoadedRig(t)
		asking := func() string {
			return strings.Replace(r.a.invite(dialled, fromA), ";rport", offered+";rport", 1)
		}
		r.a.send(r.gw.addr, asking())
		const idle = `;oc=0;oc-algo="loss";oc-validity=0;oc-seq=`
		r.wantReport(r.a.status(100), idle)
		req := r.b.get("INVITE")
		if strings.Contains(req.raw, ";oc") {
			t.Errorf("went further:\n%s", req.raw)
		}
		r.b.answer(r.gw.addr, req, "180 Ringing", "b")
		r.wantReport(r.a.status(180), idle)
		r.b.answer(r.gw.addr, req, "486 Busy Here", "b")
		r.wantReport(r.a.status(486), idle)

		r.wait(time.Second)
		for range 1000 { // until one of the last is refused too
			r.a.send(r.gw.addr, asking())
			m := r.a.get("SIP/2.0 ")
			for !strings.HasPrefix(m.start, "SIP/2.0 503") && !strings.HasPrefix(m.start, "SIP/2.0 100") {
				m = r.a.get("SIP/2.0 ")
			}
			r.wantReport(m, `;oc=98;oc-algo="loss";oc-validity=500;oc-seq=`)
			if strings.HasPrefix(m.start, "SIP/2.0 503") {
				if m.has("Retry-After") {
					t.Errorf("told twice how to behave:\n%s", m.raw)
				}
				break
			}
			r.b.answer(r.gw.addr, r.b.get("INVITE"), "486 Busy Here", "b")
		}
	}
}

func (r *loadedRig) wantReport(m msg, want string) {
	r.t.Helper()
	via := m.get("Via")
	if strings.Count(via, "oc=") != 1 || strings.Contains(via, ";oc;") || !strings.Contains(via, want) || branchOf(via) == "" || len(m.all("Via")) != 1 {
		r.t.Errorf("%s: Via %q, want %s", m.start, via, want)
	}
}

// A next hop that speaks RFC 7339 is asked and heeded; an emergency call goes there all the
// same. One that does not speak it sees no difference.
func TestThrottled(t *testing.T) {
	r := newLoadedRig(t, func(s *settings) {
		s.change = func(c *Config) {
			for i := range c.Peers {
				c.Peers[i].OverloadControl = c.Peers[i].Name == "U1" || c.Peers[i].Name == "psap"
			}
		}
	})
	report := func(a *agent, number, params string) msg {
		r.a.send(r.gw.addr, r.a.invite(number, fromA))
		req := a.get("INVITE")
		if !strings.Contains(req.get("Via"), offered) {
			t.Errorf("not asked: %q", req.get("Via"))
		}
		text := req.response("180 Ringing", "b")
		a.send(r.gw.addr, strings.Replace(text, offered, params, 1))
		ringing := r.a.status(180)
		if strings.Contains(ringing.raw, "oc") && strings.Contains(ringing.get("Via"), "oc") {
			t.Errorf("passed on: %q", ringing.get("Via"))
		}
		a.answer(r.gw.addr, req, "200 OK", "b", "Contact: <sip:b@"+a.addr()+">")
		return r.a.status(200)
	}
	ok := report(r.b, "0705550199", `;oc=100;oc-algo="loss";oc-validity=2000;oc-seq=10.1`)
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	if m := r.a.final(); !strings.HasPrefix(m.start, "SIP/2.0 503") || !m.has("Retry-After") {
		t.Errorf("%s", m.raw)
	}
	if s := r.gw.proxy.Peers()[2].Targets[0]; s.Throttled != 1 {
		t.Errorf("%+v", s)
	}
	// Inside the dialog nothing is kept back.
	r.a.send(r.gw.addr, asCaller(r.a, ok).request("BYE"))
	r.b.answer(r.gw.addr, r.b.get("BYE"), "200 OK", "")

	report(r.psap, "112", `;oc=100;oc-algo="loss"`)
	report(r.psap, "112", `;oc=100;oc-algo="loss"`)

	r.later(2 * time.Second)
	report(r.b, "0705550199", `;oc=50;oc-algo="loss";oc-validity=60000;oc-seq=10.2`)
	refused := 0
	for range 10 {
		invite := r.a.invite("0705550199", fromA)
		r.a.send(r.gw.addr, invite)
		if r.outcome(readMsg(crlf(invite)).get("Call-ID")) == "503" {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 10 refused", refused)
	}
	if n := r.gw.proxy.Stats().Events["throttled"]; n != 6 {
		t.Errorf("%d counted", n)
	}

	// The core was not configured for it.
	r.a.send(r.gw.addr, r.a.invite("0611555555", fromA))
	if m := r.core.get("INVITE"); strings.Contains(m.get("Via"), ";oc") {
		t.Errorf("%q", m.get("Via"))
	}
}

// outcome is the status of a call that B answers 486 if it gets it.
func (r *rig) outcome(callID string) string {
	r.t.Helper()
	for limit := time.After(patience); ; {
		select {
		case m := <-r.b.in:
			if strings.HasPrefix(m.start, "INVITE") && m.get("Call-ID") == callID {
				r.b.answer(r.gw.addr, m, "486 Busy Here", "b")
			}
		case m := <-r.a.in:
			if status := strings.Fields(m.start)[1]; m.get("Call-ID") == callID && status >= "200" {
				return status
			}
		case <-limit:
			r.t.Fatal("no answer")
		}
	}
}
