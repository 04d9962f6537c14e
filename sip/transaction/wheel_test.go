package transaction

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// clock is a hand-driven clock for a wheel.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

type alarm struct {
	timer
	w     *wheel
	clock *clock
	at    []time.Time
	held  int
	again time.Duration // armed anew when it fires
}

func (a *alarm) hold() { a.held++ }

func (a *alarm) fire(t *timer, due int64) {
	a.held--
	if t.fired(due) {
		a.at = append(a.at, a.clock.now)
		if a.again > 0 {
			a.w.arm(&a.timer, timerA, a.again)
		}
	}
}

func newAlarms(n int) (*wheel, *clock, []*alarm) {
	c := &clock{time.Unix(1_000_000, 0)}
	w := newWheel(c.read)
	alarms := make([]*alarm, n)
	for i := range alarms {
		alarms[i] = &alarm{w: w, clock: c}
		alarms[i].owner = alarms[i]
	}
	return w, c, alarms
}

func (c *clock) advance(w *wheel, d time.Duration) {
	for end := c.now.Add(d); c.now.Before(end); {
		c.now = c.now.Add(tick)
		w.turn()
	}
}

func TestWheelNeverEarlyNorLate(t *testing.T) {
	for _, start := range []time.Duration{0, 3 * time.Millisecond, 35 * time.Second} {
		durations := []time.Duration{1, time.Millisecond, tick, 11 * time.Millisecond, 500 * time.Millisecond, 32 * time.Second,
			slots*tick - 1, slots * tick, slots*tick + 1, 190 * time.Second}
		w, c, alarms := newAlarms(len(durations))
		c.advance(w, start)
		begun := c.now
		for i, d := range durations {
			w.arm(&alarms[i].timer, timerA, d)
		}
		c.advance(w, 200*time.Second)
		for i, d := range durations {
			if len(alarms[i].at) != 1 {
				t.Fatalf("%v: fired %d times", d, len(alarms[i].at))
			}
			if took := alarms[i].at[0].Sub(begun); took < d || took > d+3*tick {
				t.Errorf("%v: fired after %v", d, took)
			}
		}
	}
}

func TestWheelCancelAndRearm(t *testing.T) {
	w, c, a := newAlarms(3)
	for _, x := range a {
		w.arm(&x.timer, timerA, 50*time.Millisecond) // one slot, three timers
	}
	w.cancel(&a[1].timer)
	w.cancel(&a[1].timer)
	w.arm(&a[2].timer, timerB, time.Second)
	c.advance(w, 500*time.Millisecond)
	if len(a[0].at) != 1 || len(a[1].at) != 0 || len(a[2].at) != 0 {
		t.Errorf("fired %d %d %d", len(a[0].at), len(a[1].at), len(a[2].at))
	}
	c.advance(w, time.Second)
	if len(a[2].at) != 1 {
		t.Error("the timer armed anew did not fire")
	}
	a[0].again = 100 * time.Millisecond
	w.arm(&a[0].timer, timerA, 100*time.Millisecond)
	c.advance(w, time.Second)
	if n := len(a[0].at); n < 9 || n > 10 {
		t.Errorf("fired %d times in all", n)
	}
	for _, x := range a {
		if x.held != 0 {
			t.Error("held for ever")
		}
	}
}

// A timer taken out of its slot, but stopped before its turn, does not fire.
func TestWheelStoppedWhileExpiring(t *testing.T) {
	w, c, a := newAlarms(2)
	w.arm(&a[0].timer, timerA, tick)
	w.arm(&a[1].timer, timerA, tick)
	c.now = c.now.Add(tick * 5)
	w.current.Store(5)
	for at := int64(1); at <= 5; at++ {
		w.collect(at)
	}
	w.cancel(&a[0].timer)
	w.arm(&a[1].timer, timerB, time.Second)
	w.turn()
	if len(a[0].at) != 0 || len(a[1].at) != 0 {
		t.Error("a stopped timer fired")
	}
	c.advance(w, 2*time.Second)
	if len(a[1].at) != 1 {
		t.Error("did not fire the second time")
	}
}

// A clock that jumps fires everything that is due, once.
func TestWheelCatchesUp(t *testing.T) {
	w, c, alarms := newAlarms(100)
	for i, a := range alarms {
		w.arm(&a.timer, timerA, time.Duration(i)*time.Second)
	}
	c.now = c.now.Add(50*time.Second + 5*tick)
	w.turn()
	fired := slices.IndexFunc(alarms, func(a *alarm) bool { return len(a.at) == 0 })
	if fired != 51 {
		t.Errorf("%d fired", fired)
	}
	c.now = c.now.Add(24 * time.Hour)
	w.turn()
	for i, a := range alarms {
		if len(a.at) != 1 {
			t.Errorf("timer %d fired %d times", i, len(a.at))
		}
	}
}

// Somebody who helps turns the wheel once a tick, and not while another does.
func TestWheelIsHelped(t *testing.T) {
	w, c, alarms := newAlarms(2)
	w.arm(&alarms[0].timer, timerA, tick)
	w.arm(&alarms[1].timer, timerA, 5*tick)
	w.help()
	if w.helped.Load() {
		t.Error("helped before its time")
	}
	for range 3 {
		c.now = c.now.Add(tick)
		w.help()
	}
	if !w.helped.Load() || len(alarms[0].at) != 1 || len(alarms[1].at) != 0 {
		t.Errorf("helped %v, fired %d and %d", w.helped.Load(), len(alarms[0].at), len(alarms[1].at))
	}
	w.turning.Lock()
	c.now = c.now.Add(10 * tick)
	w.help()
	w.turning.Unlock()
	if len(alarms[1].at) != 0 {
		t.Error("turned by two at once")
	}
	w.help()
	if len(alarms[1].at) != 1 {
		t.Error("not fired")
	}
}

// The wheel turns by itself also when somebody helped for a while, and then no more.
func TestWheelGoesOnAfterHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel(time.Now)
		done, turns := make(chan struct{}), new(atomic.Int32)
		go w.run(done, func() {}, func() { turns.Add(1) })
		defer func() { close(done); synctest.Wait() }()
		for range 100 { // a second
			time.Sleep(tick)
			w.help()
		}
		synctest.Wait()
		if n := turns.Swap(0); n < 25 || n > 60 {
			t.Errorf("%d turns of its own while others turned", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := turns.Load(); n < 97 {
			t.Errorf("%d turns of its own when nobody else turned", n)
		}
	})
}

func TestWheelAllocatesNothing(t *testing.T) {
	w, c, alarms := newAlarms(100)
	run := func() {
		for _, a := range alarms {
			a.at = a.at[:0]
			w.arm(&a.timer, timerA, 20*time.Millisecond)
			w.cancel(&a.timer)
			w.arm(&a.timer, timerA, 20*time.Millisecond)
		}
		c.advance(w, 50*time.Millisecond)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
