package trace

import (
	"fmt"
	"time"
)

// keepBuffer bounds the memory that a burst leaves behind in a spare batch.
const keepBuffer = 4 << 20

// backlogRetry is how long a store that has failed is left alone before it is offered
// once more what it refused.
const backlogRetry = time.Second

// write is the commit goroutine.
func (r *Recorder) write() {
	defer close(r.written)
	var (
		began time.Time
		told  []Waiter
		timer = time.NewTimer(time.Hour)
	)
	defer timer.Stop()
	for r.await(timer) {
		r.pace(timer, began)
		began = time.Now()
		b := r.take()
		err := r.store.Append(b.sealed())
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrStore, err)
		}
		told = r.landed(b, told[:0])
		r.tell(told, err)
		r.settle(b, err)
	}
}

// await blocks until there is a batch worth committing; false: closed, and nothing left.
// Where records are gathered it looks by itself, for a while, for what nobody waits for:
// under load that spares a wake-up for every commit.
func (r *Recorder) await(timer *time.Timer) bool {
	rested := !r.o.Gather
	for {
		some, urgent, closed := r.look(rested)
		switch {
		case urgent || some && closed:
			return true
		case closed:
			for r.backlog.any() && r.backlog.retry(r.store) {
			}
			return false
		case some && rested && r.o.Gather:
			return true
		case some || !rested:
			if rested = r.lazy(timer); rested && some {
				return true
			}
		case r.backlog.any():
			if !r.backlog.retry(r.store) {
				r.pause(timer, backlogRetry)
			}
		default:
			select {
			case <-r.kick:
			case <-r.closing:
			}
		}
	}
}

// look tells what there is to write. When nothing is and it will not look again by itself,
// whoever brings something must tell the writer.
func (r *Recorder) look(last bool) (some, urgent, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	some = len(r.filling.items) > 0
	r.dozing = last && !some
	return some, r.filling.waiting > 0 && (r.called || !r.o.Gather), r.closed
}

// lazy waits for somebody who waits; true: nobody came, and it has been long enough.
func (r *Recorder) lazy(timer *time.Timer) bool {
	timer.Reset(r.o.Lazy)
	select {
	case <-timer.C:
		return true
	case <-r.kick:
	case <-r.closing:
	}
	return false
}

// pace keeps commits a window apart: whoever comes in it shares the next one.
func (r *Recorder) pace(timer *time.Timer, began time.Time) {
	wait := time.Until(began.Add(r.o.Window))
	if wait <= 0 {
		return
	}
	timer.Reset(wait)
	select {
	case <-timer.C:
	case <-r.closing:
	}
}

// pause waits a while for something to write.
func (r *Recorder) pause(timer *time.Timer, d time.Duration) {
	timer.Reset(d)
	select {
	case <-timer.C:
	case <-r.kick:
	case <-r.closing:
	}
}

// take makes the filling batch the flying one.
func (r *Recorder) take() *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying, r.called = r.filling, false
	r.filling, r.spare = r.spare, nil
	if r.filling == nil {
		r.filling = new(batch)
	}
	return r.flying
}

// landed claims who still waits for b.
func (r *Recorder) landed(b *batch, told []Waiter) []Waiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying, r.stalled = nil, false
	return b.claim(told, time.Time{})
}

// tell calls back; the calls go on.
func (r *Recorder) tell(told []Waiter, err error) {
	if len(told) == 0 {
		return
	}
	if err != nil {
		r.o.Failed(len(told), err)
	}
	for _, w := range told {
		w.Recorded(err)
	}
	clear(told)
	r.o.After()
}

// settle keeps what the store refused for later and readies b for reuse.
func (r *Recorder) settle(b *batch, err error) {
	if err != nil {
		r.backlog.keep(b.entries)
	}
	if cap(b.buf) > keepBuffer {
		return
	}
	b.reset()
	r.mu.Lock()
	r.spare = b
	r.mu.Unlock()
}
