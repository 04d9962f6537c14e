package admin

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"clirgate/admin/token"
	"clirgate/casework"
	"clirgate/casework/subject"
	"github.com/valyala/fasthttp"
)

// rightsRoutes is the privacy officer's API, and what everybody may know.
func (s *Server) rightsRoutes() []Route {
	privacy, counts := []token.Role{token.Privacy}, []token.Role{token.Privacy, token.NOC}
	return []Route{
		{Method: "GET", Path: "/v1/purposes", Handler: s.listPurposes},
		{Method: "POST", Path: "/v1/subjects/{number}:export", Roles: privacy, Logged: true, People: true, Handler: s.exportSubject},
		{Method: "GET", Path: "/v1/subject-requests", Roles: privacy, Handler: s.listRequests},
		{Method: "POST", Path: "/v1/subject-requests", Roles: privacy, Logged: true, People: true, Handler: s.openRequest},
		{Method: "GET", Path: "/v1/subject-requests/{id}", Roles: privacy, Handler: s.getRequest},
		{Method: "POST", Path: "/v1/subject-requests/{id}:correct", Roles: privacy, Logged: true, People: true, Handler: s.correctSubject},
		{Method: "POST", Path: "/v1/subject-requests/{id}:answer", Roles: privacy, Logged: true, People: true, Handler: s.answerRequest},
		{Method: "POST", Path: "/v1/subject-requests/{id}:lift", Roles: privacy, Logged: true, People: true, Handler: s.liftObjection},
		{Method: "GET", Path: "/v1/audit:seen", Roles: privacy, Handler: s.seenBy},
		{Method: "GET", Path: "/v1/reports/traffic", Roles: counts, Audited: true, Handler: s.trafficReport},
		{Method: "GET", Path: "/v1/records:verify", Roles: counts, Audited: true, Handler: s.verifyRecords},
	}
}

// listPurposes is the register of processing: what is kept, why, for whom, how long.
func (s *Server) listPurposes(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(_ context.Context, w *Casework, _ casework.Actor) error {
		writeJSON(ctx, fasthttp.StatusOK, map[string]any{"purposes": subject.Purposes(w.Retention())})
		return nil
	})
}

// exportSubject answers everything that is held on a number, for its subscriber.
func (s *Server) exportSubject(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		args := query{ctx: ctx}
		format, p := args.choice("format", "json", "html"), w.Print
		p.Language = cmp.Or(args.choice("language", casework.Languages[:]...), p.Language)
		if !args.end("format", "language") {
			return errAnswered
		}
		n, ok := s.number(ctx)
		if !ok {
			return errAnswered
		}
		e, err := w.Subjects.Export(wait, by, n)
		if err != nil {
			return err
		}
		if format != "html" {
			writeJSON(ctx, fasthttp.StatusOK, e)
			return nil
		}
		var html bytes.Buffer
		if err := e.WriteHTML(&html, p); err != nil {
			return err
		}
		page(ctx, html.Bytes())
		return nil
	})
}

// SubjectRequest is a subscriber's request about his own data as it is shown.
type SubjectRequest struct {
	ID       string          `json:"id"`
	Revision uint64          `json:"revision"`
	Right    casework.Right  `json:"right"`
	Number   string          `json:"number"`
	Purpose  string          `json:"purpose,omitempty"`
	What     string          `json:"what,omitempty"`
	Received time.Time       `json:"received"`
	Due      time.Time       `json:"due"`
	Overdue  bool            `json:"overdue"`
	Answered *time.Time      `json:"answered,omitempty"`
	Answer   string          `json:"answer,omitempty"`
	Granted  bool            `json:"granted"`
	Lifted   *time.Time      `json:"lifted,omitempty"`
	GoneAt   *time.Time      `json:"gone_at,omitempty"`
	History  []casework.Step `json:"history"`

	Corrections []Correction `json:"corrections,omitempty"`
}

// Correction is what was put right on a request.
type Correction struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Of     string    `json:"of"`
	Record string    `json:"record,omitempty"`
	Before string    `json:"before,omitempty"`
	After  string    `json:"after"`
	Why    string    `json:"why"`
}

func requestOf(r *casework.SubjectRequest, now time.Time) SubjectRequest {
	v := SubjectRequest{
		ID: r.ID, Revision: r.Revision, Right: r.Right, Number: e164(r.Number), Purpose: r.Purpose, What: r.What,
		Received: r.Received, Due: r.Due, Overdue: r.Overdue(now), Answered: given(r.Answered), Answer: r.Answer,
		Granted: r.Granted, Lifted: given(r.Lifted), GoneAt: given(r.Expires), History: r.History,
	}
	for _, c := range r.Corrections {
		done := Correction{At: c.At, By: c.By, Of: c.Of, Before: c.Before, After: c.After, Why: c.Why}
		if c.Of == casework.CorrectCall {
			done.Record = c.Record.String()
		}
		v.Corrections = append(v.Corrections, done)
	}
	return v
}

func (s *Server) openRequest(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		var in struct {
			Right    casework.Right `json:"right"`
			Number   string         `json:"number"`
			Purpose  string         `json:"purpose"`
			What     string         `json:"what"`
			Received time.Time      `json:"received"`
		}
		if err := body(ctx, &in); err != nil {
			return err
		}
		n, err := s.given(ctx, "number", in.Number)
		if err != nil {
			return err
		}
		r, err := w.Cases.OpenRequest(wait, by, casework.SubjectRequest{Right: in.Right, Number: n, Purpose: in.Purpose, What: in.What, Received: in.Received})
		if err != nil {
			return err
		}
		ctx.Response.Header.Set("Location", "/v1/subject-requests/"+r.ID)
		writeJSON(ctx, fasthttp.StatusCreated, requestOf(r, s.Now()))
		return nil
	})
}

func (s *Server) listRequests(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		args := query{ctx: ctx}
		overdue := args.flag("overdue")
		if !args.end("overdue") {
			return errAnswered
		}
		found, err := w.Cases.Requests(wait, by, overdue)
		if err != nil {
			return err
		}
		list := make([]SubjectRequest, 0, len(found))
		for _, r := range found {
			list = append(list, requestOf(r, s.Now()))
		}
		writeJSON(ctx, fasthttp.StatusOK, map[string]any{"requests": list})
		return nil
	})
}

// requestStep answers a request after something was done with it.
func (s *Server) requestStep(ctx *fasthttp.RequestCtx, into any, do func(context.Context, *casework.Service, casework.Actor, string) (*casework.SubjectRequest, error)) {
	answerStep(s, ctx, into, do, func(r *casework.SubjectRequest) any { return requestOf(r, s.Now()) })
}

func (s *Server) getRequest(ctx *fasthttp.RequestCtx) {
	s.requestStep(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.SubjectRequest, error) {
		return cs.GetRequest(wait, by, id)
	})
}

// correctSubject puts one thing right on a request for correction.
func (s *Server) correctSubject(ctx *fasthttp.RequestCtx) {
	var in casework.Correcting
	s.requestStep(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.SubjectRequest, error) {
		return cs.Correct(wait, by, id, in)
	})
}

func (s *Server) answerRequest(ctx *fasthttp.RequestCtx) {
	var in struct {
		Granted bool   `json:"granted"`
		Answer  string `json:"answer"`
	}
	s.requestStep(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.SubjectRequest, error) {
		return cs.AnswerRequest(wait, by, id, in.Granted, in.Answer)
	})
}

func (s *Server) liftObjection(ctx *fasthttp.RequestCtx) {
	s.requestStep(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.SubjectRequest, error) {
		return cs.LiftObjection(wait, by, id)
	})
}

// SeenSubject is somebody whose data an actor has seen.
type SeenSubject struct {
	Number string    `json:"number"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Times  int       `json:"times"`
	Cases  []string  `json:"cases"`
}

// seenBy answers whom to tell when an actor, or its token, is not to be trusted.
func (s *Server) seenBy(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		args := query{ctx: ctx}
		name, from, to := args.text("actor"), args.time("from"), args.time("to")
		if !args.end("actor", "from", "to") {
			return errAnswered
		}
		if to.IsZero() {
			to = s.Now()
		}
		now := s.Now()
		found, err := casework.Breach(wait, w.Seen, w.Audit, by, name, from, to, now)
		if err != nil {
			return err
		}
		list := make([]SeenSubject, 0, len(found))
		for _, f := range found {
			list = append(list, SeenSubject{e164(f.Number), f.First, f.Last, f.Times, append([]string{}, f.Cases...)})
		}
		since := casework.SeenSince(now) // before it nobody knows any more
		if from.After(since) {
			since = from
		}
		writeJSON(ctx, fasthttp.StatusOK, map[string]any{"since": since, "subjects": list})
		return nil
	})
}
