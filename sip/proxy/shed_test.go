package proxy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/overload"
)

// loadedRig is a rig whose clock stands, and whose gateway refuses everything that it may
// refuse until calm.
type loadedRig struct {
	*rig
	c     *overload.Controller
	start time.Time
	past  atomic.Int64 // nanoseconds since start
}

func (l *loadedRig) now() time.Time { return l.start.Add(time.Duration(l.past.Load())) }

func (l *loadedRig) later(d time.Duration) { l.past.Add(int64(d)) }

func newLoadedRig(t testing.TB, change ...func(*settings)) *loadedRig {
	l := &loadedRig{c: overload.New(overload.Options{}), start: time.Now()}
	change = append(change, func(s *settings) {
		s.deps = func(d *Deps) { d.Overload, d.Now = l.c, l.now }
	})
	l.rig = newRig(t, change...)
	return l
}

// wait has the queue stand, and calls come, for a while that is over now.
func (l *loadedRig) wait(d time.Duration) {
	for i := range 401 {
		at := l.now().Add(time.Duration(i-400) * 10 * time.Millisecond)
		l.c.Waited(0, d, at)
		l.c.Refuses(anybody, at)
	}
}

const anybody = 1 << 63 // a key that is not among those taken whatever waits

// Who is refused when everybody is who may be.
func TestWhoIsShed(t *testing.T) {
	r := newLoadedRig(t)
	r.wait(time.Second)
	set := func(a *agent, pairs ...string) (*agent, string) {
		return a, strings.NewReplacer(pairs...).Replace(a.invite("0705550199", fromA))
	}
	to := func(uri string) []string { return []string{"INVITE sip:0705550199@gw.example.net", "INVITE " + uri} }
	sealed := strings.Repeat("abcdefABCDEF", 12)
	for _, x := range []struct {
		name string
		shed bool
		from *agent
		with []string
	}{
		{"a call", true, r.a, nil},
		{"a withheld call", true, r.a, to("sip:*31*0705550199@gw.example.net")},
		{"a call from the core", true, r.core, nil},
		{"a call from nobody known", true, newAgent(t, "stranger"), nil},
		{"a message", true, r.a, []string{"INVITE", "MESSAGE"}},
		{"a subscription", true, r.a, []string{"INVITE", "SUBSCRIBE"}},
		{"112", false, r.a, to("sip:112@gw.example.net")},
		{"112 withheld", false, r.a, to("sip:*31*112@gw.example.net")},
		{"112 as tel", false, r.a, to("tel:+31112")},
		{"112 with context", false, r.a, to("tel:112;phone-context=+31")},
		{"112 escaped", false, r.a, to("sip:%31%31%32@gw.example.net")},
		{"the service", false, r.a, to("urn:service:sos.fire")},
		{"112 by message", false, r.a, []string{"INVITE sip:0705550199@gw.example.net", "MESSAGE sip:112@gw.example.net", "INVITE", "MESSAGE"}},
		{"another service", true, r.a, to("urn:service:counseling")},
		{"a number that begins like it", true, r.a, to("sip:+31112555010@gw.example.net")},
		{"a call-back", false, r.psap, nil},
		{"inside a dialog", false, r.a, []string{"gw.example.net>\nCall-ID", "gw.example.net>;tag=x\nCall-ID"}},
		{"to a token", false, r.b, to("sip:" + sealed + "@" + r.gw.addr)},
		{"a registration", false, r.a, []string{"INVITE", "REGISTER"}},
		{"a health check", false, r.a, []string{"INVITE sip:0705550199@", "OPTIONS sip:", "INVITE", "OPTIONS"}},
		{"a question about somebody", true, r.a, []string{"INVITE", "OPTIONS"}},
		{"BYE without a dialog", false, r.a, []string{"INVITE", "BYE"}},
		{"a priority nobody vouches for", true, r.a, []string{"CSeq", "Resource-Priority: ets.0\nCSeq"}},
	} {
		from, text := set(x.from, x.with...)
		m := new(message.Message)
		if err := m.Parse([]byte(crlf(text))); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		f := r.flow()
		f.Remote = from.addrPort()
		if shed, extra := r.gw.proxy.Refuses(m, f, anybody); shed != x.shed || shed && !strings.HasPrefix(string(extra), "Retry-After: ") {
			t.Errorf("%s: %v %q", x.name, shed, extra)
		}
	}
}

// Test calls of the gateway's own go through: the one to 112 is only made where the other
// came back.
func TestOwnCallsAreNotShed(t *testing.T) {
	own := newAgent(t, "own 112")
	r := newLoadedRig(t, func(s *settings) {
		s.change = func(c *Config) {
			c.Peers[1].Only = &Only{Emergency: "own 112", Other: "core"}
			c.Peers = append(c.Peers, Peer{Name: "own 112", Boundary: Emergency, From: []Source{own.source()}, To: []Target{own.target()}, SupportsPrivacy: true})
			c.Routes = slices.DeleteFunc(c.Routes, func(r Route) bool { return r.Peer == "core" })
		}
	})
	r.wait(time.Second)
	for from, shed := range map[*agent]bool{r.a: true, r.p: false} {
		m := new(message.Message)
		if err := m.Parse([]byte(crlf(from.invite("*31*0705550199", fromA)))); err != nil {
			t.Fatal(err)
		}
		f := r.flow()
		f.Remote = from.addrPort()
		if got, _ := r.gw.proxy.Refuses(m, f, anybody); got != shed {
			t.Errorf("%s: %v", from.name, got)
		}
	}
}

// Those refused last: a priority that the core vouches for, and neighbours that keep calls
// back themselves.
func TestShedLast(t *testing.T) {
	r := newLoadedRig(t)
	r.wait(25 * time.Millisecond)
	for _, x := range []struct {
		name string
		from *agent
		old  string
		new  string
		shed bool
	}{
		{"plain", r.core, "", "", true},
		{"priority", r.core, "CSeq", "Resource-Priority: ets.0\nCSeq", false},
		{"speaks RFC 7339", r.a, ";rport", `;rport;oc;oc-algo="loss"`, false},
		{"nobody known who says so", newAgent(t, "stranger"), ";rport", `;rport;oc;oc-algo="loss"`, true},
	} {
		m := new(message.Message)
		if err := m.Parse([]byte(crlf(strings.Replace(x.from.invite("0705550199", fromA), x.old, x.new, 1)))); err != nil {
			t.Fatal(err)
		}
		f := r.flow()
		f.Remote = x.from.addrPort()
		if shed, _ := r.gw.proxy.Refuses(m, f, anybody|rand.Uint64()); shed != x.shed {
			t.Errorf("%s: %v", x.name, shed)
		}
	}
}

// On the wire: 503 and nothing kept; the same again when it is sent again, even when the
// load is over; 112 and what is inside a dialog as ever.
func TestShedding(t *testing.T) {
	r := newLoadedRig(t)
	c := r.establish(r.a, r.b, r.a.invite("0705550199", fromA))
	r.wait(time.Second)
	kept := r.gw.txl.Stats().Servers
	var refused string
	var answer msg
	for range 200 { // some are taken even now
		invite := r.a.invite("0705550199", fromA)
		r.a.send(r.gw.addr, invite)
		if answer = r.a.get("SIP/2.0 "); strings.HasPrefix(answer.start, "SIP/2.0 503") {
			refused = invite
			break
		}
		kept++
	}
	if refused == "" || !answer.has("Retry-After") || strings.Contains(answer.raw, ";oc") {
		t.Fatalf("%s", answer.raw)
	}
	if n := r.gw.txl.Stats().Servers; n != kept {
		t.Errorf("%d transactions kept, %d expected", n, kept)
	}
	// Its ACK goes nowhere.
	ack := strings.NewReplacer("INVITE", "ACK", "gw.example.net>\nCall", "gw.example.net>;tag="+tagOf(answer.get("To"))+"\nCall").Replace(refused)
	r.a.send(r.gw.addr, ack)

	r.a.send(r.gw.addr, r.a.invite("112", fromA))
	e := r.psap.get("INVITE")
	r.psap.answer(r.gw.addr, e, "200 OK", "ps")
	r.a.status(200)
	r.a.send(r.gw.addr, c.caller.request("BYE"))
	r.b.answer(r.gw.addr, r.b.get("BYE"), "200 OK", "")
	r.a.status(200)

	for range 100 {
		r.later(100 * time.Millisecond)
		r.c.Waited(0, 0, r.now())
	}
	if r.c.Active(r.now()) {
		t.Fatal("still overloaded")
	}
	r.a.send(r.gw.addr, refused)
	r.a.status(503)
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	r.a.status(100)
	r.later(shedFor)
	r.a.send(r.gw.addr, refused)
	r.a.status(100)
	if r.gw.proxy.Watching() {
		t.Error("remembers for ever")
	}
	if n := r.gw.proxy.Stats().Events["shed"]; n != 2 {
		t.Errorf("%d counted", n)
	}
}

// With the gateway idle nothing is asked of a request but one load.
func TestNotWatching(t *testing.T) {
	r := newLoadedRig(t)
	if r.gw.proxy.Watching() {
		t.Error("watching")
	}
	r.gw.proxy.d.Overload = nil
	if r.gw.proxy.Watching() {
		t.Error("watching without a controller")
	}
}
