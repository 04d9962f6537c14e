package transport

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// stuck is what a reader does at the end of a round: nothing, or wait until it is freed.
type stuck struct {
	on    atomic.Bool
	in    atomic.Int32
	freed chan struct{}
}

func (s *stuck) afterRound() {
	if s.on.Load() {
		s.in.Add(1)
		<-s.freed
	}
}

// newStuck is a layer of one socket whose reader will be stuck after the first message.
func newStuck(t *testing.T) (*Layer, *stuck) {
	t.Helper()
	s := &stuck{freed: make(chan struct{})}
	s.on.Store(true)
	l, err := New(Options{Listeners: []Listener{listen(UDP, local4)}, Sockets: 1})
	if err != nil {
		t.Fatal(err)
	}
	l.Relieve() // before there is anybody
	l.AfterRound(s.afterRound)
	return l, s
}

func TestReaderThatIsAwayIsRelieved(t *testing.T) {
	h := newSink()
	l, s := newStuck(t)
	l.Start(h)
	defer closeLayer(t, l)
	c := dial(t, "udp", l.Local(0))
	write(t, c, "first")
	h.wantMessage(t, "first")
	eventually(t, "reader stuck", func() bool { return s.in.Load() == 1 })
	s.on.Store(false)
	write(t, c, "second")
	eventually(t, "another reads", func() bool {
		l.Relieve()
		return len(h.got) == 1
	})
	h.wantMessage(t, "second")
	// The first ends; the second stays.
	close(s.freed)
	write(t, c, "third")
	h.wantMessage(t, "third")
	time.Sleep(2 * reliefAfter)
	l.Relieve() // nobody is away: nobody is relieved
	write(t, c, "fourth")
	h.wantMessage(t, "fourth")
}

// What was sent by a reader in its last round leaves when it comes back.
func TestRelievedReaderSendsWhatItHas(t *testing.T) {
	h := newSink()
	l, s := newStuck(t)
	h.answer = func(b []byte, f Flow) {
		if err := l.Send(f, b); err != nil {
			t.Error(err)
		}
	}
	l.Start(h)
	defer closeLayer(t, l)
	c := dial(t, "udp", l.Local(0))
	write(t, c, "first")
	eventually(t, "reader stuck", func() bool { return s.in.Load() == 1 })
	s.on.Store(false)
	shift := l.sockets[0].shift.Load()
	eventually(t, "relieved", func() bool {
		l.Relieve()
		return l.sockets[0].shift.Load() != shift
	})
	close(s.freed)
	if got := readString(t, c, len("first")); got != "first" {
		t.Errorf("%q", got)
	}
}

func TestCloseDoesNotWaitForReaderThatIsAway(t *testing.T) {
	h := newSink()
	l, s := newStuck(t)
	l.Start(h)
	c := dial(t, "udp", l.Local(0))
	write(t, c, "first")
	eventually(t, "reader stuck", func() bool { return s.in.Load() == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	close(s.freed) // or goleak finds it
}
