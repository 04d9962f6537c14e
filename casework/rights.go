package casework

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// Right is what a subject asks for (promise 8).
type Right string

const (
	RightAccess     Right = "access"
	RightCorrection Right = "correction"
	RightObjection  Right = "objection" // to one purpose; in force from the day it is received
)

// Objectionable are the purposes that can be objected to. What the law or the service
// itself needs is not among them.
var Objectionable = [...]string{"reports"}

// AnswerWithin is how long a request may wait for its answer: four weeks.
const AnswerWithin = 28 * 24 * time.Hour

// answeredKept is how many months an answered request is kept, to prove the answer.
const answeredKept = 12

// SubjectRequest is a request of a subscriber about his own data.
type SubjectRequest struct {
	ID       string
	Revision uint64
	Right    Right
	Number   numbering.Number
	Purpose  string // of an objection
	What     string // in the subject's words
	Received time.Time
	Due      time.Time
	Answered time.Time // zero: not yet
	Answer   string
	Granted  bool
	Lifted   time.Time // of an objection that was taken back
	Expires  time.Time // zero: not answered, or an objection in force
	History  []Step

	Corrections []Correction
}

// Overdue tells whether the answer is late.
func (r *SubjectRequest) Overdue(now time.Time) bool {
	return r.Answered.IsZero() && now.After(r.Due)
}

func (r *SubjectRequest) check(now time.Time) error {
	var e Incomplete
	switch r.Right {
	case RightAccess:
	case RightCorrection:
		e.require([3]string{"what", r.What, "what is wrong, and what is right"})
	case RightObjection:
		if !slices.Contains(Objectionable[:], r.Purpose) {
			e.add("purpose", "one of: "+strings.Join(Objectionable[:], ", "))
		}
	default:
		e.add("right", "access, correction or objection")
	}
	if r.Number == 0 {
		e.add("number", "the subscriber's number")
	}
	if r.Received.After(now) {
		e.add("received", "a date in the future")
	}
	return e.orNil()
}

// OpenRequest enters a request; its clock runs from the day it was received.
func (s *Service) OpenRequest(ctx context.Context, by Actor, r SubjectRequest) (*SubjectRequest, error) {
	now := s.o.Now()
	if err := r.check(now); err != nil {
		return nil, err
	}
	req := &SubjectRequest{ID: newID(), Right: r.Right, Number: r.Number, What: r.What, Received: r.Received}
	if req.Right == RightObjection {
		req.Purpose = r.Purpose
	}
	if req.Received.IsZero() {
		req.Received = now
	}
	req.Due = req.Received.Add(AnswerWithin)
	return s.putRequest(ctx, by, req, "received", "")
}

// AnswerRequest records the answer. An objection that is not granted ends with it.
func (s *Service) AnswerRequest(ctx context.Context, by Actor, id string, granted bool, answer string) (*SubjectRequest, error) {
	r, err := s.loadRequest(ctx, id)
	if err != nil {
		return nil, err
	}
	var e Incomplete
	e.require([3]string{"answer", answer, "what the subject was answered"})
	if err := e.orNil(); err != nil {
		return nil, err
	}
	if !r.Answered.IsZero() {
		return nil, &Conflict{"the request was answered already"}
	}
	if granted && r.Right == RightCorrection && len(r.Corrections) == 0 {
		return nil, &Conflict{"nothing was corrected yet: correct it (POST :correct) and then answer, or answer that it is not granted"}
	}
	r.Answered, r.Answer, r.Granted = s.o.Now(), answer, granted
	if r.Right != RightObjection || !granted {
		r.Expires = trace.Expiry(r.Answered, answeredKept)
	}
	return s.putRequest(ctx, by, r, "answered", answer)
}

// LiftObjection ends an objection that the subject takes back.
func (s *Service) LiftObjection(ctx context.Context, by Actor, id string) (*SubjectRequest, error) {
	r, err := s.loadRequest(ctx, id)
	if err != nil {
		return nil, err
	}
	if !r.inForce() {
		return nil, &Conflict{"no objection is in force"}
	}
	r.Lifted = s.o.Now()
	r.Expires = trace.Expiry(r.Lifted, answeredKept)
	return s.putRequest(ctx, by, r, "lifted", "")
}

func (r *SubjectRequest) inForce() bool {
	return r.Right == RightObjection && r.Lifted.IsZero() && (r.Answered.IsZero() || r.Granted)
}

// Requests lists requests that wait for their answer, the most urgent first; overdue:
// only those that are late.
func (s *Service) Requests(ctx context.Context, by Actor, overdue bool) (list []*SubjectRequest, err error) {
	now := s.o.Now()
	var seen []numbering.Number
	err = s.eachRequest(ctx, func(r *SubjectRequest) {
		if r.Answered.IsZero() && (!overdue || r.Overdue(now)) {
			list = append(list, r)
			seen = append(seen, r.Number)
		}
	})
	if err == nil {
		err = s.auditEvent(ctx, Event{Actor: by.Name, Role: by.Role, Action: "list requests", Purpose: PurposeSubject, Subjects: seen, Count: len(list)})
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *SubjectRequest) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

// Objectors are the numbers whose subscribers object to a purpose now. They are for
// leaving out only, and are shown to nobody.
func (s *Service) Objectors(ctx context.Context, purpose string) (map[numbering.Number]bool, error) {
	objectors := make(map[numbering.Number]bool)
	err := s.eachRequest(ctx, func(r *SubjectRequest) {
		if r.inForce() && r.Purpose == purpose {
			objectors[r.Number] = true
		}
	})
	return objectors, err
}

func (s *Service) eachRequest(ctx context.Context, f func(*SubjectRequest)) error {
	return s.requests(ctx, Filter{Kind: KindRequest}, f)
}

func (s *Service) requests(ctx context.Context, which Filter, f func(*SubjectRequest)) error {
	var failed error
	err := s.store.List(ctx, which, func(row Row) bool {
		r, err := s.openRequest(row)
		switch {
		case err == nil:
			f(r)
		case !errors.Is(err, ErrNotFound):
			failed = err
		}
		return failed == nil
	})
	return errors.Join(err, failed)
}

// GetRequest shows a request.
func (s *Service) GetRequest(ctx context.Context, by Actor, id string) (*SubjectRequest, error) {
	r, err := s.loadRequest(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.auditEvent(ctx, requestEvent(by, "view request", r)); err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Service) loadRequest(ctx context.Context, id string) (*SubjectRequest, error) {
	row, err := s.store.Get(ctx, KindRequest, id)
	if err != nil {
		return nil, err
	}
	return s.openRequest(row)
}

func (s *Service) openRequest(row Row) (*SubjectRequest, error) {
	if !row.Expires.IsZero() && !row.Expires.After(s.o.Now()) {
		return nil, ErrNotFound
	}
	r := new(SubjectRequest)
	if err := s.safe.openValue(row.ID, "request", row.Sealed, r); err != nil {
		return nil, err
	}
	r.Revision = row.Revision
	return r, nil
}

func requestEvent(by Actor, what string, r *SubjectRequest) Event {
	return Event{
		Actor: by.Name, Role: by.Role, Action: what, Purpose: PurposeSubject, Case: r.ID, Subjects: []numbering.Number{r.Number},
	}
}

func (s *Service) putRequest(ctx context.Context, by Actor, r *SubjectRequest, what, reason string) (*SubjectRequest, error) {
	return s.putRequestAlso(ctx, by, r, what, reason, Elsewhere{})
}

func (s *Service) putRequestAlso(ctx context.Context, by Actor, r *SubjectRequest, what, reason string, also Elsewhere) (*SubjectRequest, error) {
	r.Revision++
	r.History = append(r.History, Step{s.o.Now(), by.Name, what, reason})
	state := "waiting"
	if !r.Answered.IsZero() {
		state = "answered"
	}
	err := s.putAlso(ctx, Row{
		Kind: KindRequest, ID: r.ID, Revision: r.Revision, State: state, Created: r.Received, Expires: r.Expires,
	}, r.Number, r, also, requestEvent(by, "request "+what, r))
	if err != nil {
		return nil, err
	}
	return r, nil
}
