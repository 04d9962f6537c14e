package transaction

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick  = 10 * time.Millisecond
	slots = 4096 // 41 s; longer timers go round more than once

	helpedTicks = 3 // between turns by the goroutine of a wheel that others turn
)

// timer is one timer inside a transaction. Nothing is allocated to start it.
type timer struct {
	next, prev *timer
	owner      timed
	due        int64 // tick at which it fires
	name       event
	armed      bool // guarded by the transaction's lock
	linked     bool // guarded by the lock of the slot of due
}

// timed is a transaction that has timers.
type timed interface {
	// hold keeps the memory of the transaction; fire gives it free again.
	hold()
	// fire acts on the timer if it is still armed for that tick.
	fire(t *timer, due int64)
}

// wheel is a hashed timing wheel: a slot per tick, and a list of timers per slot,
// each under its own lock. A timer never fires early, and at most two ticks late; four where
// help has just ended.
type wheel struct {
	now     func() time.Time
	start   time.Time
	current atomic.Int64 // last tick that was worked off
	slots   [slots]slot

	turning sync.Mutex // held by whoever turns
	expired []expired  // of him
	helped  atomic.Bool
}

type slot struct {
	mu   sync.Mutex
	head *timer
}

type expired struct {
	t   *timer
	due int64
}

func newWheel(now func() time.Time) *wheel {
	return &wheel{now: now, start: now()}
}

// arm starts t, or starts it anew, to fire in d. The transaction's lock is held.
func (w *wheel) arm(t *timer, name event, d time.Duration) {
	w.cancel(t)
	t.name, t.armed = name, true
	t.due = w.current.Load() + int64((d+tick-1)/tick) + 1
	for !w.link(t) {
		t.due = w.current.Load() + 1
	}
}

// link puts t into its slot, unless that slot was worked off in the meantime.
func (w *wheel) link(t *timer) bool {
	s := w.slot(t.due)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.due <= w.current.Load() {
		return false
	}
	s.push(t)
	return true
}

// cancel stops t. The transaction's lock is held.
func (w *wheel) cancel(t *timer) {
	if !t.armed {
		return
	}
	t.armed = false
	s := w.slot(t.due)
	s.mu.Lock()
	if t.linked {
		s.unlink(t)
	}
	s.mu.Unlock()
}

// tick is the tick that it is now.
func (w *wheel) tick() int64 { return int64(w.now().Sub(w.start) / tick) }

func (w *wheel) slot(due int64) *slot { return &w.slots[due%slots] }

func (s *slot) push(t *timer) {
	t.prev, t.next, t.linked = nil, s.head, true
	if s.head != nil {
		s.head.prev = t
	}
	s.head = t
}

func (s *slot) unlink(t *timer) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		s.head = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.prev, t.next, t.linked = nil, nil, false
}

// turn fires everything that is due and tells whether anything was.
func (w *wheel) turn() (fired bool) {
	target := w.tick()
	// One round is enough however long it slept: every slot is looked at, and what
	// is overdue is taken too.
	for at := max(w.current.Load(), target-slots) + 1; at <= target; at++ {
		w.current.Store(at)
		w.collect(at)
	}
	for _, e := range w.expired {
		e.t.owner.fire(e.t, e.due)
	}
	fired = len(w.expired) > 0
	clear(w.expired)
	w.expired = w.expired[:0]
	return fired
}

// collect takes the timers due at that tick out of their slot. A linked timer
// belongs to a living transaction, so holding it here is safe.
func (w *wheel) collect(at int64) {
	s := w.slot(at)
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := s.head; t != nil; {
		next := t.next
		if t.due <= at {
			s.unlink(t)
			t.owner.hold()
			w.expired = append(w.expired, expired{t, t.due})
		}
		t = next
	}
}

// help turns the wheel when a tick has passed and nobody else is at it: whoever comes by
// often spares its goroutine the wake-ups.
func (w *wheel) help() {
	if w.tick() == w.current.Load() || !w.turning.TryLock() {
		return
	}
	defer w.turning.Unlock()
	w.helped.Store(true)
	w.turn()
}

// run turns the wheel until done is closed. It calls flush when something fired, and after
// every turn of its own.
func (w *wheel) run(done <-chan struct{}, flush, after func()) {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-timer.C:
		}
		w.turning.Lock()
		fired := w.turn()
		w.turning.Unlock()
		if fired {
			flush()
		}
		after()
		if w.helped.Swap(false) {
			timer.Reset(helpedTicks * tick)
		} else {
			timer.Reset(tick)
		}
	}
}
