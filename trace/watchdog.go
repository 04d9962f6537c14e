package trace

import "time"

// watch tells the calls whose record is not down within the budget that they go on
// without. It sleeps while nobody waits, and otherwise until the next budget ends.
func (r *Recorder) watch() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var late []Waiter
	for {
		select {
		case <-r.wake:
		case <-timer.C:
		case <-r.written:
			return
		}
		var next time.Duration
		late, next = r.overdue(late[:0], time.Now())
		if r.tell(late, ErrLate); len(late) > 0 {
			r.o.After()
		}
		if next > 0 {
			timer.Reset(next)
		}
	}
}

// overdue claims who has waited long enough, and says when to look again; zero: when
// woken. While the store is stalled nobody is made to wait for it at all.
func (r *Recorder) overdue(late []Waiter, now time.Time) ([]Waiter, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	late = r.flying.claim(late, now)
	if r.flying != nil && len(late) > 0 {
		r.stalled = true
	}
	if r.stalled {
		late = r.filling.claim(late, time.Time{})
	} else {
		late = r.filling.claim(late, now)
	}
	next := r.flying.due()
	if next.IsZero() {
		next = r.filling.due()
	}
	r.watching = !next.IsZero()
	if !r.watching {
		return late, 0
	}
	return late, max(next.Sub(now), time.Millisecond)
}
