package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

func streamLayer(t *testing.T, o Options) (*Layer, *sink) {
	t.Helper()
	s := newSink()
	o.Listeners = append(o.Listeners, listen(TCP, local4))
	return start(t, o, s), s
}

// isClosed reads to the end of the connection.
func isClosed(t *testing.T, c net.Conn) []byte {
	t.Helper()
	b, err := io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("connection stays open")
	}
	return b
}

func TestTCPBothFamilies(t *testing.T) {
	for _, address := range []string{local4, local6} {
		s := newSink()
		l := start(t, Options{Listeners: []Listener{listen(TCP, address)}}, s)
		c := dial(t, "tcp", l.Local(0))
		write(t, c, message("one", 3))
		f := s.wantMessage(t, message("one", 3))
		if f.Net != TCP || !f.Stream() || f.Conn == 0 || f.Remote != addrOf(c.LocalAddr()) {
			t.Fatalf("flow %v", f)
		}
		for _, b := range []string{"first", "second"} {
			if err := l.Send(f, []byte(b)); err != nil {
				t.Fatal(err)
			}
		}
		if got := readString(t, c, 11); got != "firstsecond" {
			t.Fatalf("got %q", got)
		}
	}
}

// Messages cut at every byte arrive as they are, in order.
func TestTCPSplits(t *testing.T) {
	l, s := streamLayer(t, Options{})
	a, b := message("a", 7), message("b", 0)
	in := "\r\n" + a + b
	c := dial(t, "tcp", l.Local(0))
	for split := range len(in) {
		write(t, c, in[:split])
		write(t, c, in[split:])
		s.wantMessage(t, a)
		s.wantMessage(t, b)
	}
	for i := range len(in) {
		write(t, c, in[i:i+1])
	}
	s.wantMessage(t, a)
	s.wantMessage(t, b)
}

// Pipelined messages of all sizes, far beyond one read buffer.
func TestTCPPipelined(t *testing.T) {
	l, s := streamLayer(t, Options{MaxMessage: 40000})
	var all bytes.Buffer
	sizes := []int{0, 10, 1000, 8000, 39000, 3, 20000, 39900, 0}
	for i, n := range sizes {
		all.WriteString(message(fmt.Sprint(i), n))
	}
	c := dial(t, "tcp", l.Local(0))
	write(t, c, strings.Repeat(all.String(), 3))
	for range 3 {
		for i, n := range sizes {
			s.wantMessage(t, message(fmt.Sprint(i), n))
		}
	}
	if got := l.Stats(); got.Received != uint64(3*len(sizes)) || got.Conns != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestTCPKeepAlive(t *testing.T) {
	l, s := streamLayer(t, Options{})
	c := dial(t, "tcp", l.Local(0))
	for _, piece := range []string{"\r\n\r\n", "\r\n", "\r\n", "\r", "\n", "\r", "\n"} {
		write(t, c, piece)
	}
	write(t, c, message("a", 1))
	s.wantMessage(t, message("a", 1))
	write(t, c, "\r\n"+message("b", 1)) // a single CRLF is no ping
	s.wantMessage(t, message("b", 1))
	for range 3 {
		s.wantDiscard(t, DiscardEmpty)
	}
	if len(s.discarded) != 0 {
		t.Fatal("more pings than sent")
	}
	if got := readString(t, c, 6); got != "\r\n\r\n\r\n" {
		t.Fatalf("got %q", got)
	}
}

// Without Content-Length the message can be answered; then the connection ends.
func TestTCPNoContentLength(t *testing.T) {
	s := newSink()
	var l *Layer
	s.answer = func(b []byte, f Flow) {
		if err := l.Send(f, []byte("SIP/2.0 400 Bad Request\r\n\r\n")); err != nil {
			t.Error(err)
		}
	}
	l, err := New(Options{Listeners: []Listener{listen(TCP, local4)}})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(s)
	defer closeLayer(t, l)
	c := dial(t, "tcp", l.Local(0))
	write(t, c, "INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\n"+strings.Repeat("body", 1000))
	s.wantMessage(t, "INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\n")
	s.wantDiscard(t, DiscardFraming)
	if got := isClosed(t, c); string(got) != "SIP/2.0 400 Bad Request\r\n\r\n" {
		t.Fatalf("got %q", got)
	}
}

// Hostile input ends its connection and nothing else.
func TestTCPHostile(t *testing.T) {
	const start = "INVITE sip:a SIP/2.0\r\n"
	l, s := streamLayer(t, Options{MaxMessage: 2000, Slow: 200 * time.Millisecond})
	bystander := dial(t, "tcp", l.Local(0))
	for _, tc := range []struct {
		name, in string
		want     Discard
	}{
		{"huge length", start + "Content-Length: 100000000000000000000\r\n\r\n", DiscardTooLarge},
		{"length above limit", start + "Content-Length: 2000\r\n\r\n", DiscardTooLarge},
		{"negative", start + "Content-Length: -5\r\n\r\n", DiscardFraming},
		{"garbage length", start + "Content-Length: many\r\n\r\n", DiscardFraming},
		{"two lengths", start + "l: 1\r\nContent-Length: 20\r\n\r\n", DiscardFraming},
		{"endless header", start + strings.Repeat("X: y\r\n", 1000), DiscardTooLarge},
		{"endless line", strings.Repeat("x", 5000), DiscardTooLarge},
		{"garbage", strings.Repeat("\x00\xff\r\n", 600), DiscardTooLarge},
		{"TLS to TCP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", DiscardSlow},
		{"unfinished header", start + "Via: ", DiscardSlow},
		{"unfinished body", start + "l: 100\r\n\r\nbody", DiscardSlow},
	} {
		c := dial(t, "tcp", l.Local(0))
		write(t, c, tc.in)
		if a := next(t, s.discarded); a.why != tc.want || a.f.Remote != addrOf(c.LocalAddr()) {
			t.Errorf("%s: discarded for %s, want %s", tc.name, a.why, tc.want)
		}
		if got := isClosed(t, c); len(got) != 0 {
			t.Errorf("%s: answered %q", tc.name, got)
		}
		write(t, bystander, message("bystander", 4))
		s.wantMessage(t, message("bystander", 4))
	}
}

// A sender that trickles is cut off however it spreads its bytes.
func TestTCPTrickle(t *testing.T) {
	l, s := streamLayer(t, Options{Slow: 100 * time.Millisecond})
	c := dial(t, "tcp", l.Local(0))
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := c.Write([]byte("X")); err != nil {
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	s.wantDiscard(t, DiscardSlow)
	close(stop)
	<-done
}

func TestTCPIdle(t *testing.T) {
	l, s := streamLayer(t, Options{Idle: time.Second})
	c := dial(t, "tcp", l.Local(0))
	write(t, c, message("a", 1))
	s.wantMessage(t, message("a", 1))
	if got := isClosed(t, c); len(got) != 0 || len(s.discarded) != 0 {
		t.Fatalf("got %q, %d discards", got, len(s.discarded))
	}
	eventually(t, "no connection", func() bool { return l.Stats().Conns == 0 })
}

// A peer that has stopped sending still gets its response.
func TestTCPHalfClosed(t *testing.T) {
	l, s := streamLayer(t, Options{})
	c := dial(t, "tcp", l.Local(0)).(*net.TCPConn)
	write(t, c, message("a", 1))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	f := s.wantMessage(t, message("a", 1))
	if err := l.Send(f, []byte("response")); err != nil {
		t.Fatal(err)
	}
	if got := readString(t, c, 8); got != "response" {
		t.Fatalf("got %q", got)
	}
}

func TestTCPEndWithinMessage(t *testing.T) {
	l, s := streamLayer(t, Options{})
	c := dial(t, "tcp", l.Local(0)).(*net.TCPConn)
	write(t, c, message("a", 10)[:60])
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	s.wantDiscard(t, DiscardFraming)
	isClosed(t, c)
}

// Requests use the connection that is there, whoever has made it.
func TestTCPReuse(t *testing.T) {
	a, as := streamLayer(t, Options{})
	b, bs := streamLayer(t, Options{})
	to := Flow{Net: TCP, Remote: b.Local(0)}
	for i := range 50 {
		if err := a.Send(to, []byte(message(fmt.Sprint(i), i))); err != nil {
			t.Fatal(err)
		}
	}
	var f Flow
	for i := range 50 {
		f = bs.wantMessage(t, message(fmt.Sprint(i), i))
	}
	response, request := f, f
	request.Conn = 0
	for _, back := range []Flow{response, request} {
		if err := b.Send(back, []byte(message("back", 1))); err != nil {
			t.Fatal(err)
		}
		if f := as.wantMessage(t, message("back", 1)); f.Remote != b.Local(0) {
			t.Fatalf("flow %v", f)
		}
	}
	if a.Stats().Conns != 1 || b.Stats().Conns != 1 {
		t.Fatalf("%d and %d connections", a.Stats().Conns, b.Stats().Conns)
	}
	if a.Alias(f, b.Local(0)) || b.Alias(response, a.Local(0)) {
		t.Fatal("alias over TCP")
	}
}

// When the connection is gone the response goes to the address over a new one.
func TestTCPResponseOnNewConnection(t *testing.T) {
	l, s := streamLayer(t, Options{})
	ln, err := net.Listen("tcp4", local4)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := l.Send(Flow{Net: TCP, Conn: 77, Remote: addrOf(ln.Addr())}, []byte("response")); err != nil {
		t.Fatal(err)
	}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := readString(t, c, 8); got != "response" {
		t.Fatalf("got %q", got)
	}
	write(t, c, message("x", 1))
	if f := s.wantMessage(t, message("x", 1)); f.Remote != addrOf(ln.Addr()) {
		t.Fatalf("flow %v", f)
	}
}

// A refused connection fails every message that waited for it, with the flow it had.
func TestTCPRefused(t *testing.T) {
	l, s := streamLayer(t, Options{})
	ln, err := net.Listen("tcp4", local4)
	if err != nil {
		t.Fatal(err)
	}
	f := Flow{Net: TCP, Remote: addrOf(ln.Addr())}
	ln.Close()
	for i := range 3 {
		if err := l.Send(f, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		a := next(t, s.failed)
		if a.b != fmt.Sprint(i) || a.f != f || !errors.Is(a.err, syscall.ECONNREFUSED) {
			t.Fatalf("failed %q to %v: %v", a.b, a.f, a.err)
		}
	}
	eventually(t, "no connection", func() bool { return l.Stats().Conns == 0 })
}

// A receiver that takes nothing is cut off; its messages fail, nobody waits.
func TestTCPSlowReceiver(t *testing.T) {
	l, s := streamLayer(t, Options{})
	c := dial(t, "tcp", l.Local(0))
	write(t, c, message("a", 1))
	f := s.wantMessage(t, message("a", 1))
	b := bytes.Repeat([]byte("r"), 64<<10)
	sent := 0
	for ; sent < 1000; sent++ {
		if err := l.Send(f, b); err != nil {
			if !errors.Is(err, ErrSlowReceiver) {
				t.Fatal(err)
			}
			break
		}
	}
	if sent == 1000 {
		t.Fatal("never cut off")
	}
	if a := next(t, s.failed); a.f != f || len(a.b) != len(b) {
		t.Fatalf("failed %d bytes to %v", len(a.b), a.f)
	}
}

// A write that makes no progress for Slow ends the connection.
func TestTCPWriteDeadline(t *testing.T) {
	l, s := streamLayer(t, Options{Slow: 100 * time.Millisecond})
	c := dial(t, "tcp", l.Local(0))
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	write(t, c, message("a", 1))
	f := s.wantMessage(t, message("a", 1))
	big := bytes.Repeat([]byte("r"), outboxBytes)
	for {
		if err := l.Send(f, big); err != nil {
			if !errors.Is(err, ErrSlowReceiver) {
				t.Fatal(err)
			}
			break
		}
		if len(s.failed) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	next(t, s.failed)
	eventually(t, "no connection", func() bool { return l.Stats().Conns == 0 })
}

// At the limit a connection that never carried a message makes room; those in use stay.
func TestTCPMaxConns(t *testing.T) {
	l, s := streamLayer(t, Options{MaxConns: 3})
	useful := dial(t, "tcp", l.Local(0))
	write(t, useful, message("useful", 1))
	s.wantMessage(t, message("useful", 1))
	idle := dial(t, "tcp", l.Local(0))
	busy := dial(t, "tcp", l.Local(0))
	write(t, busy, message("busy", 1))
	s.wantMessage(t, message("busy", 1))
	eventually(t, "three connections", func() bool { return l.Stats().Conns == 3 })

	age(l, 0)
	refused := dial(t, "tcp", l.Local(0))
	s.wantDiscard(t, DiscardLimit)
	isClosed(t, refused)
	if err := l.Send(Flow{Net: TCP, Remote: l.Local(0)}, []byte("x")); !errors.Is(err, ErrTooManyConns) {
		t.Fatalf("dialling at the limit: %v", err)
	}

	age(l, 2*evictAfter)
	fresh := dial(t, "tcp", l.Local(0))
	write(t, fresh, message("fresh", 1))
	s.wantMessage(t, message("fresh", 1))
	isClosed(t, idle)
	for _, c := range []net.Conn{useful, busy} {
		write(t, c, message("still", 1))
		s.wantMessage(t, message("still", 1))
	}
}

// age makes every connection look unused for so long; 0: for a good while to come not.
func age(l *Layer, unused time.Duration) {
	s := l.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noVictim = time.Time{}
	last := time.Now().Add(-unused)
	if unused == 0 {
		last = last.Add(time.Hour)
	}
	for _, c := range s.conns {
		c.active.Store(last.UnixNano())
	}
}

// Close with traffic on every transport ends; what was queued before is written.
func TestCloseWithTraffic(t *testing.T) {
	s := newSink()
	l, err := New(Options{Listeners: []Listener{listen(UDP, local4), listen(TCP, local4)}, Sockets: 2})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(s)
	stop := make(chan struct{})
	done := make(chan struct{}, 8)
	for i := range cap(done) {
		c := dial(t, []string{"udp", "tcp"}[i%2], l.Local(uint8(i%2)))
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, _ = c.Write([]byte(message("traffic", 100)))
				_ = l.Send(Flow{Net: UDP, Remote: l.Local(0)}, []byte("udp"))
				_ = l.Send(Flow{Net: TCP, Listener: 1, Remote: l.Local(1)}, []byte(message("tcp", 1)))
				time.Sleep(100 * time.Microsecond)
			}
		}()
	}
	for range 500 {
		next(t, s.got)
	}
	closeLayer(t, l)
	close(stop)
	for range cap(done) {
		<-done
	}
	if n := l.Stats().Conns; n != 0 {
		t.Fatalf("%d connections left", n)
	}
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	l, s := streamLayer(t, Options{})
	c := dial(t, "tcp", l.Local(0))
	write(t, c, message("a", 1))
	f := s.wantMessage(t, message("a", 1))
	want := strings.Repeat("last words ", 1000)
	if err := l.Send(f, []byte(want)); err != nil {
		t.Fatal(err)
	}
	closeLayer(t, l)
	if got := isClosed(t, c); string(got) != want {
		t.Fatalf("got %d bytes, want %d", len(got), len(want))
	}
}
