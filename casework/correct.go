package casework

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/trace"
)

// What can be put right on a subscriber's request (promise 8; GDPR 16).
const (
	CorrectCall    = "call"    // a note on a record, which is evidence and stays as it is
	CorrectAddress = "address" // name and address that letters go to
	// Rule and shielding are kept elsewhere; Options.Correctors puts them right.
	CorrectRule      = "rule"
	CorrectShielding = "shielding"
)

// Corrector tells how something is put right that is kept elsewhere in the same store; it
// changes nothing itself. *Incomplete and *Conflict say why it cannot be done.
type Corrector func(ctx context.Context, by Actor, n numbering.Number, to json.RawMessage, why string) (Elsewhere, error)

// Elsewhere is a correction that is saved in the transaction of the request that tells of
// it: neither is there without the other.
type Elsewhere struct {
	Before, After string // how it stands, and how it will
	Also
	Audit []audit.Entry // what tells of Also.Shielded; a rule's change tells of itself
	Done  func(error)   // told what became of it: after an error it may be made all the same; may be nil
}

// Correction is one thing that was put right.
type Correction struct {
	At     time.Time
	By     string
	Of     string   // CorrectCall ...
	Record trace.ID // of a call
	Before string   // how it stood; of a call nothing: its record says it
	After  string   // how it stands; of a call the note
	Party  Party    // of an address
	Why    string
}

// Correcting asks for a correction. To is what is right: of a call {"record", "note"}, of
// an address a Party, else what the Corrector takes.
type Correcting struct {
	Of  string          `json:"of"`
	To  json.RawMessage `json:"to"`
	Why string          `json:"why"`
}

// Correct puts one thing right on a request for correction that waits for its answer, and
// keeps in it what stood there before, who changed it, when and why.
func (s *Service) Correct(ctx context.Context, by Actor, id string, c Correcting) (*SubjectRequest, error) {
	r, err := s.loadRequest(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Right != RightCorrection:
		err = &Conflict{"the request asks for no correction"}
	case !r.Answered.IsZero():
		err = &Conflict{"the request was answered already: enter another"}
	}
	var done Correction
	var also Elsewhere
	if err == nil {
		done, also, err = s.correction(ctx, by, r, c)
	}
	if err == nil {
		done.At, done.By, done.Of, done.Why = s.o.Now(), by.Name, c.Of, c.Why
		if r.corrected(done) {
			return r, nil
		}
		next := *r
		next.Corrections = append(slices.Clip(r.Corrections), done)
		saved, failed := s.putRequestAlso(ctx, by, &next, "corrected", c.Of+": "+c.Why, also)
		if !errors.Is(failed, rules.ErrStale) && !errors.Is(failed, rules.ErrPrecondition) {
			return saved, failed
		}
		err = &Conflict{"the rule was changed meanwhile: look at it and correct it again"}
	}
	return nil, errors.Join(err, s.auditEvent(ctx, requestEvent(by, "refused: request corrected", r)))
}

// corrected tells whether a correction is the last one of its kind already: asked for again
// because the answer was lost, it is made once. Of what is kept elsewhere nothing may have
// changed since.
func (r *SubjectRequest) corrected(c Correction) bool {
	for _, was := range slices.Backward(r.Corrections) {
		if was.Of != c.Of || was.Record != c.Record {
			continue
		}
		elsewhere := c.Of != CorrectCall && c.Of != CorrectAddress
		return was.By == c.By && was.Why == c.Why && was.After == c.After && was.Party == c.Party && (!elsewhere || c.Before == c.After)
	}
	return false
}

func (s *Service) correction(ctx context.Context, by Actor, r *SubjectRequest, c Correcting) (done Correction, also Elsewhere, err error) {
	var e Incomplete
	e.require([3]string{"why", c.Why, "why it was wrong"})
	corrector := s.o.Correctors[c.Of]
	if corrector == nil && c.Of != CorrectCall && c.Of != CorrectAddress {
		kinds := append([]string{CorrectAddress, CorrectCall}, slices.Sorted(maps.Keys(s.o.Correctors))...)
		e.add("of", "one of: "+strings.Join(kinds, ", "))
	}
	if err := e.orNil(); err != nil {
		return done, also, err
	}
	switch c.Of {
	case CorrectCall:
		done, err = s.correctCall(ctx, r.Number, c.To)
	case CorrectAddress:
		done, err = s.correctAddress(ctx, r.Number, c.To)
	default:
		also, err = corrector(ctx, by, r.Number, c.To, c.Why)
		done.Before, done.After = also.Before, also.After
	}
	return done, also, err
}

// correctCall puts a note on a call that the subscriber made, got or forwarded.
func (s *Service) correctCall(ctx context.Context, n numbering.Number, to json.RawMessage) (done Correction, err error) {
	var in struct{ Record, Note string }
	_ = json.Unmarshal(to, &in) // what is missing then is named
	var e Incomplete
	e.require([3]string{"to.note", in.Note, "what is wrong in the record, and what is right"})
	if done.Record, err = trace.ParseID(in.Record); err != nil {
		e.add("to.record", "the record of the call, as the subscriber's export names it")
	}
	if err := e.orNil(); err != nil {
		return done, err
	}
	done.After = in.Note
	at, found := done.Record.Time(), false
	for _, q := range []trace.Query{{Caller: n}, {Called: n}} {
		q.From, q.To = at.Add(-time.Minute), at.Add(time.Minute)
		q.Basis = trace.BasisTransmission | trace.BasisNuisance | trace.BasisEmergency
		err := s.records.Search(ctx, q, func(r *trace.Record) bool {
			found = found || r.ID == done.Record
			return !found
		})
		if err != nil && !errors.Is(err, trace.ErrMore) {
			return done, fmt.Errorf("%w: records: %w", ErrUnavailable, err)
		}
	}
	if !found {
		return done, &Conflict{"the subscriber has no call with this record"}
	}
	return done, nil
}

// correctAddress has letters to the subscriber go elsewhere from now on, for as long as
// the request is kept: by then the customer system is right.
func (s *Service) correctAddress(ctx context.Context, n numbering.Number, to json.RawMessage) (done Correction, err error) {
	_ = json.Unmarshal(to, &done.Party) // what is missing then is named
	var e Incomplete
	e.require([3]string{"to.name", done.Party.Name, "name"}, [3]string{"to.address", done.Party.Address, "street and house number"},
		[3]string{"to.postcode", done.Party.Postcode, "postcode"}, [3]string{"to.town", done.Party.Town, "town"})
	if err := e.orNil(); err != nil {
		return done, err
	}
	done.After = done.Party.line()
	if s.addresses == nil {
		return done, nil
	}
	before, err := s.addresses.Lookup(ctx, n)
	switch {
	case err == nil:
		done.Before = before.line()
	case !errors.Is(err, ErrUnknownParty):
		return done, fmt.Errorf("%w: addresses: %w", ErrUnavailable, err)
	}
	return done, nil
}

func (p Party) line() string {
	return strings.Join([]string{p.Name, p.Address, p.Postcode, p.Town}, ", ")
}

// lookup is the address book, with what was corrected since.
func (s *Service) lookup(ctx context.Context, n numbering.Number) (Party, error) {
	p, err := s.addresses.Lookup(ctx, n)
	if err != nil || p.Provider != "" {
		return p, err
	}
	requests, err := s.RequestsOf(ctx, n)
	if err != nil {
		return p, err
	}
	var last time.Time
	for _, r := range requests {
		for _, c := range r.Corrections {
			if c.Of == CorrectAddress && !c.At.Before(last) {
				last = c.At
				language := cmp.Or(c.Party.Language, p.Language)
				p = c.Party
				p.Language, p.Provider = language, ""
			}
		}
	}
	return p, nil
}

// RequestsOf are a subscriber's requests, newest first, for his export.
func (s *Service) RequestsOf(ctx context.Context, n numbering.Number) (list []*SubjectRequest, err error) {
	subject, err := s.safe.subject(ctx, n)
	if err != nil {
		return nil, err
	}
	err = s.requests(ctx, Filter{Kind: KindRequest, Subject: &subject}, func(r *SubjectRequest) { list = append(list, r) })
	return list, err
}

// Note is a correction as it goes with a record: who, when, why.
type Note struct {
	Record string    `json:"record"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Note   string    `json:"note"`
	Why    string    `json:"why"`
}

// notes are the corrections of records, to stand beside them in evidence.
func (s *Service) notes(ctx context.Context, records []*trace.Record) (list []Note, err error) {
	of := make(map[trace.ID]bool, len(records))
	for _, r := range records {
		of[r.ID] = true
	}
	err = s.eachRequest(ctx, func(r *SubjectRequest) {
		for _, c := range r.Corrections {
			if c.Of == CorrectCall && of[c.Record] {
				list = append(list, Note{c.Record.String(), c.At, c.By, c.After, c.Why})
			}
		}
	})
	slices.SortFunc(list, func(a, b Note) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Record, b.Record)) })
	return list, err
}
