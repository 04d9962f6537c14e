package casework

import (
	"context"
	"errors"
	"time"

	"clirgate/trace"
)

// keptAfter is how many months a case is kept after closing, at most (Tw 11.13(3)).
const keptAfter = 3

// Close ends a case; a case that disclosed only when the notice was sent. Three months
// later it is gone, evidence and letters included.
func (s *Service) Close(ctx context.Context, by Actor, id, reason string) (*Case, error) {
	return s.change(ctx, by, id, actClose, reason, func(d *draft) error {
		var e Incomplete
		e.require([3]string{"reason", reason, "how the case ended"})
		if err := e.orNil(); err != nil {
			return err
		}
		if d.Notice != nil && d.Notice.Sent.IsZero() {
			return &Conflict{"the caller must be told of the disclosure first: the notice has not been sent"}
		}
		d.Closed, d.Expires = d.now, goneAt(d.now)
		return nil
	})
}

// goneAt is the first moment of the day three months after, so that nothing is kept
// longer whatever the hour.
func goneAt(closed time.Time) time.Time {
	y, m, d := closed.UTC().Date()
	return trace.Expiry(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), keptAfter)
}

// Purge deletes cases and orders whose time is over: their keys first, so that no copy
// of them opens any more. It tells how many, never whose.
func (s *Service) Purge(ctx context.Context) (n int, err error) {
	ids, err := s.store.Expired(ctx, s.o.Now())
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	tell, err := s.entries(ctx, Event{Actor: "clirgate", Action: "purge", Purpose: PurposeRetention, Count: len(ids)})
	if err != nil {
		return 0, err
	}
	err = s.safe.destroy(ctx, ids)
	if err := errors.Join(err, s.store.Delete(ctx, ids, tell)); err != nil {
		return 0, err
	}
	return len(ids), nil
}
