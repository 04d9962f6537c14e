package health

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"clirgate/sip/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second // never part of an assertion

// peer is a sipgo server that answers OPTIONS with a status, or not at all (0).
type peer struct {
	addr   netip.AddrPort
	status atomic.Int64
	asked  atomic.Int64
}

func startPeer(t *testing.T, network, address string) *peer {
	t.Helper()
	silence()
	ua, err := sipgo.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := sipgo.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{}
	p.status.Store(200)
	server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		p.asked.Add(1)
		if status := p.status.Load(); status != 0 {
			_ = tx.Respond(sip.NewResponseFromRequest(req, int(status), "Status", nil))
		}
	})
	done := make(chan struct{})
	var stop func() error
	if network == "udp" {
		pc, err := net.ListenPacket("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		p.addr, stop = pc.LocalAddr().(*net.UDPAddr).AddrPort(), pc.Close
		go func() { defer close(done); _ = server.ServeUDP(pc) }()
	} else {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		p.addr, stop = ln.Addr().(*net.TCPAddr).AddrPort(), ln.Close
		go func() { defer close(done); _ = server.ServeTCP(ln) }()
	}
	t.Cleanup(func() { _ = stop(); _ = ua.Close(); <-done })
	return p
}

type change struct {
	t  Target
	up bool
}

type result struct {
	status int
	alive  bool
}

// rig is a Checker whose every step the test takes by hand.
type rig struct {
	*Checker
	changes chan change
	checks  chan result
	tick    chan time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{changes: make(chan change, 100), checks: make(chan result, 100), tick: make(chan time.Time)}
	var err error
	r.Checker, err = New(Options{
		Changed: func(t Target, up bool) { r.changes <- change{t, up} },
		Checked: func(_ Target, status int, alive bool) { r.checks <- result{status, alive} },
		After:   func(time.Duration) <-chan time.Time { return r.tick },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func receive[T any](t *testing.T, c chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

func (r *rig) next(t *testing.T) {
	t.Helper()
	select {
	case r.tick <- time.Time{}:
	case <-time.After(patience):
		t.Fatal("nobody waits")
	}
}

func TestAlive(t *testing.T) {
	for _, tc := range []struct {
		network, address string
		net              transport.Network
	}{
		{"udp", "127.0.0.1:0", transport.UDP}, {"udp", "[::1]:0", transport.UDP},
		{"tcp", "127.0.0.1:0", transport.TCP}, {"tcp", "[::1]:0", transport.TCP},
	} {
		t.Run(tc.network+tc.address, func(t *testing.T) {
			p := startPeer(t, tc.network, tc.address)
			r := newRig(t)
			r.Set([]Target{{Net: tc.net, Addr: p.addr, Timeout: patience, Local: p.addr.Addr()}})
			if got := receive(t, r.checks); got != (result{200, true}) {
				t.Fatalf("%+v", got)
			}
			for _, status := range []int{404, 503, 603} {
				p.status.Store(int64(status))
				r.next(t)
				if got := receive(t, r.checks); got != (result{status, true}) {
					t.Fatalf("%+v, want %d", got, status)
				}
			}
			if !r.Up(tc.net, p.addr) || len(r.changes) != 0 {
				t.Fatal("not up")
			}
		})
	}
}

// A target goes after Down failures in a row and returns after Up answers in a row.
func TestNote(t *testing.T) {
	s := &state{target: Target{Down: 3, Up: 2}}
	for i, step := range []struct{ alive, changed, up bool }{
		{true, false, true}, {false, false, true}, {false, false, true},
		{true, false, true}, // two in a row are not three
		{false, false, true}, {false, false, true}, {false, true, false},
		{false, false, false}, {true, false, false}, {false, false, false}, {true, false, false},
		{true, true, true}, {true, false, true}, {false, false, true},
	} {
		if changed := s.note(step.alive); changed != step.changed || s.down.Load() == step.up {
			t.Fatalf("step %d: changed %v, down %v", i, changed, s.down.Load())
		}
	}
}

// Over the wire: silent, back, silent again.
func TestSilentAndBack(t *testing.T) {
	for network, n := range map[string]transport.Network{"udp": transport.UDP, "tcp": transport.TCP} {
		t.Run(network, func(t *testing.T) {
			p := startPeer(t, network, "127.0.0.1:0")
			changes := make(chan change, 100)
			c, err := New(Options{Changed: func(t Target, up bool) { changes <- change{t, up} }})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.Set([]Target{{Name: "core", Net: n, Addr: p.addr, Every: time.Millisecond, Timeout: 100 * time.Millisecond}})
			for _, status := range []int64{0, 200, 0, 200} {
				p.status.Store(status)
				for up := status != 0; ; { // a busy machine may let a good answer come too late
					if got := receive(t, changes); got.up == up && got.t.Name == "core" {
						break
					}
				}
				if status == 0 && c.Up(n, p.addr) {
					t.Fatal("silent and up")
				}
			}
		})
	}
}

func TestBusy(t *testing.T) {
	p := startPeer(t, "udp", "127.0.0.1:0")
	p.status.Store(503)
	r := newRig(t)
	r.Set([]Target{{Net: transport.UDP, Addr: p.addr, Timeout: patience, BusyDown: true, Down: 1}})
	if got := receive(t, r.checks); got != (result{503, false}) {
		t.Fatalf("%+v", got)
	}
	if c := receive(t, r.changes); c.up || r.Up(transport.UDP, p.addr) {
		t.Fatal("up")
	}
}

// Nobody listens: TCP tells at once, and that is a failure too.
func TestRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	ln.Close()
	r := newRig(t)
	r.Set([]Target{{Net: transport.TCP, Addr: addr, Down: 1, Timeout: patience}})
	if got := receive(t, r.checks); got != (result{0, false}) {
		t.Fatalf("%+v", got)
	}
	receive(t, r.changes)
	if r.Up(transport.TCP, addr) {
		t.Fatal("up")
	}
	if !r.Up(transport.UDP, addr) {
		t.Fatal("what is not checked is up")
	}
}

// Set keeps what is known of a target that stays, and stops asking what goes.
func TestSet(t *testing.T) {
	p := startPeer(t, "udp", "127.0.0.1:0")
	p.status.Store(503)
	r := newRig(t)
	target := Target{Net: transport.UDP, Addr: p.addr, BusyDown: true, Down: 1, Timeout: patience}
	r.Set([]Target{target, target})
	receive(t, r.changes)
	receive(t, r.checks)
	r.Set([]Target{target}) // the same: nothing happens
	target.Up = 2
	r.Set([]Target{target}) // changed: asked anew, still down
	receive(t, r.checks)
	if r.Up(transport.UDP, p.addr) {
		t.Fatal("forgotten")
	}
	r.Set(nil)
	if !r.Up(transport.UDP, p.addr) {
		t.Fatal("what is not checked any more is up")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := p.asked.Load(); n != 2 {
		t.Fatalf("asked %d times", n)
	}
	r.Set([]Target{target}) // nothing after Close
	if len(*r.states.Load()) != 0 {
		t.Fatal("targets after Close")
	}
}

func TestBadURI(t *testing.T) {
	r := newRig(t)
	r.Set([]Target{{URI: "nonsense", Net: transport.UDP, Addr: netip.MustParseAddrPort("127.0.0.1:9")}})
	if got := receive(t, r.checks); got != (result{0, false}) {
		t.Fatalf("%+v", got)
	}
}

// A peer that answers rubbish puts nothing into the log.
func TestNothingLogged(t *testing.T) {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(was)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.Set([]Target{{Net: transport.UDP, Addr: pc.LocalAddr().(*net.UDPAddr).AddrPort(), Timeout: 100 * time.Millisecond}})
	b := make([]byte, 2048)
	_, from, err := pc.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, rubbish := range []string{"SIP/2.0 200 OK\r\nFrom: <sip:+31612345678@x", "+31612345678", "SIP/2.0 200 OK\r\nVia: x\r\n\r\n"} {
		_, _ = pc.WriteTo([]byte(rubbish), from)
	}
	receive(t, r.checks)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	_ = pc.Close()
	if log.Len() != 0 {
		t.Fatalf("logged: %s", log.String())
	}
}

func TestUpAllocatesNothing(t *testing.T) {
	r := newRig(t)
	a := netip.MustParseAddrPort("127.0.0.1:5060")
	if n := testing.AllocsPerRun(100, func() { _ = r.Up(transport.UDP, a) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
