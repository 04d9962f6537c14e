package overload

import (
	"cmp"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Controller; zero values mean the defaults in brackets.
type Options struct {
	// Target is the shortest wait in an interval that is still none. Bursts wait longer
	// and do no harm, as long as some message of the interval did not. [20 ms: a
	// twenty-fifth of the time after which phones send their request again]
	Target time.Duration
	// Interval is how long the wait must stay above Target, and how often the share is
	// changed. [100 ms]
	Interval time.Duration
}

func (o Options) withDefaults() Options {
	o.Target = cmp.Or(max(o.Target, 0), 20*time.Millisecond)
	o.Interval = cmp.Or(max(o.Interval, 0), 100*time.Millisecond)
	return o
}

const (
	// whole is the share of everything.
	whole = 1 << 16
	// least is the smallest share that is taken: the way back begins with it.
	least = whole / 64
	// raise is by how much what is taken grows at least in an interval without a wait.
	raise = whole / 64
	// calm is the fraction of Target under which more is taken again. Between it and
	// Target the share stays as it is, so that it does not swing.
	calm = 2
)

// lanes is how many queues are told apart; more share one.
const lanes = 64

// Controller keeps the share of new work that is refused. Safe for concurrent use.
type Controller struct {
	o       Options
	refused atomic.Uint32 // share refused, of whole; all that the call path reads
	until   atomic.Int64  // nanoseconds: the interval ends
	worst   atomic.Int64  // of the last interval, for people: nanoseconds

	mu    sync.Mutex
	waits [lanes]int64 // shortest of the interval, by queue; -1: none seen
}

// New makes a controller that refuses nothing.
func New(o Options) *Controller {
	c := &Controller{o: o.withDefaults()}
	c.forget()
	return c
}

// Waited notes that the oldest message of a queue had waited for a time when it was taken,
// now. To be called for every batch taken.
func (c *Controller) Waited(queue int, wait time.Duration, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait = max(wait, 0)
	c.turn(now, wait)
	if w := &c.waits[uint(queue)%lanes]; *w < 0 || int64(wait) < *w {
		*w = int64(wait) // of the interval that is not over: alone it tells nothing
	}
}

// turn ends the interval when its time has come. What it ends for came a wait ago. mu held.
func (c *Controller) turn(now time.Time, wait time.Duration) {
	at, until := now.UnixNano(), c.until.Load()
	switch {
	case until == 0:
		c.until.Store(at + int64(c.o.Interval))
		return
	case at < until && until-at <= 2*int64(c.o.Interval): // farther off, the clock was set back
		return
	}
	c.judge(c.longest())
	for range min((at-int64(wait)-until)/int64(c.o.Interval), whole/raise) { // in which nothing came: without a wait
		c.judge(0)
	}
	c.forget()
	c.until.Store(at + int64(c.o.Interval))
}

// longest is the worst queue's shortest wait.
func (c *Controller) longest() (wait time.Duration) {
	for _, w := range c.waits {
		wait = max(wait, time.Duration(w))
	}
	return wait
}

func (c *Controller) forget() {
	for i := range c.waits {
		c.waits[i] = -1
	}
}

// judge changes the share after an interval: what is taken shrinks by a twentieth to a half,
// with the wait, and grows by a tenth.
func (c *Controller) judge(wait time.Duration) {
	taken := float64(whole - c.refused.Load())
	switch {
	case wait > c.o.Target:
		over := float64(wait-c.o.Target) / float64(c.o.Target)
		taken *= 1 - min(max(over/8, 0.05), 0.5)
	case wait <= c.o.Target/calm:
		taken += max(taken/10, raise)
	}
	c.worst.Store(int64(wait))
	c.refused.Store(whole - uint32(math.Round(min(max(taken, least), whole))))
}

// Refusing tells whether anything was refused when an interval last ended. One atomic load.
func (c *Controller) Refusing() bool { return c.refused.Load() != 0 }

// Active tells whether anything is refused now: when nothing is told any more, nothing waits.
func (c *Controller) Active(now time.Time) bool {
	if c.refused.Load() == 0 {
		return false
	}
	if left := c.until.Load() - now.UnixNano(); (left <= 0 || left > 2*int64(c.o.Interval)) && c.mu.TryLock() {
		c.turn(now, 0)
		c.mu.Unlock()
	}
	return c.refused.Load() != 0
}

// Refuses tells whether the work that a key names is in the share refused: the same key
// gets the same answer while the share does not change. The key is to be spread evenly.
func (c *Controller) Refuses(key uint64) bool {
	return uint32(key>>48) < c.refused.Load()
}

// RefusesLast is Refuses for work that is to be refused after all other: only when less
// than a quarter of that is taken, and then the smaller share.
func (c *Controller) RefusesLast(key uint64) bool {
	const late = whole * 3 / 4
	refused := c.refused.Load()
	return refused > late && uint32(key>>48)/4 < refused-late
}

// State is what a controller does now.
type State struct {
	Refused float64       // share of new work, 0 to 1
	Wait    time.Duration // shortest wait in the last interval, of the worst queue
}

// State reads it.
func (c *Controller) State(now time.Time) State {
	c.mu.Lock()
	c.turn(now, 0)
	c.mu.Unlock()
	return State{Refused: float64(c.refused.Load()) / whole, Wait: time.Duration(c.worst.Load())}
}
