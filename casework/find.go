package casework

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clirgate/trace"
)

// Search looks for the withheld calls to the claimed number at the claimed times, and
// for nothing else. *Conflict when calls were found but their numbers were presented:
// then the claimant has them already (Tw 11.11(1)). No call at all is no error.
func (s *Service) Search(ctx context.Context, by Actor, id string) (*Case, error) {
	return s.change(ctx, by, id, actSearch, "", func(d *draft) error {
		found, presented, err := s.withheldCalls(d)
		if err != nil {
			return err
		}
		if len(found) == 0 && presented {
			return &Conflict{"the number was presented: only withheld calls can be investigated (Tw 11.11(1))"}
		}
		d.Candidates, d.Searched = candidates(found), d.now
		for _, c := range d.Candidates {
			if c.Number != 0 {
				d.seen = append(d.seen, c.Number)
			}
		}
		return nil
	})
}

// hit is a record within an incident.
type hit struct {
	*trace.Record
	incident int
}

func (s *Service) withheldCalls(d *draft) (found []hit, presented bool, err error) {
	for i := range d.Incidents {
		in := &d.Incidents[i]
		from, to := in.window(s.o.Margin)
		q := trace.Query{Called: d.Claim.Number, From: from, To: to.Add(1), Basis: trace.BasisNuisance, Oldest: true}
		err := s.records.Search(d.ctx, q, func(r *trace.Record) bool {
			switch {
			case slices.ContainsFunc(found, func(h hit) bool { return h.ID == r.ID }):
			case r.Withheld:
				found = append(found, hit{r, in.N})
			default:
				presented = true
			}
			return true
		})
		if err != nil {
			return nil, false, fmt.Errorf("%w: records: %w", ErrUnavailable, err)
		}
		if r := in.frozen(); r != nil && !slices.ContainsFunc(found, func(h hit) bool { return h.ID == r.ID }) {
			found = append(found, hit{r, in.N})
		}
	}
	return found, presented, nil
}

// candidates groups calls by who made them. Calls of unknown identity are grouped by
// the peer they came from: its operator may know (Tw 11.11(5)).
func candidates(found []hit) (list []Candidate) {
	for _, h := range found {
		at := slices.IndexFunc(list, func(c Candidate) bool {
			return c.Number == h.Calling && (c.Number != 0 || c.Ingress == h.Ingress)
		})
		if at < 0 {
			at = len(list)
			list = append(list, Candidate{Number: h.Calling, Trust: h.Trust, Ingress: h.Ingress})
		}
		list[at].Calls = append(list[at].Calls, Call{
			Record: h.ID, Start: h.Start, Answer: h.Answer, End: h.End, Status: h.Status, Incident: h.incident,
		})
	}
	slices.SortStableFunc(list, func(a, b Candidate) int { return cmp.Compare(len(b.Calls), len(a.Calls)) })
	for i := range list {
		list[i].N = i + 1
	}
	return list
}

// Select chooses a candidate, for a reason, and freezes the records of its calls as
// evidence. An incident has one selection: that it was another caller is for a second
// person to say, so that nobody unmasks all candidates by himself.
func (s *Service) Select(ctx context.Context, by Actor, id string, n int, reason string) (*Case, error) {
	return s.change(ctx, by, id, actSelect, reason, func(d *draft) error {
		var e Incomplete
		e.require([3]string{"reason", reason, "why this caller"})
		at := slices.IndexFunc(d.Candidates, func(c Candidate) bool { return c.N == n })
		if at < 0 {
			e.add("candidate", "none with this number was found by the last search")
		}
		if err := e.orNil(); err != nil {
			return err
		}
		if err := d.unmask(d.Candidates[at]); err != nil {
			return err
		}
		d.Selection = &Selection{Candidate: d.Candidates[at], Reason: reason, By: by.Name, At: d.now}
		return d.evidence(d.Candidates[at].Calls, reason)
	})
}

// evidence freezes the records of calls. A record that is gone meanwhile cannot be
// evidence: search again.
func (d *draft) evidence(calls []Call, reason string) error {
	var records []*trace.Record
	for _, call := range calls {
		r, err := d.record(call)
		if err != nil {
			return err
		}
		records = append(records, r)
		d.see(r)
	}
	key, err := d.s.safe.signer(d.ctx)
	if err != nil {
		return err
	}
	notes, err := d.s.notes(d.ctx, records)
	if err != nil {
		return err
	}
	file, err := signEvidence(key, freeze(d.Case, records, notes, reason, d.by, d.now))
	if err != nil {
		return err
	}
	_, err = d.document(KindEvidence, file)
	return err
}

func (d *draft) see(r *trace.Record) {
	if r.Calling != 0 && !slices.Contains(d.seen, r.Calling) {
		d.seen = append(d.seen, r.Calling)
	}
}

// record is the record of a call, as it is or else as it was frozen.
func (d *draft) record(call Call) (found *trace.Record, err error) {
	q := trace.Query{Called: d.Claim.Number, From: call.Record.Time(), To: call.Record.Time().Add(time.Millisecond), Basis: trace.BasisNuisance}
	err = d.s.records.Search(d.ctx, q, func(r *trace.Record) bool {
		if r.ID == call.Record {
			found = r
		}
		return found == nil
	})
	switch {
	case err != nil && !errors.Is(err, trace.ErrMore):
		return nil, fmt.Errorf("%w: records: %w", ErrUnavailable, err)
	case found == nil:
		for i := range d.Incidents {
			if r := d.Incidents[i].frozen(); r != nil && r.ID == call.Record {
				return r, nil
			}
		}
		return nil, &Conflict{"a record found by the last search is gone: search again"}
	}
	return found, nil
}

// AskProvider records a question to the provider whose subscriber the caller is.
func (s *Service) AskProvider(ctx context.Context, by Actor, id, provider, question string) (*Case, error) {
	return s.change(ctx, by, id, actAsk, provider, func(d *draft) error {
		var e Incomplete
		e.require([3]string{"provider", provider, "whom to ask"}, [3]string{"question", question, "what was asked"})
		if err := e.orNil(); err != nil {
			return err
		}
		d.Provider = append(d.Provider, Consultation{
			N: len(d.Provider) + 1, Provider: strings.TrimSpace(provider), Question: question, Asked: d.now, By: by.Name,
		})
		d.seen = append(d.seen, d.Selection.Candidate.Number)
		return nil
	})
}

// AnswerProvider records the answer to question n.
func (s *Service) AnswerProvider(ctx context.Context, by Actor, id string, n int, answer string) (*Case, error) {
	return s.change(ctx, by, id, actAnswer, "", func(d *draft) error {
		var e Incomplete
		e.require([3]string{"answer", answer, "what the provider answered"})
		if n < 1 || n > len(d.Provider) {
			e.add("question", "no question with this number was asked")
		}
		if err := e.orNil(); err != nil {
			return err
		}
		if q := &d.Provider[n-1]; q.Answered.IsZero() {
			q.Answer, q.Answered = answer, d.now
			return nil
		}
		return &Conflict{"this question was answered already"}
	})
}
