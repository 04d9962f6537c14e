package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"clirgate/numbering"
)

// Seen is one subject whose data an actor has seen.
type Seen struct {
	Number numbering.Number
	First  time.Time
	Last   time.Time
	Times  int
	Cases  []string
}

// Breach answers which subjects an actor saw between two times: whom to tell when that
// actor, or its token, turns out not to be trusted (GDPR 33 and 34). The question is
// audited too. Numbers print themselves redacted; whoever may have the list asks for
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
