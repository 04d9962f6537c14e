package trace

import (
	"fmt"
	"time"
)

const (
	// keepBuffer bounds the memory that a burst leaves behind in a spare batch.
	keepBuffer = 4 << 20

	// promptCommit is how long a commit may take on average for whoever brings records to
	// commit them himself.
	promptCommit = 500 * time.Microsecond
	// failedCommit is what a commit that failed counts for: it takes some fifty good ones
	// until the store counts as prompt again.
	failedCommit = time.Second
)

// Commit is Flush by somebody who may be kept, and who sends himself what was held up: as
// long as the store is prompt, and nobody else is at it, he commits. That spares handing
// over to the writer and back, which costs more than the commit does.
func (r *Recorder) Commit() {
	if r.somebodyWaits() {
		select {
		case r.committing <- struct{}{}:
			if r.average < promptCommit && r.sinceCommit() >= r.o.Window {
				r.commit()
			}
			<-r.committing
		default:
		}
	}
	r.Flush() // the writer has what is left
}

func (r *Recorder) somebodyWaits() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.filling.waiting > 0 && !r.closed
}

// sinceCommit is how long ago the last commit began.
func (r *Recorder) sinceCommit() time.Duration {
	return time.Since(r.born) - time.Duration(r.began.Load())
}

// commit commits what there is, and tells those who wait for it; false: nobody does.
// committing is ours.
func (r *Recorder) commit() (told bool) {
	b := r.take()
	if len(b.items) == 0 { // somebody else was first
		r.landed(b, nil)
		r.settle(b, nil)
		return false
	}
	r.began.Store(int64(time.Since(r.born)))
	err := r.store.Append(b.sealed())
	r.judge(r.sinceCommit(), err)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrStore, err)
	}
	r.told = r.landed(b, r.told[:0])
	told = len(r.told) > 0
	r.tell(r.told, err)
	r.settle(b, err)
	return told
}

// judge keeps the moving average of what a commit takes. committing is ours.
func (r *Recorder) judge(took time.Duration, err error) {
	if err != nil {
		took = failedCommit
	}
	r.average += (took - r.average) / 8
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
}

// settle keeps what the store refused for later and readies b for reuse. committing is ours.
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

// owing tells whether the store has refused records that are kept for it.
func (r *Recorder) owing() bool {
	r.committing <- struct{}{}
	defer func() { <-r.committing }()
	return r.backlog.any()
}

// repay offers the store some of them; false: it refused again.
func (r *Recorder) repay() bool {
	r.committing <- struct{}{}
	defer func() { <-r.committing }()
	return r.backlog.retry(r.store)
}
