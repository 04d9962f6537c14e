package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second // never part of an assertion

type arrived struct {
	b   string
	f   Flow
	why Discard
	err error
}

// sink is a Handler that keeps what it is told.
type sink struct {
	got, discarded, failed chan arrived
	answer                 func(b []byte, f Flow)
}

func newSink() *sink {
	return &sink{got: make(chan arrived, 1<<16), discarded: make(chan arrived, 1<<16), failed: make(chan arrived, 1<<16)}
}

func (s *sink) Receive(b []byte, f Flow) {
	if s.answer != nil {
		s.answer(b, f)
	}
	s.got <- arrived{b: string(b), f: f}
}

func (s *sink) Discarded(f Flow, why Discard) { s.discarded <- arrived{f: f, why: why} }

func (s *sink) SendFailed(f Flow, b []byte, err error) {
	s.failed <- arrived{b: string(b), f: f, err: err}
}

func next(t *testing.T, c chan arrived) arrived {
	t.Helper()
	select {
	case a := <-c:
		return a
	case <-time.After(patience):
		t.Fatal("nothing came")
		return arrived{}
	}
}

func (s *sink) wantMessage(t *testing.T, want string) Flow {
	t.Helper()
	a := next(t, s.got)
	if a.b != want {
		t.Fatalf("got %q, want %q", a.b, want)
	}
	return a.f
}

func (s *sink) wantDiscard(t *testing.T, want Discard) Flow {
	t.Helper()
	a := next(t, s.discarded)
	if a.why != want {
		t.Fatalf("discarded for %s, want %s", a.why, want)
	}
	return a.f
}

// eventually waits for a state that comes without telling.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

const (
	local4 = "127.0.0.1:0"
	local6 = "[::1]:0"
)

func listen(n Network, address string) Listener {
	return Listener{Net: n, Address: netip.MustParseAddrPort(address)}
}

// start brings a layer up with a sink and closes it at the end of the test.
func start(t testing.TB, o Options, h Handler) *Layer {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.Start(h)
	t.Cleanup(func() { closeLayer(t, l) })
	return l
}

func closeLayer(t testing.TB, l *Layer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func dial(t testing.TB, network string, to netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.Dial(network, to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func write(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func readString(t testing.TB, c net.Conn, n int) string {
	t.Helper()
	b := make([]byte, n)
	for i := 0; i < n; {
		m, err := c.Read(b[i:])
		if err != nil {
			t.Fatalf("after %q: %v", b[:i], err)
		}
		i += m
	}
	return string(b)
}

func addrOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmapped(a.AddrPort())
	case *net.TCPAddr:
		return unmapped(a.AddrPort())
	}
	return netip.AddrPort{}
}

// message is a small SIP message with a body of n bytes.
func message(name string, n int) string {
	return fmt.Sprintf("MESSAGE sip:%s SIP/2.0\r\nCall-ID: %s\r\nContent-Length: %d\r\n\r\n%s", name, name, n, strings.Repeat("b", n))
}
