package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// Seen is one subject whose data an actor has seen.
type Seen struct {
	Number numbering.Number
	First  time.Time
	Last   time.Time
	Times  int
	Cases  []string
}

// seenMonths is how many months after a look it can be asked whose data were seen: as long
// as anything is kept that could have been (LAW-18). A case that is closed is gone sooner;
// whom to tell of a look at it is still known, for this question only.
const seenMonths = 12

// SeenSince is the first moment of whose looks the subjects are still known.
func SeenSince(now time.Time) time.Time {
	y, m, d := now.UTC().AddDate(0, -seenMonths, -3).Date()
	for first := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); ; first = first.AddDate(0, 0, 1) {
		if trace.Expiry(first, seenMonths).After(now) {
			return first
		}
	}
}

// Breach answers which subjects an actor saw between two times: whom to tell when that
// actor, or its token, turns out not to be trusted (GDPR 33 and 34). The question is
// audited too. Looks before SeenSince name nobody any more. Numbers print themselves redacted; whoever may have the list asks for
// them by name.
func Breach(ctx context.Context, log AuditLog, audit Auditor, by Actor, actor string, from, to, now time.Time) ([]Seen, error) {
	if actor == "" || !from.Before(to) {
		var e Incomplete
		e.require([3]string{"actor", actor, "whose looks are asked about"})
		if !from.Before(to) {
			e.add("from", "a time before to")
		}
		return nil, &e
	}
	found := make(map[numbering.Number]*Seen)
	err := log.Events(ctx, actor, from, to, func(e Event) bool {
		for _, n := range e.Subjects {
			if n != 0 {
				note(found, n, e)
			}
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("%w: audit log: %w", ErrUnavailable, err)
	}
	list := make([]Seen, 0, len(found))
	for _, s := range found {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Seen) int { return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Number, b.Number)) })
	// Whose data the answer holds is whose data the asker sees.
	event := Event{At: now, Actor: by.Name, Role: by.Role, Action: "breach report", Purpose: PurposeBreach, Count: len(list)}
	for _, s := range list {
		event.Subjects = append(event.Subjects, s.Number)
	}
	if err := audit.Audit(ctx, event); err != nil {
		return nil, fmt.Errorf("%w: audit: %w", ErrUnavailable, err)
	}
	return list, nil
}

func note(found map[numbering.Number]*Seen, n numbering.Number, e Event) {
	s := found[n]
	if s == nil {
		s = &Seen{Number: n, First: e.At}
		found[n] = s
	}
	s.Last = e.At
	s.Times++
	if e.Case != "" && !slices.Contains(s.Cases, e.Case) {
		s.Cases = append(s.Cases, e.Case)
	}
}
