package marks

import (
	"errors"
	"slices"
	"time"

	"clirgate/trace"
)

// filing files what waits; what cannot be filed now is tried again, others meanwhile.
func (q *Queue) filing() {
	pause, troubled := q.o.Retry, false
	for {
		later, err := q.round()
		if (err != nil) != troubled {
			troubled = err != nil
			q.o.Alarm(err)
		}
		if err == nil {
			pause = q.o.Retry
		}
		var again <-chan time.Time
		if err != nil || later {
			again = time.After(pause)
		}
		select {
		case <-q.file:
		case <-again:
			pause = min(2*pause, maxRetry)
		case <-q.ctx.Done():
			return
		}
	}
}

// round tries every mark once. later: some are not due; the error is the first of those
// that failed.
func (q *Queue) round() (later bool, first error) {
	q.mu.Lock()
	list := slices.Clone(q.waiting)
	q.mu.Unlock()
	for i := range list {
		if q.ctx.Err() != nil {
			return later, first
		}
		switch err := q.fileOne(&list[i]); {
		case err == nil:
			q.filed.Add(1)
			q.over(&list[i])
		case errors.Is(err, ErrLost):
			q.lost.Add(1)
			q.over(&list[i])
		case errors.Is(err, ErrLater):
			later = true
		default:
			q.failed.Add(1)
			if first == nil {
				first = err
			}
		}
	}
	return later, first
}

func (q *Queue) fileOne(w *waiting) (err error) {
	if w.marking == (trace.Marking{}) {
		if w.marking, err = unseal(q.o.Seal, w.sealed); err != nil {
			return err
		}
	}
	return q.o.File(q.ctx, w.marking)
}

// over takes a mark out of what waits.
func (q *Queue) over(w *waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(x waiting) bool { return x.seq == w.seq })
	delete(q.known, w.marking.Record)
	q.done = append(q.done, w.seq)
	signal(q.write)
}
