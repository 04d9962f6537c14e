package overload

import (
	"math/rand/v2"
	"testing"
	"time"
)

const ms = time.Millisecond

// clock is virtual time that feeds a controller.
type clock struct {
	c   *Controller
	now time.Time
}

func newClock() *clock {
	return &clock{New(Options{Target: 20 * ms, Interval: 100 * ms}), time.Unix(1_000_000, 0)}
}

// run lets every queue tell its wait every 5 ms for a time.
func (k *clock) run(d time.Duration, waits ...time.Duration) float64 {
	for end := k.now.Add(d); k.now.Before(end); k.now = k.now.Add(5 * ms) {
		for queue, w := range waits {
			k.c.Waited(queue, w, k.now)
		}
	}
	return k.c.State(k.now).Refused
}

func TestNothingIsRefusedWhileQueuesBecomeShort(t *testing.T) {
	k := newClock()
	for range 100 { // a burst a tenth of a second, each worked off
		for range 10 {
			k.run(5*ms, 300*ms)
		}
		k.run(50*ms, 1*ms)
	}
	if s := k.c.State(k.now); s.Refused != 0 || k.c.Active(k.now) {
		t.Errorf("bursts: %v refused", s.Refused)
	}
	if r := newClock().run(10*time.Second, 19*ms); r != 0 {
		t.Errorf("below the target: %v refused", r)
	}
}

func TestAStandingQueueIsRefusedMoreAndMore(t *testing.T) {
	k, last := newClock(), 0.0
	for i := range 10 {
		r := k.run(100*ms, 25*ms)
		if i > 1 && r <= last {
			t.Fatalf("interval %d: %v refused after %v", i, r, last)
		}
		last = r
	}
	slow, fast := newClock(), newClock()
	if a, b := slow.run(500*ms, 21*ms), fast.run(500*ms, 500*ms); a >= b || b < 0.9 {
		t.Errorf("just above the target %v, far above %v", a, b)
	}
	if r := fast.run(time.Minute, time.Second); r >= 1 {
		t.Errorf("everything is refused: %v", r)
	}
}

func TestHysteresis(t *testing.T) {
	k := newClock()
	high := k.run(time.Second, 100*ms)
	if held := k.run(5*time.Second, 15*ms); held != high {
		t.Errorf("between half the target and the target %v became %v", high, held)
	}
	lower := k.run(500*ms, 1*ms)
	if lower >= high || lower == 0 {
		t.Errorf("after half a second of calm %v of %v", lower, high)
	}
	if r := k.run(10*time.Second, 1*ms); r != 0 {
		t.Errorf("after ten seconds of calm %v", r)
	}
}

// One queue that stands is enough, whoever is idle beside it.
func TestTheWorstQueueCounts(t *testing.T) {
	if r := newClock().run(time.Second, 0, 100*ms, 0); r == 0 {
		t.Error("nothing is refused")
	}
}

// When nothing comes any more nothing has to be refused, and nobody has to tell so.
func TestSilenceEndsIt(t *testing.T) {
	k := newClock()
	if k.run(time.Second, time.Second) == 0 || !k.c.Active(k.now) {
		t.Fatal("nothing is refused")
	}
	k.now = k.now.Add(time.Minute)
	if k.c.Active(k.now) {
		t.Error("still refusing")
	}
	// But a queue that was not taken from for a while because its reader had no time is
	// no silence.
	k = newClock()
	for range 20 {
		k.c.Waited(0, 900*ms, k.now)
		k.now = k.now.Add(450 * ms)
	}
	if k.c.State(k.now).Refused < 0.5 {
		t.Error("a slow reader counts as silence")
	}
}

// The share that is refused is the share that was decided, and nobody gets two answers.
func TestRefusesItsShare(t *testing.T) {
	k := newClock()
	for _, wait := range []time.Duration{25 * ms, 40 * ms, 200 * ms} {
		share := k.run(300*ms, wait)
		refused, last, n := 0, 0, 200_000
		for range n {
			key := rand.Uint64()
			if k.c.Refuses(key) {
				refused++
			}
			if k.c.RefusesLast(key) {
				last++
				if !k.c.Refuses(key) {
					t.Fatal("refused although it is to be refused last")
				}
			}
		}
		if got := float64(refused) / float64(n); got < share-0.01 || got > share+0.01 {
			t.Errorf("refused %v of %v", got, share)
		}
		if want := max(share-0.75, 0) * 4; float64(last)/float64(n) > want+0.01 {
			t.Errorf("%v of the last at a share of %v", float64(last)/float64(n), share)
		}
	}
}

// A queue behind a server of fixed speed, offered three times what it can serve: the wait
// comes down to about the target and work goes on being done.
func TestClosedLoop(t *testing.T) {
	const serve, refuse = 100 * time.Microsecond, 5 * time.Microsecond
	for _, load := range []float64{0.8, 1.5, 3, 8} {
		var backlog []time.Time // when each came
		k := newClock()
		next, busyUntil, served, sum, worst := k.now, k.now, 0, 0, time.Duration(0)
		gap := time.Duration(float64(serve) / load)
		begin := k.now
		for busyUntil.Sub(begin) < 20*time.Second {
			for !next.After(busyUntil) {
				backlog, next = append(backlog, next), next.Add(gap)
			}
			if len(backlog) == 0 {
				busyUntil = next
				continue
			}
			n := min(32, len(backlog))
			wait := busyUntil.Sub(backlog[0])
			k.c.Waited(0, wait, busyUntil)
			for range n {
				if k.c.Active(busyUntil) && k.c.Refuses(rand.Uint64()) {
					busyUntil = busyUntil.Add(refuse)
				} else {
					busyUntil = busyUntil.Add(serve)
					if served++; busyUntil.Sub(begin) > 5*time.Second {
						sum++
					}
				}
			}
			backlog = backlog[n:]
			if busyUntil.Sub(begin) > 5*time.Second {
				worst = max(worst, wait)
			}
		}
		most := 15 * float64(time.Second) / float64(serve) // that could be served in those 15 s
		if got := float64(sum) / most; got < 0.55*min(load, 1) {
			t.Errorf("load %v: only %.2f of what can be served is", load, got)
		}
		if worst > 200*ms {
			t.Errorf("load %v: waits of %v", load, worst)
		}
		t.Logf("load %v: %.2f of capacity served, longest wait %v", load, float64(sum)/most, worst)
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

// A clock that is set back must not keep the share as it was until it has caught up.
func TestClockSetBack(t *testing.T) {
	k := newClock()
	if r := k.run(5*time.Second, time.Second); r < 0.9 {
		t.Fatalf("%v refused", r)
	}
	k.now = k.now.Add(-time.Hour)
	if r := k.run(time.Minute, 0); r != 0 {
		t.Errorf("%v refused without a queue, the clock set back", r)
	}
	if k.run(5*time.Second, time.Second); !k.c.Active(k.now) {
		t.Error("nothing is refused")
	}
	k.now = k.now.Add(-time.Hour)
	for range 1000 { // nothing comes any more
		k.now = k.now.Add(100 * ms)
		k.c.Active(k.now)
	}
	if k.c.Refusing() {
		t.Error("refused although nothing comes")
	}
}

// One message that waited, after nothing and before nothing, is no queue that stands.
func TestALoneMessageThatWaited(t *testing.T) {
	k := newClock()
	k.run(time.Second, 0)
	for range 10 {
		k.now = k.now.Add(time.Minute)
		k.c.Waited(0, 300*ms, k.now)
		if k.c.Active(k.now) {
			t.Fatal("refused for having waited itself")
		}
		k.now = k.now.Add(time.Second)
		if k.c.Waited(0, 0, k.now); k.c.Active(k.now) {
			t.Fatal("refused for one that waited a second ago")
		}
	}
	for range 10 { // each held everything up for longer than an interval
		k.now = k.now.Add(500 * ms)
		k.c.Waited(0, 500*ms, k.now)
	}
	if !k.c.Active(k.now) {
		t.Error("nothing is refused although the reader is held up all the time")
	}
}
