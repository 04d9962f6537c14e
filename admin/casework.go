package admin

import (
	"context"
	"errors"
	"strconv"
	"time"

	"clirgate/admin/token"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/subject"
	"clirgate/numbering"
	"clirgate/trace"
	"github.com/valyala/fasthttp"
)

// Casework is what investigators, supervisors, the privacy officer and billing work with.
type Casework struct {
	Cases    *casework.Service
	Subjects *subject.Service
	Bills    *bills.Service
	// Shield brings the shielding list up to date with the subscribers' rules.
	Shield  func(context.Context) error
	Audit   casework.Auditor
	Seen    casework.AuditLog
	Records Scanner
	// Retention is how long records are kept.
	Retention func() trace.Retention
	// Print is how exports are printed.
	Print subject.Print
}

// Scanner reads records in order of time; trace.Vault does.
type Scanner interface {
	Scan(from, to time.Time, yield func(*trace.Record) bool) error
	ScanClosed(from, to time.Time, yield func(*trace.Record) bool) error
}

// caseTimeout bounds one step of a case: it may search the records of many days.
const caseTimeout = 30 * time.Second

// caseRoutes is the API of the procedure (DESIGN 6.3: investigator, supervisor). Whoever
// decides about a case must be able to read it.
func (s *Server) caseRoutes() []Route {
	investigator, supervisor := []token.Role{token.Investigator}, []token.Role{token.Supervisor}
	both := []token.Role{token.Investigator, token.Supervisor}
	list := []Route{
		{Method: "POST", Path: "/v1/cases", Roles: investigator, Handler: s.openCase},
		{Method: "GET", Path: "/v1/cases", Roles: both, Handler: s.listCases},
		{Method: "GET", Path: "/v1/cases/{id}", Roles: both, Handler: s.getCase},
		{Method: "POST", Path: "/v1/cases/{id}/incidents", Roles: investigator, Handler: s.addIncident},
		{Method: "GET", Path: "/v1/cases/{id}/letters", Roles: both, Handler: s.listLetters},
		{Method: "GET", Path: "/v1/cases/{id}/letters/{n}", Roles: both, Handler: s.getLetter},
		{Method: "GET", Path: "/v1/cases/{id}/evidence/{n}", Roles: both, Handler: s.getEvidence},
		{Method: "POST", Path: "/v1/cases/{id}:complete", Roles: investigator, Handler: s.completeCase},
		{Method: "POST", Path: "/v1/cases/{id}:search", Roles: investigator, Handler: s.searchCase},
		{Method: "POST", Path: "/v1/cases/{id}:select", Roles: both, Handler: s.selectCandidate},
		{Method: "POST", Path: "/v1/cases/{id}:ask-provider", Roles: investigator, Handler: s.askProvider},
		{Method: "POST", Path: "/v1/cases/{id}:answer-provider", Roles: investigator, Handler: s.answerProvider},
		{Method: "POST", Path: "/v1/cases/{id}:warn", Roles: investigator, Handler: s.warnCaller},
		{Method: "POST", Path: "/v1/cases/{id}:warning-sent", Roles: investigator, Handler: s.warningSent},
		{Method: "POST", Path: "/v1/cases/{id}:request-disclosure", Roles: investigator, Handler: s.requestDisclosure},
		{Method: "POST", Path: "/v1/cases/{id}:approve", Roles: supervisor, Handler: s.approveDisclosure},
		{Method: "POST", Path: "/v1/cases/{id}:refuse", Roles: supervisor, Handler: s.refuseDisclosure},
		{Method: "POST", Path: "/v1/cases/{id}:notice-sent", Roles: investigator, Handler: s.noticeSent},
		{Method: "POST", Path: "/v1/cases/{id}:close", Roles: investigator, Handler: s.closeCase},
		{Method: "GET", Path: "/v1/evidence-key", Handler: s.evidenceKey},
		{Method: "GET", Path: "/v1/records", Handler: s.noRecords},
		{Method: "GET", Path: "/v1/orders", Roles: both, Handler: s.listOrders},
		{Method: "POST", Path: "/v1/orders", Roles: investigator, Handler: s.openOrder},
		{Method: "GET", Path: "/v1/orders/{id}", Roles: both, Handler: s.getOrder},
		{Method: "GET", Path: "/v1/orders/{id}/document", Roles: both, Handler: s.getOrderDocument},
		{Method: "GET", Path: "/v1/orders/{id}/letter", Roles: both, Handler: s.getOrderLetter},
		{Method: "POST", Path: "/v1/orders/{id}:approve", Roles: supervisor, Handler: s.approveOrder},
		{Method: "POST", Path: "/v1/orders/{id}:refuse", Roles: supervisor, Handler: s.refuseOrder},
	}
	for i := range list {
		list[i].Logged = true // the procedure writes down what is done, with case and purpose
		list[i].People = true
	}
	return list
}

// actor is the holder of the token: a person, so that one cannot decide what he asked for.
func actor(ctx *fasthttp.RequestCtx) casework.Actor {
	holder, _ := Holder(ctx)
	return casework.Actor{Name: holder.Name, Role: string(holder.Role)}
}

// withCases answers what do does, or why it cannot be done.
func (s *Server) withCases(ctx *fasthttp.RequestCtx, do func(context.Context, *Casework, casework.Actor) error) {
	if s.Casework == nil {
		absent(ctx)
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), caseTimeout)
	defer cancel()
	if err := do(wait, s.Casework, actor(ctx)); err != nil {
		s.failCase(ctx, err)
	}
}

// answerStep answers what a step of a procedure made of the thing named in the path. into,
// where it is not nil, is filled from the body before.
func answerStep[T any](s *Server, ctx *fasthttp.RequestCtx, into any, do func(context.Context, *casework.Service, casework.Actor, string) (T, error), show func(T) any) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		id, err := id(ctx)
		if err == nil && into != nil {
			err = body(ctx, into)
		}
		if err != nil {
			return err
		}
		done, err := do(wait, w.Cases, by, id)
		if err != nil {
			return err
		}
		writeJSON(ctx, fasthttp.StatusOK, show(done))
		return nil
	})
}

// errAnswered: the request has its answer already, a problem of how it was asked.
var errAnswered = errors.New("admin: answered")

// failCase answers an error of the procedure, with its reason.
func (s *Server) failCase(ctx *fasthttp.RequestCtx, err error) {
	var incomplete *casework.Incomplete
	var conflict *casework.Conflict
	var forbidden *casework.Forbidden
	switch {
	case errors.Is(err, errAnswered):
	case errors.Is(err, casework.ErrUnavailable), errors.Is(err, bills.ErrUnavailable):
		s.Log.Error("casework", "error", err)
		unavailable(ctx, "Cases, records or the audit log cannot be reached: nothing was shown and nothing changed")
	case errors.As(err, &incomplete):
		problem{Status: fasthttp.StatusUnprocessableEntity, Type: "incomplete", Title: "Something is missing or wrong",
			Mend: "give everything that is named", Missing: incomplete.Items}.write(ctx)
	case errors.As(err, &conflict):
		problem{Status: fasthttp.StatusConflict, Type: "not-now", Title: "The procedure does not allow that now", Detail: conflict.Reason}.write(ctx)
	case errors.As(err, &forbidden):
		problem{Status: fasthttp.StatusForbidden, Type: "another-person", Title: "Not by this person", Detail: forbidden.Reason}.write(ctx)
	case errors.Is(err, casework.ErrStale):
		problem{Status: fasthttp.StatusConflict, Type: "stale", Title: "Somebody else changed it meanwhile", Mend: "read it again, and do again what is still wanted"}.write(ctx)
	case errors.Is(err, casework.ErrNotFound):
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-case", Title: "There is no such thing, or its time is over"}.write(ctx)
	default:
		s.Log.Error("casework", "error", err)
		unavailable(ctx, "This cannot be answered now")
	}
}

// body reads a JSON body.
func body(ctx *fasthttp.RequestCtx, v any) error {
	if decode(ctx, v) {
		return nil
	}
	return errAnswered
}

// id is the case, order or request that the path names.
func id(ctx *fasthttp.RequestCtx) (string, error) {
	text, ok := parameter(ctx, "id")
	if !ok {
		return "", errAnswered
	}
	return text, nil
}

// ordinal is the number of a document in the path.
func ordinal(ctx *fasthttp.RequestCtx) (int, error) {
	text, ok := parameter(ctx, "n")
	if !ok {
		return 0, errAnswered
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, casework.ErrNotFound
	}
	return n, nil
}

// given reads a telephone number of a body in any spelling; empty is zero.
func (s *Server) given(ctx *fasthttp.RequestCtx, field, text string) (numbering.Number, error) {
	if text == "" {
		return 0, nil
	}
	n := s.Plan.ParseText(text)
	if n.Kind() != numbering.International || !s.Plan.Possible(n) {
		badField(field, "is no telephone number with a country code", "give it with + and country code, or as dialled at home").write(ctx)
		return 0, errAnswered
	}
	return n, nil
}
