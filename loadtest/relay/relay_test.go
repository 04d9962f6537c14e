package relay

import (
	"context"
	"net"
	"testing"
	"time"
)

// through sends n datagrams through a relay with f and back, and answers how many came
// back.
func through(t *testing.T, f Fault, n int) (int, *Relay) {
	t.Helper()
	echo, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := echo.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo(b[:n], from)
		}
	}()
	r, err := New("127.0.0.1:0", "127.0.0.1:0", echo.LocalAddr().String(), f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	c, err := net.Dial("udp", r.Near())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := 0
	b := make([]byte, 100)
	for range n {
		_, _ = c.Write([]byte("hello"))
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.Read(b); err == nil {
			got++
		}
	}
	cancel()
	<-done
	return got, r
}

func TestPlainRelayMovesAll(t *testing.T) {
	if got, r := through(t, Fault{}, 50); got != 50 || r.Moved.Load() != 100 {
		t.Errorf("%d of 50 came back, %d moved", got, r.Moved.Load())
	}
}

func TestLossyRelayLosesSome(t *testing.T) {
	got, r := through(t, Fault{Lose: 0.2, Repeat: 0.1, Reorder: 0.1, Reordered: time.Millisecond, Seed: 1}, 100)
	if got == 0 || got > 95 || r.Lost.Load() == 0 || r.Repeated.Load() == 0 || r.Held.Load() == 0 {
		t.Errorf("%d of 100 came back; lost %d, repeated %d, held %d", got, r.Lost.Load(), r.Repeated.Load(), r.Held.Load())
	}
}
