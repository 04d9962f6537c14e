package overload

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Controller; zero values mean the defaults in brackets.
type Options struct {
	// Target is the wait that is still none: while a queue stands, what has waited longer
	// is refused. [20 ms: a twenty-fifth of the time after which phones send their request
	// again]
	Target time.Duration
	// Interval is how long a queue must have waits above Target, and never have been
	// empty, before it stands. [100 ms]
	Interval time.Duration
}

func (o Options) withDefaults() Options {
	o.Target = cmp.Or(max(o.Target, 0), 20*time.Millisecond)
	o.Interval = cmp.Or(max(o.Interval, 0), 100*time.Millisecond)
	return o
}

const (
	// horizon is within how many intervals a queue that becomes shorter must be short, at
	// the pace at which it does, to be left alone: it is what a held-up reader leaves
	// behind, and the load is below what can be served.
	horizon = 30
	// calm is for how many intervals nothing may wait above Target before queues count as
	// short again.
	calm = 10
	// last is at how many times Target those are refused that are to be refused last.
	last = 4
	// always is the part of new work that is taken whatever waits: when refusing alone takes
	// all the time there is, somebody is served all the same.
	always = whole / 32
	// lanes is how many queues are told apart; more share one.
	lanes = 64
)

// Controller tells which new work to refuse. Safe for concurrent use.
type Controller struct {
	o        Options
	standing atomic.Bool  // all that the call path reads when it is not
	longest  atomic.Int64 // nanoseconds: the last wait told, of the worst queue
	told     atomic.Int64 // unix nanoseconds: when
	above    atomic.Int64 // unix nanoseconds: when one above Target was told last

	share share

	mu    sync.Mutex
	until int64 // unix nanoseconds: the interval ends
	worst int64 // of the last interval: nanoseconds
	lanes [lanes]lane
	used  int // lanes told of
}

// New makes a controller that refuses nothing.
func New(o Options) *Controller { return &Controller{o: o.withDefaults()} }

// Waited notes that the oldest message of a queue had waited for a time when it was taken,
// now. To be called for every batch taken, before it is worked on.
func (c *Controller) Waited(queue int, wait time.Duration, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, n := now.UnixNano(), int(uint(queue)%lanes)
	c.turn(at)
	c.used = max(c.used, n+1)
	l := &c.lanes[n]
	if l.stands(max(int64(wait), 0), at, &c.o) {
		c.standing.Store(true)
	}
	if l.stood > int64(c.o.Target) {
		c.above.Store(at)
	}
	c.told.Store(at)
	c.longest.Store(c.lately(at))
}

// lately is the worst of the queues' last waits that are not too old. mu held.
func (c *Controller) lately(at int64) (wait int64) {
	for i := range c.lanes[:c.used] {
		if l := &c.lanes[i]; within(at-l.at, c.o.Interval) {
			wait = max(wait, l.stood)
		}
	}
	return wait
}

// within tells whether an age is below a limit; a negative one is of before the clock was
// set back.
func within(age int64, limit time.Duration) bool { return age >= 0 && age < int64(limit) }

// turn ends the interval when its time has come. mu held.
func (c *Controller) turn(at int64) {
	interval := int64(c.o.Interval)
	if left := c.until - at; left > 0 && left <= interval {
		return
	}
	passed := 1 + max(at-c.until, 0)/interval
	c.worst = -1
	for i := range c.lanes[:c.used] {
		c.worst = max(c.worst, c.lanes[i].forget())
	}
	c.share.turn(passed)
	c.until = at + interval
	if !within(at-c.above.Load(), calm*c.o.Interval) {
		c.standing.Store(false)
	}
}

// Refusing tells whether a queue stood when that was last looked at. One atomic load.
func (c *Controller) Refusing() bool { return c.standing.Load() }

// Active tells whether a queue stands now: when nothing is told any more, nothing waits.
func (c *Controller) Active(now time.Time) bool {
	if !c.standing.Load() {
		return false
	}
	if !within(now.UnixNano()-c.above.Load(), calm*c.o.Interval) {
		c.standing.Store(false)
	}
	return c.standing.Load()
}

// Refuses tells whether new work that is begun now is to be refused: a queue stands, and
// its messages have waited too long. key names the work, and is to be spread evenly.
func (c *Controller) Refuses(key uint64, now time.Time) bool {
	waited := c.wait(now) > c.o.Target
	refused := waited && uint32(key>>48) >= always
	c.share.note(waited, refused, true)
	return refused
}

// RefusesLast is Refuses for work that is to be refused after all other.
func (c *Controller) RefusesLast(key uint64, now time.Time) bool {
	wait := c.wait(now)
	refused := wait > last*c.o.Target && uint32(key>>48) >= always
	c.share.note(wait > c.o.Target, refused, false)
	return refused
}

// wait is how long what is worked on now has waited in a queue that stands.
func (c *Controller) wait(now time.Time) time.Duration {
	if !c.Active(now) || !within(now.UnixNano()-c.told.Load(), c.o.Interval) {
		return 0
	}
	return time.Duration(c.longest.Load())
}

// State is what a controller does now.
type State struct {
	Standing bool          // a queue stands: what has waited too long is refused
	Refused  float64       // share of new work refused lately, 0 to 1
	Wait     time.Duration // shortest wait in the last interval, of the worst queue
}

// State reads it.
func (c *Controller) State(now time.Time) State {
	c.mu.Lock()
	c.turn(now.UnixNano())
	worst := time.Duration(max(c.worst, 0))
	c.mu.Unlock()
	return State{Standing: c.Active(now), Refused: float64(c.share.lately.Load()) / whole, Wait: worst}
}
