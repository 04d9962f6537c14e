package casework

import (
	"context"
	"errors"
	"time"

	"clirgate/numbering"
)

// Get shows a case; the look is audited with those whose numbers it shows whole.
func (s *Service) Get(ctx context.Context, by Actor, id string) (*Case, error) {
	c, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	seen := []numbering.Number{c.Claim.Number}
	if c.Selection != nil && c.Selection.Candidate.Number != 0 {
		seen = append(seen, c.Selection.Candidate.Number)
	}
	if err := s.audited(ctx, by, "view", c, seen...); err != nil {
		return nil, err
	}
	return c, nil
}

// Summary is one line of a list: nobody's number in it.
type Summary struct {
	ID       string    `json:"id"`
	State    State     `json:"state"`
	Created  time.Time `json:"created"`
	Revision uint64    `json:"revision"`
}

// List tells which cases there are, newest first; state empty: all.
func (s *Service) List(ctx context.Context, by Actor, state State, limit int) ([]Summary, error) {
	return s.list(ctx, by, Filter{Kind: KindCase, State: string(state)}, "list", PurposeNuisance, limit)
}

// ListOrders tells which orders there are, newest first.
func (s *Service) ListOrders(ctx context.Context, by Actor, limit int) ([]Summary, error) {
	return s.list(ctx, by, Filter{Kind: KindOrder}, "list orders", PurposeAuthority, limit)
}

func (s *Service) list(ctx context.Context, by Actor, f Filter, what, purpose string, limit int) (list []Summary, err error) {
	now := s.o.Now()
	err = s.store.List(ctx, f, func(r Row) bool {
		if r.Expires.IsZero() || r.Expires.After(now) {
			list = append(list, Summary{r.ID, State(r.State), r.Created, r.Revision})
		}
		return limit <= 0 || len(list) < limit
	})
	if err == nil {
		err = s.auditEvent(ctx, Event{Actor: by.Name, Role: by.Role, Action: what, Purpose: purpose, Count: len(list)})
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Content is a document opened: HTML of a letter, JSON of evidence.
type Content struct {
	N       int
	Kind    string
	Created time.Time
	Body    []byte
}

// Document opens document n of a case.
func (s *Service) Document(ctx context.Context, by Actor, id string, n int) (Content, error) {
	c, err := s.load(ctx, id)
	if err != nil {
		return Content{}, err
	}
	d, err := s.store.Document(ctx, id, n)
	if err != nil {
		return Content{}, err
	}
	body, err := s.safe.open(id, documentName(n), d.Sealed)
	if err != nil {
		return Content{}, err
	}
	seen := named(body)
	if d.Kind != KindEvidence && c.Selection != nil && c.Selection.Candidate.Number != 0 {
		seen = append(seen, c.Selection.Candidate.Number)
	}
	if d.Kind == LetterDisclosure { // it names the number called too
		seen = append(seen, c.Claim.Number)
	}
	if err := s.audited(ctx, by, "read "+d.Kind, c, seen...); err != nil {
		return Content{}, err
	}
	return Content{d.N, d.Kind, d.Created, body}, nil
}

// Documents lists what letters and evidence a case has.
func (s *Service) Documents(ctx context.Context, by Actor, id string) (list []Content, err error) {
	c, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	docs, err := s.store.Documents(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		list = append(list, Content{N: d.N, Kind: d.Kind, Created: d.Created})
	}
	if err := s.audited(ctx, by, "list documents", c); err != nil {
		return nil, err
	}
	return list, nil
}

// About lists the cases opened on a number, for its subscriber's export.
func (s *Service) About(ctx context.Context, n numbering.Number) (list []*Case, err error) {
	subject, err := s.safe.subject(ctx, n)
	if err != nil {
		return nil, err
	}
	var failed error
	err = s.store.List(ctx, Filter{Kind: KindCase, Subject: &subject}, func(r Row) bool {
		c, err := s.opened(r)
		if err == nil {
			list = append(list, c)
		} else if !errors.Is(err, ErrNotFound) {
			failed = err
		}
		return failed == nil
	})
	return list, errors.Join(err, failed)
}

// Concerning lists the cases in which a subscriber is the selected caller and was told so
// in writing, for his export. Those under way before that are not for him to know yet.
func (s *Service) Concerning(ctx context.Context, n numbering.Number) (list []*Case, err error) {
	var failed error
	err = s.store.List(ctx, Filter{Kind: KindCase}, func(r Row) bool {
		c, err := s.opened(r)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			failed = err
		case c.Selection != nil && c.Selection.Candidate.Number == n && c.Warning != nil && !c.Warning.Sent.IsZero():
			list = append(list, c)
		}
		return failed == nil
	})
	return list, errors.Join(err, failed)
}
