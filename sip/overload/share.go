package overload

import (
	"math"
	"sync/atomic"
)

const (
	// whole is the share of everything.
	whole = 1 << 16
	// least is the smallest share that neighbours are told to send.
	least = whole / 64
	// raise is by how much that grows at least in an interval in which nothing waited, else
	// by the part grows; it shrinks by the part shrinks when everything did. Both are slow:
	// what a call taken brings with it comes a while later.
	raise   = whole / 64
	grows   = 1. / 20
	shrinks = 1. / 7
)

// smooth is over how many intervals the share refused is told to people.
const smooth = 8

// share counts what is refused, and follows with the share that neighbours are told to
// keep back (RFC 7339): less in an interval in which nothing waited too long, and more
// with the part that did; but never more than others are refused, so that nobody is
// the worse for keeping calls back.
type share struct {
	asked, waited, refused atomic.Uint32 // of the interval: new work, what of it had waited too long, what was refused
	plain, plainRefused    atomic.Uint32 // of it, what is not refused last
	lately                 atomic.Uint32 // share refused, of whole, smoothed
	held                   atomic.Uint32 // to be kept back by neighbours, of whole
}

// note counts new work; plain: it is not of that refused last.
func (s *share) note(waited, refused, plain bool) {
	s.asked.Add(1)
	count := func(n *atomic.Uint32, yes bool) {
		if yes {
			n.Add(1)
		}
	}
	count(&s.waited, waited)
	count(&s.refused, refused)
	count(&s.plain, plain)
	count(&s.plainRefused, plain && refused)
}

// turn ends an interval, and those after it in which nothing was asked. Never called
// twice at a time.
func (s *share) turn(intervals int64) {
	asked := max(s.asked.Swap(0), 1)
	part := func(n *atomic.Uint32, of uint32) float64 { return min(float64(n.Swap(0))/float64(of), 1) }
	waited, refused := part(&s.waited, asked), part(&s.refused, asked)
	plain := s.plain.Swap(0)
	taken, lately := float64(whole-s.held.Load()), float64(s.lately.Load())
	for range min(intervals, whole/raise) {
		if waited > 0 {
			taken = max(taken*(1-waited*shrinks), least)
		} else {
			taken += max(taken*grows, raise)
		}
		if lately += (refused*whole - lately) / smooth; lately < whole/1000 {
			lately = 0
		}
		waited, refused = 0, 0
	}
	if others := part(&s.plainRefused, max(plain, 1)); plain > asked/8 {
		taken = max(taken, whole*(1-others))
	}
	s.held.Store(whole - uint32(math.Round(min(taken, whole))))
	s.lately.Store(uint32(lately))
}
