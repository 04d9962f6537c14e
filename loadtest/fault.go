package loadtest

import (
	"math/rand/v2"
	"time"
)

// fault is what an endpoint does to datagrams both ways, as a lossy relay on each of
// the element's sides would.
type fault struct {
	lose, reorder float64
	by            time.Duration // what is reordered is held back by up to this
	random        *rand.Rand
	held          []heldBack
	Lost, Held    int64
}

// heldBack is a datagram that waits for others to overtake it.
type heldBack struct {
	due  int64 // Unix ns
	b    []byte
	to   dest
	sent bool
}

// drops tells whether the next datagram is lost.
func (f *fault) drops() bool {
	if f == nil || f.lose <= 0 || f.random.Float64() >= f.lose {
		return false
	}
	f.Lost++
	return true
}

// holds takes a datagram back for a while; it answers false when that one may go.
func (f *fault) holds(b []byte, to dest, sent bool, now int64) bool {
	if f == nil || f.reorder <= 0 || f.random.Float64() >= f.reorder {
		return false
	}
	f.Held++
	f.held = append(f.held, heldBack{now + f.random.Int64N(int64(max(f.by, 1))), append([]byte(nil), b...), to, sent})
	return true
}

// release lets go what has waited long enough.
func (ep *endpoint) release(now int64) {
	f := ep.fault
	if f == nil || len(f.held) == 0 {
		return
	}
	kept := f.held[:0]
	var free []heldBack
	for _, h := range f.held {
		if h.due <= now {
			free = append(free, h)
		} else {
			kept = append(kept, h)
		}
	}
	f.held = kept
	for _, h := range free {
		if h.sent {
			ep.udp.end(append(ep.udp.begin(), h.b...), h.to.addr, nil)
		} else {
			ep.handle(h.b, h.to, now)
		}
	}
}
