// Package subject answers what is held about a subscriber and why (promise 8; GDPR 15).
// The numbers of others who withheld them are left out (GDPR 15(4)).
package subject

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"clirgate/casework"
	"clirgate/numbering"
	"clirgate/trace"
)

// Purpose is one thing data are kept for: the register of processing.
type Purpose struct {
	Name       string   `json:"name"`
	Data       string   `json:"data"`
	Recipients []string `json:"recipients"`
	Kept       string   `json:"kept"`
}

// Purposes is the register: nothing is kept for anything else.
func Purposes(months trace.Retention) []Purpose {
	kept := fmt.Sprintf("%d months (internet telephony %d, messages %d)",
		months.Of(trace.ServiceTelephony), months.Of(trace.ServiceInternet), months.Of(trace.ServiceMessage))
	return []Purpose{
		{"presentation of the calling number", "number and its services", []string{"the called party, unless withheld"}, "as long as the service lasts"},
		{"transmission of calls", "calls", []string{"networks the call passes"}, kept},
		{"emergency calls", "calls to emergency numbers", []string{"the emergency centre"}, kept},
		{"investigation of nuisance calls", "calls; cases", []string{"the claimant, after a warning (Tw 11.11)"}, "calls " + kept + "; cases until three months after closing"},
		{"shielding on bills", "number and date", []string{"other providers"}, "as long as the service lasts"},
	}
}

// Export is everything held on a number.
type Export struct {
	Number   string          `json:"number"`
	Made     time.Time       `json:"made"`
	Purposes []Purpose       `json:"purposes"`
	Services json.RawMessage `json:"services,omitempty"` // the subscriber's rule; null: none
	Calls    []Call          `json:"calls"`
	More     bool            `json:"more"` // there are more calls than one export holds
	Cases    []Case          `json:"cases"`
}

// Call is one call from or to the subscriber.
type Call struct {
	Direction string     `json:"direction"` // made, received
	Service   string     `json:"service"`
	Start     time.Time  `json:"start"`
	Answer    *time.Time `json:"answer,omitempty"`
	End       *time.Time `json:"end,omitempty"`
	Number    string     `json:"number,omitempty"` // the other one's; none: withheld, or not known
	Withheld  bool       `json:"withheld"`
	Status    int        `json:"status,omitempty"`
	Source    string     `json:"source,omitempty"` // of calls made
	Bases     []string   `json:"bases"`
	Expires   time.Time  `json:"expires"`
}

// Case is a complaint of the subscriber.
type Case struct {
	ID        string         `json:"id"`
	State     casework.State `json:"state"`
	Created   time.Time      `json:"created"`
	Closed    *time.Time     `json:"closed,omitempty"`
	Expires   *time.Time     `json:"expires,omitempty"`
	Claimant  casework.Party `json:"claimant"`
	Nuisance  string         `json:"nuisance"`
	Incidents []time.Time    `json:"incidents"`
	Caller    string         `json:"caller,omitempty"` // once it was disclosed
}

// Cases lists complaints; casework.Service does.
type Cases interface {
	About(ctx context.Context, n numbering.Number) ([]*casework.Case, error)
}

// Service makes exports.
type Service struct {
	Records   casework.Records
	Cases     Cases
	Rules     func(ctx context.Context, n numbering.Number) (json.RawMessage, error) // nil: none are kept
	Audit     casework.Auditor
	Retention func() trace.Retention // as it is now: it can change while the gateway runs
	Now       func() time.Time       // nil: time.Now
}

// Export collects everything held on a number. The look is audited first.
func (s *Service) Export(ctx context.Context, by casework.Actor, n numbering.Number) (*Export, error) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	at := now()
	e := &Export{Number: n.E164(), Made: at, Purposes: Purposes(s.Retention()), Calls: []Call{}, Cases: []Case{}}
	err := s.Audit.Audit(ctx, casework.Event{
		At: at, Actor: by.Name, Role: by.Role, Action: "export", Purpose: casework.PurposeSubject, Subjects: []numbering.Number{n},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: audit: %w", casework.ErrUnavailable, err)
	}
	if s.Rules != nil {
		if e.Services, err = s.Rules(ctx, n); err != nil {
			return nil, fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
		}
	}
	for _, q := range []trace.Query{{Caller: n}, {Called: n}} {
		if err := s.calls(ctx, e, q, at); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(e.Calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return e, s.cases(ctx, e, n)
}

func (s *Service) calls(ctx context.Context, e *Export, q trace.Query, now time.Time) error {
	q.To, q.Basis = now.Add(time.Minute), trace.BasisTransmission|trace.BasisNuisance|trace.BasisEmergency
	err := s.Records.Search(ctx, q, func(r *trace.Record) bool {
		e.Calls = append(e.Calls, call(r, q.Caller != 0))
		return true
	})
	if errors.Is(err, trace.ErrMore) {
		e.More = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: records: %w", casework.ErrUnavailable, err)
	}
	return nil
}

// call is a record as one side of it may know it.
func call(r *trace.Record, made bool) Call {
	c := Call{
		Direction: "received", Service: r.Method, Start: r.Start, Answer: set(r.Answer), End: set(r.End),
		Withheld: r.Withheld, Status: r.Status, Bases: r.Bases.Names(), Expires: r.Expires,
	}
	switch {
	case made:
		c.Direction, c.Number = "made", text(r.Called)
		if r.Source.IsValid() {
			c.Source = r.Source.String()
		}
	case !r.Withheld: // else what the caller kept from the subscriber stays so
		c.Number = text(r.Calling)
	}
	return c
}

func (s *Service) cases(ctx context.Context, e *Export, n numbering.Number) error {
	if s.Cases == nil {
		return nil
	}
	list, err := s.Cases.About(ctx, n)
	if err != nil {
		return fmt.Errorf("%w: cases: %w", casework.ErrUnavailable, err)
	}
	for _, c := range list {
		v := Case{
			ID: c.ID, State: c.State, Created: c.Created, Closed: set(c.Closed), Expires: set(c.Expires),
			Claimant: c.Claim.Claimant, Nuisance: c.Claim.Nuisance, Incidents: []time.Time{},
		}
		for _, i := range c.Incidents {
			v.Incidents = append(v.Incidents, i.Period.From)
		}
		if c.Request != nil && c.Request.Granted {
			v.Caller = text(c.Selection.Candidate.Number)
		}
		e.Cases = append(e.Cases, v)
	}
	return nil
}

func text(n numbering.Number) string {
	if n == 0 {
		return ""
	}
	return n.E164()
}

func set(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

//go:embed export.html
var pages embed.FS

var page = template.Must(template.New("export.html").Funcs(template.FuncMap{
	"moment": func(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") },
	"day":    func(t time.Time) string { return t.Format(time.DateOnly) },
	"text":   func(b json.RawMessage) string { return string(b) },
}).ParseFS(pages, "export.html"))

// WriteHTML writes the export to be read and printed.
func (e *Export) WriteHTML(w io.Writer) error { return page.Execute(w, e) }
