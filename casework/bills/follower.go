package bills

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"clirgate/numbering"
	"clirgate/rules"
)

// Rules are the subscribers' rules; rules.Service has them.
type Rules interface {
	Get(ctx context.Context, n numbering.Number) (rules.Subscriber, uint64, error)
	List(ctx context.Context, after numbering.Number, limit int) ([]rules.Versioned, error)
	History(ctx context.Context, q rules.Query) ([]rules.Change, error)
}

// Follower keeps our part of the list as the subscribers' rules are: who has
// shield_on_bills is on it from the day it was set to the day it is taken back. All rules
// are read once; after that the changes since, and where the history has a gap, all again.
type Follower struct {
	List  *Service
	Rules Rules

	mu   sync.Mutex
	seen uint64 // revision of the rules that the list follows; 0: none yet
	day  Date   // on which it did
}

const (
	rulesPage   = 10_000 // rules read at once
	changesPage = 16     // changes read at once: batches come with all their items
	findSome    = 1000   // numbers looked up one by one; of more the whole list is read
)

// Follow brings the list up to a revision of the rules, on a day. known is false when it is
// not known at which revision they are.
func (f *Follower) Follow(ctx context.Context, revision uint64, known bool, day Date) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known && revision == f.seen && day == f.day {
		return nil
	}
	changed, at, ok, err := f.changes(ctx, revision, known)
	if err == nil && ok && day != f.day {
		err = f.ended(ctx, changed, day)
	}
	switch {
	case err != nil:
	case ok:
		err = f.List.FollowSome(ctx, changed, day)
	default:
		at, err = revision, f.all(ctx, day)
	}
	if err == nil && known {
		f.seen, f.day = at, day
	}
	return err
}

// changes are the numbers whose rules changed, with whether they are shielded now, up to
// a revision. ok is false when they are not all to be had.
func (f *Follower) changes(ctx context.Context, revision uint64, known bool) (changed map[numbering.Number]bool, at uint64, ok bool, err error) {
	at = f.seen
	if !known || at == 0 || revision < at {
		return nil, 0, false, nil
	}
	changed = make(map[numbering.Number]bool)
	for at < revision {
		page, err := f.Rules.History(ctx, rules.Query{After: at, Items: true, Limit: changesPage})
		if err != nil {
			return nil, 0, false, unreadable(err)
		}
		if len(page) == 0 {
			return nil, 0, false, nil
		}
		for _, c := range page {
			if c.Revision != at+1 {
				return nil, 0, false, nil
			}
			at++
			for _, item := range c.Items {
				if shields(item.Before) != shields(item.After) {
					changed[item.Number] = shields(item.After)
				}
			}
		}
	}
	return changed, at, true, nil
}

func shields(s *rules.Subscriber) bool { return s != nil && s.ShieldOnBills }

// ended adds the numbers of ours whose time on the list is over although, may be, their
// rule asks for it still.
func (f *Follower) ended(ctx context.Context, changed map[numbering.Number]bool, day Date) error {
	entries, err := f.List.Entries(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, told := changed[e.Number]; told || e.Source != "" || e.Until == NoDate || e.Until <= f.day || e.Until > day {
			continue
		}
		sub, _, err := f.Rules.Get(ctx, e.Number)
		if err != nil && !errors.Is(err, rules.ErrNotFound) {
			return unreadable(err)
		}
		changed[e.Number] = err == nil && sub.ShieldOnBills
	}
	return nil
}

// all reads every rule.
func (f *Follower) all(ctx context.Context, day Date) error {
	own := make(map[numbering.Number]bool)
	for after := numbering.Number(0); ; {
		list, err := f.Rules.List(ctx, after, rulesPage)
		if err != nil {
			return unreadable(err)
		}
		for i := range list {
			if after = list[i].Number; list[i].ShieldOnBills {
				own[after] = true
			}
		}
		if len(list) < rulesPage {
			return f.List.Follow(ctx, own, day)
		}
	}
}

func unreadable(err error) error { return fmt.Errorf("%w: rules: %w", ErrUnavailable, err) }

// FollowSome does what Follow does for some numbers: those that are true are shielded.
func (s *Service) FollowSome(ctx context.Context, own map[numbering.Number]bool, day Date) error {
	if len(own) == 0 {
		return nil
	}
	entries, err := s.some(ctx, own)
	if err != nil {
		return err
	}
	var c change
	for n, shielded := range own {
		e, there := entries[n]
		c.follow(e, there, n, shielded, day)
	}
	return s.followed(ctx, c)
}

// some are the entries of numbers.
func (s *Service) some(ctx context.Context, numbers map[numbering.Number]bool) (map[numbering.Number]Entry, error) {
	found := make(map[numbering.Number]Entry)
	if len(numbers) > findSome {
		entries, err := s.Entries(ctx)
		for _, e := range entries {
			found[e.Number] = e
		}
		return found, err
	}
	for n := range numbers {
		e, ok, err := s.Find(ctx, n)
		if err != nil {
			return nil, err
		}
		if ok {
			found[n] = e
		}
	}
	return found, nil
}
