package proxy

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

// threeTargets gives U1 three targets: first, second, B.
func threeTargets(first, second *agent) func(*settings) {
	return func(s *settings) {
		s.change = func(c *Config) {
			u1 := &c.Peers[2]
			u1.To = append([]Target{first.target(), second.target()}, u1.To...)
			u1.GiveUp = 200 * time.Millisecond
		}
	}
}

func TestFailover(t *testing.T) {
	silent, refusing := newAgent(t, "silent"), newAgent(t, "refusing")
	r := newRig(t, threeTargets(silent, refusing))
	r.a.send(r.gw.addr, r.a.invite("*31*0705550199", fromA))
	first := silent.get("INVITE")
	second := refusing.get("INVITE")
	refusing.answer(r.gw.addr, second, "503 Service Unavailable", "s", "Retry-After: 100")
	third := r.b.get("INVITE")
	if branchOf(first.raw) == branchOf(second.raw) || branchOf(second.raw) == branchOf(third.raw) {
		t.Error("a branch was used twice")
	}
	for _, m := range []msg{first, second, third} {
		leak(t, m)
	}
	r.b.answer(r.gw.addr, third, "200 OK", "b", "Contact: <sip:b@"+r.b.addr()+">")
	r.a.status(200)
	if s := r.gw.proxy.Stats(); s.Events["failover"] != 2 {
		t.Errorf("%d failovers counted", s.Events["failover"])
	}

	// The silent one is passed over for a while.
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	refusing.answer(r.gw.addr, refusing.get("INVITE"), "486 Busy Here", "s")
	r.a.status(486)
	silent.nothingNew(first)
}

// nothingNew fails when anything but retransmissions of old comes.
func (a *agent) nothingNew(old msg) {
	a.t.Helper()
	limit := time.After(silence)
	for {
		select {
		case m := <-a.in:
			if branchOf(m.raw) != branchOf(old.raw) {
				a.t.Errorf("%s: got %q", a.name, m.start)
			}
		case <-limit:
			return
		}
	}
}

func TestNoFailoverAfterRefusal(t *testing.T) {
	for _, status := range []string{"433 Anonymity Disallowed", "603 Decline", "486 Busy Here", "302 Moved", "500 Oops"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			first, second := newAgent(t, "first"), newAgent(t, "second")
			r := newRig(t, threeTargets(first, second))
			r.a.send(r.gw.addr, r.a.invite("*31*0705550199", fromA))
			first.answer(r.gw.addr, first.get("INVITE"), status, "x")
			r.a.get("SIP/2.0 " + status[:3])
			second.nothing()
			r.b.nothing()
		})
	}
}

func TestAllTargetsFail(t *testing.T) {
	r := newRig(t)
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	r.b.answer(r.gw.addr, r.b.get("INVITE"), "503 Service Unavailable", "x")
	if got := r.a.final(); !strings.HasPrefix(got.start, "SIP/2.0 500") {
		t.Errorf("a sole 503 becomes %q", got.start)
	}
}

// TestSilentTargets: nobody answers at all; 408 after timer B.
func TestSilentTargets(t *testing.T) {
	r := newRig(t, func(s *settings) { s.options.T1 = 10 * time.Millisecond })
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	if got := r.a.final(); !strings.HasPrefix(got.start, "SIP/2.0 408") {
		t.Errorf("%q", got.start)
	}
	// Known to be silent, but the only one: tried all the same.
	r.a.send(r.gw.addr, r.a.invite("0205550199", fromA))
	for {
		if got := r.b.get("INVITE"); strings.Contains(got.uri(), "+31205550199") {
			break
		}
	}
}

// TestRefusedPort: ICMP tells at once that nobody listens.
func TestRefusedPort(t *testing.T) {
	gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := gone.LocalAddr().(*net.UDPAddr).AddrPort()
	gone.Close()
	r := newRig(t, func(s *settings) {
		s.change = func(c *Config) {
			u1 := &c.Peers[2]
			u1.To = append([]Target{{Host: at.Addr().String(), Port: at.Port()}}, u1.To...)
			u1.GiveUp = time.Minute
		}
	})
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	r.b.get("INVITE")
}

type healthFunc func(netip.AddrPort) bool

func (f healthFunc) Up(_ transport.Network, a netip.AddrPort) bool { return f(a) }

func TestHealth(t *testing.T) {
	down, second := newAgent(t, "down"), newAgent(t, "second")
	r := newRig(t, threeTargets(down, second), func(s *settings) {
		s.deps = func(d *Deps) {
			d.Health = healthFunc(func(a netip.AddrPort) bool { return a != down.addrPort() })
		}
	})
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	second.get("INVITE")
	down.nothing()
}

// TestEmergencyRoutes: one after the other, and an ordinary one when there is none.
func TestEmergencyRoutes(t *testing.T) {
	r := newRig(t, func(s *settings) {
		s.change = func(c *Config) {
			c.Routes[0].URI = "urn:service:sos"
			c.Routes = append(c.Routes, Route{Emergency: true, Peer: "core"})
		}
	})
	r.a.send(r.gw.addr, r.a.invite("112", fromA))
	got := r.psap.get("INVITE")
	if got.uri() != "urn:service:sos" {
		t.Errorf("Request-URI %q", got.uri())
	}
	r.psap.answer(r.gw.addr, got, "500 Fire", "x")
	if got = r.core.get("INVITE"); got.uri() != "sip:112@gw.example.net" {
		t.Errorf("Request-URI %q", got.uri())
	}
	r.core.answer(r.gw.addr, got, "200 OK", "x", "Contact: <sip:desk@"+r.core.addr()+">")
	r.a.status(200)

	r.a.send(r.gw.addr, strings.NewReplacer("sip:112@gw.example.net", "urn:service:sos.police").Replace(r.a.invite("112", fromA)))
	if got := r.psap.get("INVITE urn"); got.uri() != "urn:service:sos.police" {
		t.Errorf("Request-URI %q", got.uri())
	}

	c := *r.config
	c.Routes = []Route{{Prefix: "+3170", Peer: "U1"}}
	if err := r.gw.proxy.Reconfigure(&c); err != nil {
		t.Fatal(err)
	}
	r.a.send(r.gw.addr, r.a.invite("112", fromA))
	r.b.get("INVITE sip:112@")
}

// TestDomains: the next hop is a domain, asked for while the call waits.
func TestDomains(t *testing.T) {
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			rr, _ := dns.NewRR(q.Question[0].Name + " 60 A " + agentHost)
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m)
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go server.ActivateAndServe()
	<-started
	resolver, err := resolve.New(resolve.Options{Servers: []string{pc.LocalAddr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(s *settings) { s.deps = func(d *Deps) { d.Resolver = resolver } })
	t.Cleanup(func() { resolver.Close(); _ = server.Shutdown() })

	c := *r.config
	c.Peers[2].To = []Target{{Host: "u1.example", Port: r.b.addrPort().Port()}}
	if err := r.gw.proxy.Reconfigure(&c); err != nil {
		t.Fatal(err)
	}
	call := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	leak(t, call.got)

	// The remote target is a name nobody asked for yet, and the ACK has no transaction.
	_, port, _ := net.SplitHostPort(r.b.addr())
	call.caller.target = "sip:b@elsewhere.example:" + port
	r.a.send(r.gw.addr, call.caller.request("ACK"))
	ack := r.b.get("ACK sip:b@elsewhere")
	leak(t, ack)
	r.a.send(r.gw.addr, call.caller.request("BYE"))
	leak(t, r.b.get("BYE"))
}

// TestLargeRequests go over TCP to a peer that takes it, and by UDP once it has refused.
func TestLargeRequests(t *testing.T) {
	r := newRig(t, func(s *settings) { s.tcp = true })
	big := "Subject: " + strings.Repeat("x", 1400)
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA, big))
	got := r.b.get("INVITE") // the agent listens by UDP alone
	if !strings.HasPrefix(got.get("Via"), "SIP/2.0/UDP") {
		t.Errorf("Via %q", got.get("Via"))
	}
	if s := r.gw.proxy.Stats(); s.Events["tcp_refused"] != 1 || s.Events["too_large_for_udp"] != 1 {
		t.Errorf("%v", s.Events)
	}
	r.b.answer(r.gw.addr, got, "486 Busy Here", "x")
	r.a.status(486)
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA, big))
	r.b.get("INVITE")
	if s := r.gw.proxy.Stats(); s.Events["too_large_for_udp"] != 1 {
		t.Error("the refusal was not remembered")
	}

	l, err := net.Listen("tcp4", r.core.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.a.send(r.gw.addr, r.a.invite("0611000000", fromA, big))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 65536)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if m := readMsg(string(buf[:n])); !strings.HasPrefix(m.get("Via"), "SIP/2.0/TCP") || len(m.list("Record-Route")) != 2 || !strings.Contains(m.list("Record-Route")[0], ";transport=tcp") {
		t.Errorf("%s", m.raw)
	}
}

// TestTimerC: it rings and rings (RFC 3261 16.8).
func TestTimerC(t *testing.T) {
	r := newRig(t, func(s *settings) { s.options.C = 50 * time.Millisecond })
	r.a.send(r.gw.addr, r.a.invite("*31*0705550199", fromA))
	got := r.b.get("INVITE")
	r.b.answer(r.gw.addr, got, "180 Ringing", "b")
	cancel := r.b.get("CANCEL")
	leak(t, cancel)
	r.b.answer(r.gw.addr, cancel, "200 OK", "b")
	r.b.answer(r.gw.addr, got, "487 Request Terminated", "b")
	r.a.status(487)
}

// TestLateAnswer: a target that was given up answers after all, and has the call.
func TestLateAnswer(t *testing.T) {
	slow, second := newAgent(t, "slow"), newAgent(t, "second")
	r := newRig(t, threeTargets(slow, second))
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	first := slow.get("INVITE")
	ringing := second.get("INVITE")
	second.answer(r.gw.addr, ringing, "180 Ringing", "s")
	r.a.status(180)
	slow.answer(r.gw.addr, first, "200 OK", "f", "Contact: <sip:f@"+slow.addr()+">")
	if ok := r.a.status(200); tagOf(ok.get("To")) != "f" {
		t.Errorf("To %q", ok.get("To"))
	}
	second.get("CANCEL")
}
