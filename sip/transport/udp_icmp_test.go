//go:build linux && !portable

package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// silentPort is a port nobody listens on.
func silentPort(t *testing.T, address string) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return addrOf(c.LocalAddr())
}

// ICMP port unreachable comes back with the message it is about.
func TestUDPRefused(t *testing.T) {
	for _, address := range []string{local4, local6} {
		t.Run(address, func(t *testing.T) {
			s := newSink()
			l := start(t, Options{Listeners: []Listener{listen(UDP, address)}, Sockets: 3}, s)
			f := Flow{Net: UDP, Remote: silentPort(t, address)}
			for i := range 20 {
				want := message(fmt.Sprint(i), 10)
				if err := l.Send(f, []byte(want)); err != nil {
					t.Fatal(err)
				}
				l.Flush()
				a := next(t, s.failed)
				if a.b != want || a.f != f || !errors.Is(a.err, syscall.ECONNREFUSED) {
					t.Fatalf("failed %q to %v: %v", a.b, a.f, a.err)
				}
			}
			if err := l.Send(f, []byte(strings.Repeat("z", 3000))); err != nil {
				t.Fatal(err)
			}
			l.Flush()
			if a := next(t, s.failed); len(a.b) < 100 || strings.Trim(a.b, "z") != "" {
				t.Fatalf("failed %q", a.b)
			}
		})
	}
}

// A peer that refuses costs its neighbours nothing: every message to them arrives.
func TestUDPRefusedBesideOthers(t *testing.T) {
	const n = 600
	s := newSink()
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4), listen(UDP, local4)}, Sockets: 1}, s)
	dead := silentPort(t, local4)
	for i := range n {
		_ = l.Send(Flow{Net: UDP, Remote: dead}, []byte("to nobody"))
		_ = l.Send(Flow{Net: UDP, Remote: l.Local(1)}, fmt.Append(nil, i))
		if i%7 == 0 {
			l.Flush()
		}
	}
	l.Flush()
	for i := range n {
		s.wantMessage(t, fmt.Sprint(i))
	}
	if a := next(t, s.failed); a.f.Remote != dead || a.b != "to nobody" {
		t.Fatalf("failed %q to %v", a.b, a.f.Remote)
	}
}

// What the system will not send at all is reported too.
func TestUDPUnsendable(t *testing.T) {
	s := newSink()
	l := start(t, Options{Listeners: []Listener{listen(UDP, local4)}, Sockets: 1}, s)
	f := Flow{Net: UDP, Remote: netip.MustParseAddrPort("127.0.0.1:0")}
	good := dial(t, "udp", l.Local(0))
	_ = l.Send(f, []byte("bad"))
	_ = l.Send(Flow{Net: UDP, Remote: addrOf(good.LocalAddr())}, []byte("good"))
	l.Flush()
	if a := next(t, s.failed); a.b != "bad" || a.f != f || a.err == nil {
		t.Fatalf("failed %q to %v: %v", a.b, a.f, a.err)
	}
	if got := readString(t, good, 4); got != "good" {
		t.Fatalf("got %q", got)
	}
}
