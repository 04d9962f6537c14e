package transport

import (
	"context"
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
