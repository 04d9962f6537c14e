package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clirgate/trace"
)

// RequestDisclosure asks that the claimant be told who called: in the last resort, when
// the caller has gone on after the warning (promise 6). A withheld call of the selected
// caller must be found in a new incident; its record becomes evidence too.
func (s *Service) RequestDisclosure(ctx context.Context, by Actor, id, reason string) (*Case, error) {
	return s.change(ctx, by, id, actRequest, reason, func(d *draft) error {
		var e Incomplete
		e.require([3]string{"reason", reason, "why disclosure is needed"})
		if err := e.orNil(); err != nil {
			return err
		}
		if d.Warning.Sent.IsZero() {
			return &Conflict{"the warning letter has not been sent"}
		}
		incident, calls, err := d.goneOn()
		if err != nil {
			return err
		}
		d.Request = &Request{By: by.Name, At: d.now, Reason: reason, Incident: incident, Calls: calls}
		return d.evidence(calls, reason)
	})
}

// goneOn finds the first new incident in which the selected caller called again.
func (d *draft) goneOn() (incident int, calls []Call, err error) {
	some := false
	for i := range d.Incidents {
		in := &d.Incidents[i]
		if in.Period.end().Before(d.Warning.Sent) {
			continue
		}
		some = true
		if calls, err = d.repeated(in); err != nil {
			return 0, nil, err
		}
		if len(calls) > 0 {
			return in.N, calls, nil
		}
	}
	if some {
		return 0, nil, &Conflict{"no withheld call of the selected caller is found in an incident after the warning"}
	}
	return 0, nil, &Conflict{"no new incident was reported after the warning"}
}

func (d *draft) repeated(in *Incident) (calls []Call, err error) {
	from, to := in.window(d.s.o.Margin)
	if from.Before(d.Warning.Sent) {
		from = d.Warning.Sent
	}
	q := trace.Query{
		Caller: d.Selection.Candidate.Number, Called: d.Claim.Number, From: from, To: to.Add(1),
		OnlyWithheld: true, Basis: trace.BasisNuisance, Oldest: true,
	}
	err = d.s.records.Search(d.ctx, q, func(r *trace.Record) bool {
		calls = append(calls, Call{Record: r.ID, Start: r.Start, Answer: r.Answer, End: r.End, Status: r.Status, Incident: in.N})
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("%w: records: %w", ErrUnavailable, err)
	}
	return calls, nil
}

// Approve grants disclosure: the letter to the claimant and the notice to the caller are
// made in one transaction (LAW-12). Never by the person who asked.
func (s *Service) Approve(ctx context.Context, by Actor, id, reason string) (*Case, error) {
	return s.change(ctx, by, id, actApprove, reason, func(d *draft) error {
		if err := d.decide(true); err != nil {
			return err
		}
		caller, err := d.caller()
		if err != nil {
			return err
		}
		number := d.Selection.Candidate.Number
		d.Request.Document, err = d.letter(LetterDisclosure, Letter{
			Recipient: d.Claim.Claimant, Caller: &caller, Number: number, Called: d.Claim.Number, Calls: d.callTimes(),
		})
		if err != nil {
			return err
		}
		notice, err := d.letter(LetterNotice, Letter{Recipient: caller, Number: number})
		if err != nil {
			return err
		}
		d.Notice = &Sending{Document: notice, Made: d.now}
		return nil
	})
}

// callTimes are those of the calls before the warning and after it.
func (d *draft) callTimes() (times []time.Time) {
	told := make(map[trace.ID]bool)
	for _, c := range slices.Concat(d.Selection.Candidate.Calls, d.Request.Calls) {
		if !told[c.Record] {
			told[c.Record] = true
			times = append(times, c.Start)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// Refuse turns a request down; never by the person who asked.
func (s *Service) Refuse(ctx context.Context, by Actor, id, reason string) (*Case, error) {
	return s.change(ctx, by, id, actRefuse, reason, func(d *draft) error {
		var e Incomplete
		e.require([3]string{"reason", reason, "why it is refused"})
		if err := e.orNil(); err != nil {
			return err
		}
		return d.decide(false)
	})
}

func (d *draft) decide(granted bool) error {
	if d.by.is(d.Request.By) {
		return &Forbidden{"disclosure is decided by another person than the one who requested it"}
	}
	d.Request.Approver, d.Request.Decided, d.Request.Granted = d.by.Name, d.now, granted
	return nil
}

// NoticeSent notes when the notice to the caller was posted; zero: now.
func (s *Service) NoticeSent(ctx context.Context, by Actor, id string, at time.Time) (*Case, error) {
	return s.change(ctx, by, id, actNoticeSent, "", func(d *draft) error { return d.Notice.post(at, d.now) })
}
