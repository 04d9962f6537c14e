package casework

import (
	"context"
	"errors"
	"time"

	"clirgate/numbering"
)

// Open opens a case on a complete claim; *Incomplete names what one lacks.
func (s *Service) Open(ctx context.Context, by Actor, claim Claim) (*Case, error) {
	now := s.o.Now()
	if err := claim.check(now, s.o); err != nil {
		return nil, err
	}
	c := &Case{ID: newID(), State: Open, Created: now}
	c.take(claim, now, by)
	c.note(now, by, "open", "")
	return s.save(ctx, c, caseEvent(by, "open", c, []numbering.Number{claim.Number}))
}

// take makes the claim the case's.
func (c *Case) take(claim Claim, now time.Time, by Actor) {
	if claim.Received.IsZero() {
		claim.Received = now
	}
	c.Claim = claim
	for _, p := range claim.Periods {
		c.addIncident(p, "", now, by)
	}
}

// joinable is a case on a number that takes further incidents; nil: none.
func (s *Service) joinable(ctx context.Context, n numbering.Number) (found *Case, err error) {
	subject, err := s.safe.subject(ctx, n)
	if err != nil {
		return nil, err
	}
	var failed error
	err = s.store.List(ctx, Filter{Kind: KindCase, Subject: &subject}, func(row Row) bool {
		if _, err := State(row.State).step(actIncident); err != nil {
			return true
		}
		found, failed = s.opened(row)
		if errors.Is(failed, ErrNotFound) || failed == nil && len(found.Incidents) >= maxMarks {
			found, failed = nil, nil // its time is over, or it takes no more
			return true
		}
		return false
	})
	if err == nil {
		err = failed
	}
	return found, err
}

// Complete turns a draft into a case. The claim's number is the one that was marked.
func (s *Service) Complete(ctx context.Context, by Actor, id string, claim Claim) (*Case, error) {
	return s.change(ctx, by, id, actComplete, "", func(d *draft) error {
		if claim.Number == 0 {
			claim.Number = d.Claim.Number
		}
		if claim.Number != d.Claim.Number {
			return &Conflict{"the calls marked were to another number: open a case of its own"}
		}
		for _, i := range d.Incidents {
			claim.Periods = append(claim.Periods, i.Period)
		}
		if err := claim.check(d.now, s.o); err != nil {
			return err
		}
		d.Expires = time.Time{}
		marked := d.Incidents
		d.Incidents = nil
		d.take(claim, d.now, d.by)
		copy(d.Incidents[len(d.Incidents)-len(marked):], marked)
		for i := range d.Incidents {
			d.Incidents[i].N = i + 1
		}
		return nil
	})
}

// AddIncident files a further occurrence (Tw 11.11(3)).
func (s *Service) AddIncident(ctx context.Context, by Actor, id string, p Period, note string) (*Case, error) {
	return s.change(ctx, by, id, actIncident, "", func(d *draft) error {
		var e Incomplete
		p.check(&e, d.now, s.o)
		if len(d.Incidents) >= maxPeriods {
			e.add("period", "too many: open a second case")
		}
		if err := e.orNil(); err != nil {
			return err
		}
		d.addIncident(p, note, d.now, d.by)
		return nil
	})
}
