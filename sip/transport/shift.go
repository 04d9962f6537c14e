package transport

import (
	"sync/atomic"
	"time"
)

// reliefAfter is how long a reader may be away before another takes its place.
const reliefAfter = 5 * time.Millisecond

// shift is the time of one goroutine as the reader of a socket. What it does at the end of
// a round (Layer.AfterRound) may wait for a disk; messages must not. So whoever calls
// Relieve puts another reader in the place of one that has been away for too long, and the
// old one ends when it comes back.
type shift struct {
	away atomic.Int64 // since when, ns after epoch; 0: at work; or relieved
}

const relieved = -1

var epoch = time.Now()

// step runs f while the reader counts as away; false: another has taken its place.
func (sh *shift) step(f func()) bool {
	if f == nil {
		return true
	}
	since := int64(time.Since(epoch))
	sh.away.Store(since)
	f()
	return sh.away.CompareAndSwap(since, 0)
}

// relieve ends the shift of a reader that has been away for d; false: it has not.
func (sh *shift) relieve(d time.Duration) bool {
	since := sh.away.Load()
	return since > 0 && int64(time.Since(epoch))-since >= int64(d) && sh.away.CompareAndSwap(since, relieved)
}

// begin starts a reader. It counts for the layer until the socket is closed, or has its
// successor count instead.
func (s *udpSocket) begin() {
	sh := new(shift)
	s.shift.Store(sh)
	go s.read(sh)
}

// Relieve sees to it that sockets are read whose reader is away at the end of a round.
// Call it every some milliseconds. It costs next to nothing.
func (l *Layer) Relieve() {
	for _, s := range l.sockets {
		if sh := s.shift.Load(); sh != nil && sh.relieve(reliefAfter) {
			s.begin()
		}
	}
}

// dismiss waits no longer for readers that are away.
func (l *Layer) dismiss() {
	for _, s := range l.sockets {
		if sh := s.shift.Load(); sh != nil && sh.relieve(0) {
			l.wg.Done()
		}
	}
}
