package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestUDPBothFamilies(t *testing.T) {
	for _, address := range []string{local4, local6} {
		t.Run(address, func(t *testing.T) {
			s := newSink()
			l := start(t, Options{Listeners: []Listener{listen(UDP, address)}, Sockets: 4}, s)
			c := dial(t, "udp", l.Local(0))
			write(t, c, "\r\n\r\nOPTIONS 1")
			f := s.wantMessage(t, "OPTIONS 1")
			if want := (Flow{Net: UDP, Remote: addrOf(c.LocalAddr())}); f != want {
				t.Fatalf("flow %v, want %v", f, want)
			}
			if err := l.Send(f, []byte("SIP/2.0 200 OK")); err != nil {
				t.Fatal(err)
			}
			l.Flush()
			if got := readString(t, c, 14); got != "SIP/2.0 200 OK" {
				t.Fatalf("got %q", got)
			}
		})
	}
}

// Port 0 with several sockets is one port, and nobody else's.
func TestUDPSharedPort(t *testing.T) {
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4)}, Sockets: 4}, newSink())
	if reusesPort && len(l.sockets) != 4 {
		t.Fatalf("%d sockets", len(l.sockets))
	}
	taken := Listener{Net: UDP, Address: l.Local(0)}
	if second, err := New(Options{Listeners: []Listener{taken}, Sockets: 4}); err == nil {
		closeLayer(t, second)
		t.Fatal("two layers share a port")
	}
}

// Many senders, several sockets: everything arrives, each sender's in order.
func TestUDPManySenders(t *testing.T) {
	const senders, each = 16, 40
	s := newSink()
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4)}, Sockets: 4}, s)
	for i := range senders {
		c := dial(t, "udp", l.Local(0))
		for j := range each {
			write(t, c, fmt.Sprintf("%d %d", i, j))
		}
	}
	var seen [senders]int
	for range senders * each {
		var i, j int
		if _, err := fmt.Sscan(next(t, s.got).b, &i, &j); err != nil || seen[i] != j {
			t.Fatalf("sender %d: message %d at %d (%v)", i, j, seen[i], err)
		}
		seen[i]++
	}
	if got := l.Stats().Received; got != senders*each {
		t.Fatalf("Received %d", got)
	}
}

// Batches of every size arrive whole and in order.
func TestUDPOrderPerDestination(t *testing.T) {
	const peers = 3
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4)}, Sockets: 2}, newSink())
	var conns [peers]net.PacketConn
	for i := range conns {
		c, err := net.ListenPacket("udp4", local4)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		conns[i] = c
	}
	b := make([]byte, 2048)
	for size := range 2*batchMessages + 3 {
		for i := range size * peers {
			f := Flow{Net: UDP, Remote: addrOf(conns[i%peers].LocalAddr())}
			if err := l.Send(f, fmt.Appendf(nil, "%d %s", i/peers, strings.Repeat("x", i%50))); err != nil {
				t.Fatal(err)
			}
		}
		l.Flush()
		for i := range size * peers {
			n, _, err := conns[i%peers].ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%d %s", i/peers, strings.Repeat("x", i%50)); string(b[:n]) != want {
				t.Fatalf("got %q, want %q", b[:n], want)
			}
		}
	}
}

func TestUDPDiscards(t *testing.T) {
	s := newSink()
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4)}, MaxMessage: 1000}, s)
	c := dial(t, "udp", l.Local(0))
	for _, tc := range []struct {
		in   string
		want Discard
	}{
		{"", DiscardEmpty},
		{"\r\n\r\n", DiscardEmpty},
		{"\x00\x00\x00\x00", DiscardEmpty},
		{"\r\n  \r\n", DiscardEmpty},
		{strings.Repeat("a", 1001), DiscardTooLarge},
		{strings.Repeat("a", 9000), DiscardTooLarge},
	} {
		write(t, c, tc.in)
		if f := s.wantDiscard(t, tc.want); f.Remote != addrOf(c.LocalAddr()) {
			t.Fatalf("flow %v", f)
		}
	}
	write(t, c, strings.Repeat("a", 1000))
	s.wantMessage(t, strings.Repeat("a", 1000))
}

func TestSendRefuses(t *testing.T) {
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4), listen(TCP, local4)}}, newSink())
	to4, to6 := netip.MustParseAddrPort("127.0.0.1:9"), netip.MustParseAddrPort("[::1]:9")
	for _, tc := range []struct {
		name string
		f    Flow
		n    int
		want error
	}{
		{"no listener", Flow{Net: UDP, Listener: 2, Remote: to4}, 1, ErrNoListener},
		{"wrong network", Flow{Net: UDP, Listener: 1, Remote: to4}, 1, ErrNoListener},
		{"wrong family", Flow{Net: UDP, Remote: to6}, 1, ErrNoListener},
		{"no address", Flow{Net: UDP}, 1, ErrNoListener},
		{"larger than a datagram", Flow{Net: UDP, Remote: to4}, maxUDP + 1, ErrTooLarge},
		{"larger than a queue", Flow{Net: TCP, Listener: 1, Remote: to4}, outboxBytes + 1, ErrTooLarge},
	} {
		if err := l.Send(tc.f, make([]byte, tc.n)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := l.Send(Flow{Net: UDP, Remote: to4}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// The largest datagram passes; a mapped IPv4 address is an IPv4 address.
func TestUDPLargest(t *testing.T) {
	s := newSink()
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4), listen(UDP, local4)}}, s)
	mapped := netip.AddrPortFrom(netip.AddrFrom16(l.Local(1).Addr().As16()), l.Local(1).Port())
	big := strings.Repeat("m", maxUDP)
	if err := l.Send(Flow{Net: UDP, Remote: mapped}, []byte(big)); err != nil {
		t.Fatal(err)
	}
	l.Flush()
	if f := s.wantMessage(t, big); f.Listener != 1 || f.Remote != l.Local(0) {
		t.Fatalf("flow %v", f)
	}
}

func TestUDPSendAllocatesNothing(t *testing.T) {
	if !reusesPort {
		t.Log("batched output only")
		return
	}
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4), listen(UDP, local6)}}, newSink())
	c4, err := net.ListenPacket("udp4", local4)
	if err != nil {
		t.Fatal(err)
	}
	defer c4.Close()
	c6, err := net.ListenPacket("udp6", local6)
	if err != nil {
		t.Fatal(err)
	}
	defer c6.Close()
	f4 := Flow{Net: UDP, Remote: addrOf(c4.LocalAddr())}
	f6 := Flow{Net: UDP, Listener: 1, Remote: addrOf(c6.LocalAddr())}
	b := []byte(message("a", 500))
	if n := testing.AllocsPerRun(50, func() {
		for range 10 {
			_ = l.Send(f4, b)
			_ = l.Send(f6, b)
		}
		l.Flush()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestPickAndAdvertised(t *testing.T) {
	advertised := listen(UDP, local4)
	advertised.Advertise = "gw.example.net:5060"
	l := start(t, Options{Listeners: []Listener{advertised, listen(UDP, local6), listen(TCP, "0.0.0.0:0")}}, newSink())
	for _, tc := range []struct {
		net      Network
		remote   string
		listener uint8
		ok       bool
	}{
		{UDP, "127.0.0.9", 0, true},
		{UDP, "192.0.2.1", 0, true},
		{UDP, "::ffff:127.0.0.9", 0, true},
		{UDP, "::1", 1, true},
		{TCP, "192.0.2.1", 2, true},
		{TCP, "::1", 0, false},
		{TLS, "127.0.0.1", 0, false},
	} {
		if i, ok := l.Pick(tc.net, netip.MustParseAddr(tc.remote)); i != tc.listener || ok != tc.ok {
			t.Errorf("Pick(%s, %s) = %d, %v", tc.net, tc.remote, i, ok)
		}
	}
	if got := l.Advertised(0); got != "gw.example.net:5060" {
		t.Errorf("Advertised(0) = %s", got)
	}
	if got, want := l.Advertised(1), fmt.Sprintf("[::1]:%d", l.Local(1).Port()); got != want {
		t.Errorf("Advertised(1) = %s, want %s", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, li := range map[string]Listener{
		"no network":    {Address: netip.MustParseAddrPort(local4)},
		"no address":    {Net: UDP},
		"TLS bare":      listen(TLS, local4),
		"not ours":      listen(UDP, "192.0.2.1:0"),
		"not ours, TCP": listen(TCP, "192.0.2.1:0"),
	} {
		if l, err := New(Options{Listeners: []Listener{listen(UDP, local4), li}}); err == nil {
			closeLayer(t, l)
			t.Errorf("%s: no error", name)
		}
	}
}

// Every message arrives, whether its socket is quiet, busy or about to change.
func TestUDPQuietAndBusy(t *testing.T) {
	s := newSink()
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4)}, Sockets: 1}, s)
	c := dial(t, "udp", l.Local(0))
	for i, pause := range []time.Duration{0, 0, time.Millisecond, 0, 0, 3 * time.Millisecond, 5 * time.Millisecond, 0, 2 * time.Millisecond, 0} {
		time.Sleep(pause)
		for j := range 40 {
			write(t, c, message(fmt.Sprint(i, ".", j), 10))
			if j%8 == i%8 {
				time.Sleep(time.Duration(j) * 10 * time.Microsecond)
			}
		}
		for j := range 40 {
			s.wantMessage(t, message(fmt.Sprint(i, ".", j), 10))
		}
	}
}
