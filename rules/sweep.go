package rules

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

const (
	sweepPage = 1000 // rules looked for at once
	sweepEach = 50   // when there are more, they end by one change for all
)

// Sweep ends the rules whose time is over: each subscriber gets back the rule
// that lies beneath, or none. Decisions have not waited for it (the end is in the
// snapshot); it brings the store and the history to where they are. Several
// nodes may do it at once.
func (s *Service) Sweep(ctx context.Context, now time.Time) (ended int, err error) {
	for {
		due, err := s.store.Due(ctx, now, sweepPage)
		if err != nil || len(due) == 0 {
			return ended, err
		}
		writes := make([]Write, len(due))
		for i := range due {
			writes[i] = Write{Number: due[i].Number, After: due[i].Ended(), Match: At(due[i].Revision), Exact: true}
		}
		size := 1
		if len(due) > sweepEach {
			size = len(due)
		}
		for part := range slices.Chunk(writes, size) {
			w, err := s.Write(ctx, part, By{Actor: System, Action: ActionEnd, Reason: "the rule's end has passed"})
			if err != nil {
				return ended, err
			}
			ended += len(w.Items)
		}
	}
}

// KeepSwept sweeps every second until ctx ends. now is the clock (nil:
// time.Now). A store that is away is tried again; failures are logged once each
// time it goes.
func (s *Service) KeepSwept(ctx context.Context, now func() time.Time, log *slog.Logger) {
	if now == nil {
		now = time.Now
	}
	const every = time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ended, err := s.Sweep(ctx, now())
		switch {
		case err == nil && ended > 0:
			log.Info("rules ended by themselves", "subscribers", ended)
		case err != nil && !away && !errors.Is(err, context.Canceled):
			log.Error("rules that have ended cannot be swept; decisions leave them out all the same", "error", err)
		}
		away = err != nil
	}
}
