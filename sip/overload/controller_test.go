package overload

import (
	"math/rand/v2"
	"testing"
	"time"
)

const (
	ms      = time.Millisecond
	anybody = 1 << 63 // a key that is not among those taken whatever waits
)

// clock is virtual time that feeds a controller.
type clock struct {
	c   *Controller
	now time.Time
}

func newClock() *clock {
	return &clock{New(Options{Target: 20 * ms, Interval: 100 * ms}), time.Unix(1_000_000, 0)}
}

// run lets every queue tell its wait every 5 ms for a time, and asks for new work each
// time: whether any was refused.
func (k *clock) run(d time.Duration, waits ...time.Duration) (refused bool) {
	for end := k.now.Add(d); k.now.Before(end); k.now = k.now.Add(5 * ms) {
		for queue, w := range waits {
			k.c.Waited(queue, w, k.now)
		}
		if k.c.Refuses(anybody, k.now) {
			refused = true
		}
	}
	return refused
}

func TestNothingIsRefusedWhileQueuesBecomeShort(t *testing.T) {
	k := newClock()
	for range 100 { // a burst a tenth of a second, each worked off
		if k.run(50*ms, 300*ms) || k.run(50*ms, 1*ms) {
			t.Fatal("refused for a burst")
		}
	}
	if newClock().run(10*time.Second, 19*ms) {
		t.Error("refused below the target")
	}
}

func TestAStandingQueue(t *testing.T) {
	k := newClock()
	if k.run(90*ms, 50*ms) {
		t.Error("refused within an interval")
	}
	if !k.run(50*ms, 50*ms) {
		t.Error("nothing is refused after it")
	}
	if k.run(500*ms, 15*ms) {
		t.Error("refused what has waited less than the target")
	}
	if !k.c.Active(k.now) || !k.run(5*ms, 21*ms) {
		t.Error("nothing is refused of what comes next")
	}
	if k.run(1200*ms, 5*ms) || k.c.Active(k.now) || k.c.Refusing() {
		t.Error("it stands for ever")
	}
	if k.run(90*ms, 50*ms) {
		t.Error("refused without patience after it was over")
	}
}

// What is to be refused last is, at four times the wait.
func TestRefusesLast(t *testing.T) {
	for _, x := range []struct {
		wait        time.Duration
		first, last bool
	}{{15 * ms, false, false}, {21 * ms, true, false}, {79 * ms, true, false}, {81 * ms, true, true}} {
		k := newClock()
		k.run(200*ms, 100*ms)
		k.c.Waited(0, x.wait, k.now)
		if first, last := k.c.Refuses(anybody, k.now), k.c.RefusesLast(anybody, k.now); first != x.first || last != x.last {
			t.Errorf("%v: refused %v, of the last %v", x.wait, first, last)
		}
	}
}

// When it stands long after a part is taken all the same, always the same.
func TestSomeAreTakenAlways(t *testing.T) {
	k := newClock()
	k.run(time.Second, time.Second)
	taken, last := 0, 0
	const n = 100_000
	for range n {
		key := rand.Uint64()
		refused := k.c.Refuses(key, k.now)
		if refused != k.c.Refuses(key, k.now) {
			t.Fatal("two answers")
		}
		if !refused {
			taken++
		}
		if !k.c.RefusesLast(key, k.now) {
			last++
		}
	}
	if taken < n/40 || taken > n/25 || last < n/40 || last > n/25 {
		t.Errorf("%d and %d of %d taken", taken, last, n)
	}
}

// A reader that is held up after each time it has emptied its queue has no more to do than
// it can, whatever was before.
func TestHeldUpReader(t *testing.T) {
	k := newClock()
	k.run(time.Second, time.Second)
	k.now = k.now.Add(time.Second)
	for range 5 {
		k.now = k.now.Add(150 * ms)
		if k.c.Waited(0, 140*ms, k.now); k.c.Refuses(anybody, k.now) {
			t.Fatal("refused although the queue was empty each time")
		}
	}
}

// One queue that stands is enough, whoever is idle beside it.
func TestTheWorstQueueCounts(t *testing.T) {
	if !newClock().run(time.Second, 0, 100*ms, 0) {
		t.Error("nothing is refused")
	}
}

// When nothing comes any more nothing has to be refused, and nobody has to tell so.
func TestSilenceEndsIt(t *testing.T) {
	k := newClock()
	if !k.run(time.Second, time.Second) || !k.c.Active(k.now) {
		t.Fatal("nothing is refused")
	}
	if k.now = k.now.Add(200 * ms); k.c.Refuses(anybody, k.now) {
		t.Error("refused for what waited long ago")
	}
	k.now = k.now.Add(time.Minute)
	if k.c.Active(k.now) {
		t.Error("still refusing")
	}
	if s := k.c.State(k.now); s.Standing || s.Refused != 0 || k.c.State(k.now.Add(time.Second)).Wait != 0 {
		t.Errorf("%+v", s)
	}
	// But a queue that was not taken from for a while because its reader had no time is
	// no silence.
	k = newClock()
	for range 20 {
		k.c.Waited(0, 900*ms, k.now)
		k.now = k.now.Add(450 * ms)
	}
	if !k.c.Active(k.now) {
		t.Error("a slow reader counts as silence")
	}
}

// One message that waited, after nothing and before nothing, is no queue that stands; nor
// is one that is emptied each time, however long its reader was held up before.
func TestALoneMessageThatWaited(t *testing.T) {
	k := newClock()
	k.run(time.Second, 0)
	for range 10 {
		k.now = k.now.Add(time.Minute)
		for _, wait := range []time.Duration{300 * ms, 0} {
			k.c.Waited(0, wait, k.now)
			if k.c.Active(k.now) || k.c.Refuses(anybody, k.now) {
				t.Fatal("refused for one that waited")
			}
			k.now = k.now.Add(time.Second)
		}
	}
	for range 20 {
		k.now = k.now.Add(150 * ms)
		if k.c.Waited(0, 140*ms, k.now); k.c.Refuses(anybody, k.now) {
			t.Fatal("refused although the queue was empty each time")
		}
	}
	for range 10 { // each came before the one before it was taken
		k.now = k.now.Add(500 * ms)
		k.c.Waited(0, 500*ms, k.now)
	}
	if !k.c.Refuses(anybody, k.now) {
		t.Error("nothing is refused although the reader is held up all the time")
	}
}

// A clock that is set back or forth must not keep things as they were until it has caught up.
func TestClockSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour, -500 * ms} {
		k := newClock()
		if !k.run(5*time.Second, time.Second) {
			t.Fatal("nothing is refused")
		}
		if k.now = k.now.Add(by); k.run(time.Minute, 0) || k.c.Active(k.now) {
			t.Errorf("%v: refused without a queue", by)
		}
		if !k.run(5*time.Second, time.Second) {
			t.Errorf("%v: nothing is refused", by)
		}
		k.now = k.now.Add(by)
		for range 1000 { // nothing comes any more
			k.now = k.now.Add(100 * ms)
			k.c.Active(k.now)
		}
		if k.c.Refusing() {
			t.Errorf("%v: refused although nothing comes", by)
		}
	}
}

func BenchmarkActive(b *testing.B) {
	c, now := New(Options{}), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if c.Active(now) {
			b.Fatal("active")
		}
	}
}

func BenchmarkWaited(b *testing.B) {
	k := newClock()
	b.ReportAllocs()
	for b.Loop() {
		k.now = k.now.Add(ms)
		k.c.Waited(0, 3*ms, k.now)
	}
}
