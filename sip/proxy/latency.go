package proxy

import (
	"sync/atomic"
	"time"
)

// waits is a histogram of how long calls waited for something.
type waits struct {
	counts [len(WaitBounds) + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// WaitBounds are the upper bounds of the classes of Waits; there is one more above.
var WaitBounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second,
}

func (w *waits) add(d time.Duration) {
	i := 0
	for i < len(WaitBounds) && d > WaitBounds[i] {
		i++
	}
	w.counts[i].Add(1)
	w.sum.Add(int64(d))
}

// Waits is a histogram: how many waited at most each of WaitBounds and more than the one
// before, the last those above all, and the sum of all.
type Waits struct {
	Counts [len(WaitBounds) + 1]uint64
	Sum    time.Duration
}

func (w *waits) read() (out Waits) {
	for i := range w.counts {
		out.Counts[i] = w.counts[i].Load()
	}
	out.Sum = time.Duration(w.sum.Load())
	return out
}
