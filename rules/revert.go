package rules

import (
	"context"
	"errors"
	"slices"

	"clirgate/numbering"
)

var (
	// ErrNoChange: the history has no such revision.
	ErrNoChange = errors.New("rules: no such change")
	// ErrSuperseded: the subscriber was changed again since; only its last change
	// can be reverted.
	ErrSuperseded = errors.New("rules: subscriber was changed again since")
)

// Revert undoes one change by a new one: its subscribers are again what they
// were before. Of a batch, subscribers that were changed again since are left
// alone and counted in Written.Skipped; when that is all of them, ErrSuperseded.
// by.Reason is the reason of the new change.
func (s *Service) Revert(ctx context.Context, revision uint64, by By) (Written, error) {
	c, err := s.change(ctx, revision)
	if err != nil {
		return Written{}, err
	}
	w, err := s.Write(ctx, undo(c, nil), by.reverting(revision))
	if err == nil && w.Revision == 0 {
		err = ErrSuperseded
	}
	return w, err
}

func (by By) reverting(revision uint64) By {
	by.Reverts = revision
	if by.Action == "" {
		by.Action = ActionRevert
	}
	return by
}

// change reads one change with its items.
func (s *Service) change(ctx context.Context, revision uint64) (*Change, error) {
	if revision == 0 {
		return nil, ErrNoChange
	}
	list, err := s.store.History(ctx, Query{After: revision - 1, Before: revision + 1, Items: true, Limit: 1})
	if err == nil && len(list) == 0 {
		err = ErrNoChange
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// undo is the writes that undo a change of subscribers that are still at it; with
// at, only of those in it, which are at other revisions.
func undo(c *Change, at map[numbering.Number]uint64) (writes []Write) {
	for _, item := range c.Items {
		m := At(c.Revision)
		other, ok := at[item.Number]
		switch {
		case ok:
			m = At(other)
		case at != nil:
			continue
		case item.After == nil:
			m = Absent()
		}
		writes = append(writes, Write{Number: item.Number, After: item.Before, Match: m, Exact: true})
	}
	return writes
}

// RevertJob undoes what a bulk job has changed, newest batch first, each by a
// change of its own, which each is told. Subscribers that others have changed
// since are left alone and counted. After an error, calling again goes on with
// the rest.
func (s *Service) RevertJob(ctx context.Context, job string, by By, each func(Written)) error {
	batches, ours, err := s.jobChanges(ctx, job)
	if err != nil {
		return err
	}
	by.Job = job
	for _, revision := range batches {
		written, err := s.revertBatch(ctx, revision, ours, by)
		for _, w := range written {
			ours[w.Revision] = true
			each(w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// JobDone is how far a bulk job has come.
type JobDone struct {
	Row      uint64 // rows of its input that need not be read again
	Changed  uint64 // subscribers
	Revision uint64 // of its last change; 0: none
}

// JobDone reads from the history how far a bulk job has come.
func (s *Service) JobDone(ctx context.Context, job string) (d JobDone, err error) {
	for {
		page, err := s.store.History(ctx, Query{Job: job, After: d.Revision})
		if err != nil {
			return d, err
		}
		for i := range page {
			d.Revision = page[i].Revision
			if page[i].By.Reverts == 0 {
				d.Row, d.Changed = page[i].By.JobRow, d.Changed+uint64(page[i].Rows)
			}
		}
		if len(page) < MaxChanges {
			return d, nil
		}
	}
}

// jobChanges answers the batches of a job that are not reverted yet, newest
// first, and the changes that reverted others.
func (s *Service) jobChanges(ctx context.Context, job string) (batches []uint64, ours map[uint64]bool, err error) {
	q := Query{Job: job, Newest: true}
	ours = map[uint64]bool{}
	reverted := map[uint64]bool{}
	for {
		page, err := s.store.History(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for i := range page {
			if undone := page[i].By.Reverts; undone != 0 {
				reverted[undone], ours[page[i].Revision] = true, true
			} else {
				batches = append(batches, page[i].Revision)
			}
			q.Before = page[i].Revision
		}
		if len(page) < q.Bound() {
			break
		}
	}
	if len(batches) == 0 {
		return nil, nil, ErrNoChange
	}
	return slices.DeleteFunc(batches, func(r uint64) bool { return reverted[r] }), ours, nil
}

// revertBatch undoes one batch of a job. A subscriber that a later batch changed
// too is at the revision that reverted that one: what was left out for it is
// undone by a second change.
func (s *Service) revertBatch(ctx context.Context, revision uint64, ours map[uint64]bool, by By) (done []Written, err error) {
	c, err := s.change(ctx, revision)
	if err != nil {
		return nil, err
	}
	first, err := s.Write(ctx, undo(c, nil), by.reverting(revision))
	if err != nil {
		return nil, err
	}
	done = []Written{first}
	if first.Skipped == 0 || len(ours) == 0 {
		return done, nil
	}
	at, err := s.lookFor(ctx, c.without(first.Items), ours)
	if err != nil || len(at) == 0 {
		return done, err
	}
	second, err := s.Write(ctx, undo(c, at), by.reverting(revision))
	if err != nil {
		return done, err
	}
	return append(done, second), nil
}

// without answers the items that are not among others; both are in order.
func (c *Change) without(others []Item) (rest []Item) {
	for _, item := range c.Items {
		if len(others) > 0 && others[0].Number == item.Number {
			others = others[1:]
			continue
		}
		rest = append(rest, item)
	}
	return rest
}

// lookFor answers which of the items' subscribers are at a revision of ours.
func (s *Service) lookFor(ctx context.Context, items []Item, ours map[uint64]bool) (map[numbering.Number]uint64, error) {
	at := map[numbering.Number]uint64{}
	for _, item := range items {
		_, now, err := s.store.Get(ctx, item.Number)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		case ours[now]:
			at[item.Number] = now
		}
	}
	return at, nil
}
