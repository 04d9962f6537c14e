// Package subject answers what is held about a subscriber and why (promise 8; GDPR 15).
// The numbers of others who withheld them are left out (GDPR 15(4)).
package subject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/numbering"
	"clirgate/trace"
)

// Held is what one thing is kept for, and who was given it.
type Held struct {
	Purposes   []string `json:"purposes"`
	Recipients []string `json:"recipients"` // none: nobody
}

// Export is everything held on a number.
type Export struct {
	Number    string          `json:"number"`
	Made      time.Time       `json:"made"`
	Purposes  []Purpose       `json:"purposes"`
	Services  json.RawMessage `json:"services,omitempty"`      // the subscriber's rule; null: none
	Presented *Held           `json:"services_held,omitempty"` // of the rule: as long as the service lasts
	Shielding *Shielding      `json:"shielding,omitempty"`
	Calls     []Call          `json:"calls"`
	More      bool            `json:"more"` // there are more calls than one export holds
	Cases     []Case          `json:"cases"`
	Marks     []Mark          `json:"marks"`
	Warnings  []Warning       `json:"warnings"`
	Requests  []Request       `json:"requests"`
}

// Shielding is the number's entry on the list of those that are masked on others' bills.
type Shielding struct {
	Held
	From   string `json:"from"`
	Until  string `json:"until,omitempty"` // the first day it is not; none: as long as the service lasts
	Source string `json:"source,omitempty"`
}

// Call is one call from or to the subscriber.
type Call struct {
	Held
	Record    string     `json:"record"`
	Direction string     `json:"direction"` // made, received, forwarded
	Service   string     `json:"service"`
	Start     time.Time  `json:"start"`
	Answer    *time.Time `json:"answer,omitempty"`
	End       *time.Time `json:"end,omitempty"`
	Number    string     `json:"number,omitempty"` // dialled, or who called; none: withheld, or not known
	Withheld  bool       `json:"withheld"`
	Status    int        `json:"status,omitempty"`
	Source    string     `json:"source,omitempty"` // of calls made
	Shown     string     `json:"shown,omitempty"`  // of calls made: what the caller's own device showed
	Bases     []string   `json:"bases"`
	Expires   time.Time  `json:"expires"`
	Notes     []Note     `json:"corrections,omitempty"`
}

// Note is a correction as it stands beside a call.
type Note struct {
	At   time.Time `json:"at"`
	Note string    `json:"note"`
	Why  string    `json:"why"`
}

// Case is a complaint of the subscriber.
type Case struct {
	Held
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

// Mark is a call that the subscriber marked as malicious (TS 24.616).
type Mark struct {
	Held
	Case    string     `json:"case"`
	Call    time.Time  `json:"call"`
	Marked  time.Time  `json:"marked"`
	How     string     `json:"how"`               // code, message, always, unanswered
	Expires *time.Time `json:"expires,omitempty"` // none: three months after the case is closed
}

// Warning is a case about calls from the subscriber, which he was told of in writing. Who
// complained is not for him to know.
type Warning struct {
	Held
	Case      string     `json:"case"`
	Warned    time.Time  `json:"warned"`
	Disclosed *time.Time `json:"disclosed,omitempty"`
	Calls     int        `json:"calls"`
	Expires   *time.Time `json:"expires,omitempty"` // none: three months after the case is closed
}

// Request is a request of the subscriber, with its history. Who worked on it is not told:
// that is somebody else's.
type Request struct {
	Held
	ID          string         `json:"id"`
	Right       casework.Right `json:"right"`
	Purpose     string         `json:"purpose,omitempty"` // of an objection
	What        string         `json:"what,omitempty"`
	Received    time.Time      `json:"received"`
	Due         time.Time      `json:"due"`
	Answered    *time.Time     `json:"answered,omitempty"`
	Answer      string         `json:"answer,omitempty"`
	Granted     bool           `json:"granted"`
	Lifted      *time.Time     `json:"lifted,omitempty"`
	Expires     *time.Time     `json:"expires,omitempty"` // none: a year after it is answered, or an objection in force
	Corrections []Corrected    `json:"corrections,omitempty"`
}

// Corrected is one thing that was put right.
type Corrected struct {
	At     time.Time `json:"at"`
	Of     string    `json:"of"`
	Record string    `json:"record,omitempty"`
	Before string    `json:"before,omitempty"`
	After  string    `json:"after"`
	Why    string    `json:"why"`
}

// Cases tells what is kept of a subscriber in casework; casework.Service does.
type Cases interface {
	About(ctx context.Context, n numbering.Number) ([]*casework.Case, error)
	Concerning(ctx context.Context, n numbering.Number) ([]*casework.Case, error)
	RequestsOf(ctx context.Context, n numbering.Number) ([]*casework.SubjectRequest, error)
}

// Service makes exports.
type Service struct {
	Records   casework.Records
	Cases     Cases
	Rules     func(ctx context.Context, n numbering.Number) (json.RawMessage, error)   // nil: none are kept
	Shielded  func(ctx context.Context, n numbering.Number) (bills.Entry, bool, error) // nil: no list is kept
	Audit     casework.Auditor
	Retention func() trace.Retention // as it is now: it can change while the gateway runs
	Now       func() time.Time       // nil: time.Now
}

// Export collects everything held on a number. The look is audited first. Authorities'
// orders are left out: the law keeps them from the subscriber.
func (s *Service) Export(ctx context.Context, by casework.Actor, n numbering.Number) (*Export, error) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	at := now()
	e := &Export{
		Number: n.E164(), Made: at, Purposes: Purposes(s.Retention()),
		Calls: []Call{}, Cases: []Case{}, Marks: []Mark{}, Warnings: []Warning{}, Requests: []Request{},
	}
	err := s.Audit.Audit(ctx, casework.Event{
		At: at, Actor: by.Name, Role: by.Role, Action: "export", Purpose: casework.PurposeSubject, Subjects: []numbering.Number{n},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: audit: %w", casework.ErrUnavailable, err)
	}
	if err := s.rules(ctx, e, n); err != nil {
		return nil, err
	}
	for _, q := range []trace.Query{{Caller: n}, {Called: n}} {
		if err := s.calls(ctx, e, q, at); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(e.Calls, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return e, s.cases(ctx, e, n)
}

// rules adds the subscriber's services and his entry on the shielding list.
func (s *Service) rules(ctx context.Context, e *Export, n numbering.Number) (err error) {
	if s.Rules != nil {
		if e.Services, err = s.Rules(ctx, n); err != nil {
			return fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
		}
	}
	if e.Services != nil {
		e.Presented = &Held{[]string{forPresentation}, []string{}}
	}
	if s.Shielded == nil {
		return nil
	}
	entry, ok, err := s.Shielded(ctx, n)
	if err != nil {
		return fmt.Errorf("%w: shielding list: %w", casework.ErrUnavailable, err)
	}
	if ok {
		e.Shielding = &Shielding{Held: Held{[]string{forBills}, []string{toProviders}}, From: entry.From.String(), Source: entry.Source}
		if entry.Source != "" { // another provider's subscriber: who sent it has it, nobody else gets it
			e.Shielding.Recipients = []string{}
		}
		if entry.Until != bills.NoDate {
			e.Shielding.Until = entry.Until.String()
		}
	}
	return nil
}

func (s *Service) calls(ctx context.Context, e *Export, q trace.Query, now time.Time) error {
	q.To, q.Basis = now.Add(time.Minute), trace.BasisTransmission|trace.BasisNuisance|trace.BasisEmergency
	err := s.Records.Search(ctx, q, func(r *trace.Record) bool {
		e.Calls = append(e.Calls, call(r, q))
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

// call is a record as one side of it may know it. Of a forwarded call the caller may know
// whom he dialled, not where it went; whoever got it, who called, not by whose forwarding.
func call(r *trace.Record, q trace.Query) Call {
	c := Call{
		Held: held(r, q.Caller != 0), Record: r.ID.String(),
		Direction: "received", Service: r.Method, Start: r.Start, Answer: set(r.Answer), End: set(r.End),
		Withheld: r.Withheld, Status: r.Status, Bases: r.Bases.Names(), Expires: r.Expires,
	}
	if q.Caller != 0 {
		c.Direction, c.Number, c.Shown = "made", text(dialled(r)), text(r.Shown)
		if r.Source.IsValid() {
			c.Source = r.Source.String()
		}
		return c
	}
	if q.Called != r.Called {
		c.Direction = "forwarded"
	}
	if !r.Withheld { // else what the caller kept from the subscriber stays so
		c.Number = text(r.Calling)
	}
	return c
}

// dialled is whom the caller dialled, where the record tells: behind several forwardings
// it knows only the last two, and those are other people's.
func dialled(r *trace.Record) numbering.Number {
	switch {
	case r.DivertedFrom == 0 && !r.Chain:
		return r.Called
	case r.Chain:
		return 0
	}
	return r.DivertedFrom
}

// held is what a record is kept for, and who got the subscriber's number with the call.
func held(r *trace.Record, made bool) Held {
	h := Held{[]string{}, []string{}}
	for _, p := range [...]struct {
		basis trace.Basis
		name  string
	}{{trace.BasisTransmission, forTransmission}, {trace.BasisNuisance, forNuisance}, {trace.BasisEmergency, forEmergency}} {
		if r.Bases&p.basis != 0 {
			h.Purposes = append(h.Purposes, p.name)
		}
	}
	if !made {
		return h
	}
	if r.Egress != "" {
		h.Recipients = append(h.Recipients, toNetworks)
	}
	switch {
	case r.Bases&trace.BasisEmergency != 0:
		h.Recipients = append(h.Recipients, toEmergency)
	case !r.Withheld:
		h.Recipients = append(h.Recipients, toCalled)
	}
	return h
}

// cases adds complaints, marks, warnings and requests.
func (s *Service) cases(ctx context.Context, e *Export, n numbering.Number) error {
	if s.Cases == nil {
		return nil
	}
	about, err := s.Cases.About(ctx, n)
	concerning, concernErr := s.Cases.Concerning(ctx, n)
	requests, requestErr := s.Cases.RequestsOf(ctx, n)
	if err := errors.Join(err, concernErr, requestErr); err != nil {
		return fmt.Errorf("%w: cases: %w", casework.ErrUnavailable, err)
	}
	for _, c := range about {
		e.complaint(c)
	}
	for _, c := range concerning {
		e.warning(c)
	}
	for _, r := range requests {
		e.request(r)
	}
	return nil
}

func (e *Export) complaint(c *casework.Case) {
	if c.State != casework.Draft {
		v := Case{
			Held: Held{[]string{forNuisance}, []string{}},
			ID:   c.ID, State: c.State, Created: c.Created, Closed: set(c.Closed), Expires: set(c.Expires),
			Claimant: c.Claim.Claimant, Nuisance: c.Claim.Nuisance, Incidents: []time.Time{},
		}
		for _, i := range c.Incidents {
			v.Incidents = append(v.Incidents, i.Period.From)
		}
		if c.Request != nil && c.Request.Granted {
			v.Caller = text(c.Selection.Candidate.Number)
		}
		for _, q := range c.Provider {
			v.Recipients = append(v.Recipients, q.Provider)
		}
		e.Cases = append(e.Cases, v)
	}
	for _, i := range c.Incidents {
		if i.Mark != "" {
			e.Marks = append(e.Marks, Mark{Held{[]string{forNuisance}, []string{}}, c.ID, i.Period.From, i.Reported, i.Mark, set(c.Expires)})
		}
	}
}

func (e *Export) warning(c *casework.Case) {
	w := Warning{
		Held: Held{[]string{forNuisance}, []string{}},
		Case: c.ID, Warned: c.Warning.Sent, Calls: len(c.Selection.Candidate.Calls), Expires: set(c.Expires),
	}
	if c.Request != nil && c.Request.Granted {
		w.Disclosed = set(c.Request.Decided)
		w.Recipients = append(w.Recipients, toClaimant)
	}
	e.Warnings = append(e.Warnings, w)
}

func (e *Export) request(r *casework.SubjectRequest) {
	v := Request{
		Held: Held{[]string{forRights}, []string{}},
		ID:   r.ID, Right: r.Right, Purpose: r.Purpose, What: r.What, Received: r.Received, Due: r.Due,
		Answered: set(r.Answered), Answer: r.Answer, Granted: r.Granted, Lifted: set(r.Lifted), Expires: set(r.Expires),
	}
	for _, c := range r.Corrections {
		done := Corrected{At: c.At, Of: c.Of, Before: c.Before, After: c.After, Why: c.Why}
		if c.Of == casework.CorrectCall {
			done.Record = c.Record.String()
			for i := range e.Calls {
				if e.Calls[i].Record == done.Record {
					e.Calls[i].Notes = append(e.Calls[i].Notes, Note{c.At, c.After, c.Why})
				}
			}
		}
		v.Corrections = append(v.Corrections, done)
	}
	e.Requests = append(e.Requests, v)
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
