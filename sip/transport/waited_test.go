package transport

import (
	"context"
	"crypto/tls"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// What lay in the socket before anybody read it has waited as long; a message that finds
// its reader idle has hardly waited.
func TestWaitedTellsHowLong(t *testing.T) {
	if runtime.GOOS != "linux" || !reusesPort {
		t.Log("this system does not tell when a datagram came")
		return
	}
	type told struct {
		socket int
		wait   time.Duration
	}
	waits := make(chan told, 1<<10)
	l, err := New(Options{
		Sockets:   1,
		Listeners: []Listener{{Net: UDP, Address: netip.MustParseAddrPort("127.0.0.1:0")}, {Net: UDP, Address: netip.MustParseAddrPort("127.0.0.1:0")}},
		Waited:    func(socket int, wait time.Duration, _ time.Time) { waits <- told{socket, wait} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(context.Background()) }()
	const lain = 100 * time.Millisecond
	out := dial(t, "udp", l.Local(1))
	if _, err := out.Write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	sent := time.Now()
	<-time.After(lain)
	s := newSink()
	l.Start(s)
	s.wantMessage(t, "one")
	got := <-waits
	if got.socket != 1 || got.wait < lain || got.wait > time.Since(sent)+time.Second {
		t.Errorf("told %v of socket %d", got.wait, got.socket)
	}
	for range 50 { // a loaded machine may need some
		if _, err := out.Write([]byte("two")); err != nil {
			t.Fatal(err)
		}
		s.wantMessage(t, "two")
		if got = <-waits; got.wait >= 0 && got.wait < lain {
			return
		}
	}
	t.Errorf("an idle reader is told %v", got.wait)
}

// What came by a connection while its reader was at work has waited as long.
func TestWaitedByStreams(t *testing.T) {
	if runtime.GOOS != "linux" || !reusesPort {
		t.Log("this system does not tell when it came")
		return
	}
	certificate, pool := testCertificate(t, "127.0.0.1")
	for _, network := range []Network{TCP, TLS} {
		t.Run(network.String(), func(t *testing.T) {
			type told struct {
				queue int
				wait  time.Duration
			}
			waits := make(chan told, 1<<10)
			s := newSink()
			const busy = 100 * time.Millisecond
			begun, more := make(chan struct{}), make(chan struct{})
			s.answer = func(b []byte, _ Flow) {
				if string(b) == message("one", 1) {
					close(begun)
					<-more
					time.Sleep(busy)
				}
			}
			l := start(t, Options{
				Listeners: []Listener{listen(UDP, local4), listen(network, local4)},
				TLS:       &tls.Config{Certificates: []tls.Certificate{certificate}},
				Sockets:   1,
				Waited:    func(queue int, wait time.Duration, _ time.Time) { waits <- told{queue, wait} },
			}, s)
			c := dial(t, "tcp", l.Local(1))
			if network == TLS {
				c = tls.Client(c, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
			}
			write(t, c, message("one", 1))
			<-begun
			write(t, c, message("two", 1))
			sent := time.Now()
			close(more)
			s.wantMessage(t, message("one", 1))
			f := s.wantMessage(t, message("two", 1))
			for i := range 4 { // of all streams, and of this one, each message
				got := <-waits
				if want := 1 + i%2*(1+int(f.Conn%streamQueues)); got.queue != want {
					t.Errorf("told of queue %d, want %d", got.queue, want)
				}
				if i >= 2 && (got.wait < busy || got.wait > time.Since(sent)+time.Second) {
					t.Errorf("told %v", got.wait)
				}
			}
		})
	}
}
