package admin

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"clirgate/audit"
	"github.com/valyala/fasthttp"
)

// strangersRate bounds how many requests without a good token are written down, a second.
const strangersRate = 5

// writeAudit writes down a request that was to change something, or that was refused.
func (s *Server) writeAudit(ctx *fasthttp.RequestCtx, route *Route) {
	if s.Audit == nil {
		return
	}
	e, worth := s.auditEntry(ctx, route)
	if !worth {
		return
	}
	s.unwritten.mu.Lock()
	defer s.unwritten.mu.Unlock()
	s.unwritten.add(e)
	if time.Since(s.unwritten.failed) > unwrittenPause { // requests must not queue for a log that hangs
		s.writeUnwritten()
	}
}

// unwritten are the entries that wait for a log that cannot be written: they come into it
// with their own times, in their order.
type unwritten struct {
	mu     sync.Mutex
	list   []audit.Entry
	lost   int
	failed time.Time // when it was tried last
}

const (
	maxUnwritten   = 10_000
	unwrittenPause = time.Second
)

func (u *unwritten) add(e audit.Entry) {
	if len(u.list) >= maxUnwritten {
		u.list, u.lost = u.list[1:], u.lost+1
	}
	u.list = append(u.list, e)
}

// writeUnwritten writes what it can; s.unwritten.mu is held.
func (s *Server) writeUnwritten() {
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	for u := &s.unwritten; len(u.list) > 0; u.list = u.list[1:] {
		if _, err := s.Audit.Append(wait, u.list[0]); err != nil {
			u.failed = time.Now()
			s.Log.Error("the audit log cannot be written; entries wait", "error", err, "waiting", len(u.list), "lost", u.lost)
			return
		}
	}
}

func (s *Server) auditEntry(ctx *fasthttp.RequestCtx, route *Route) (e audit.Entry, worth bool) {
	status, m := ctx.Response.StatusCode(), method(ctx)
	reads := (m == fasthttp.MethodGet || m == fasthttp.MethodHead || m == fasthttp.MethodOptions) && !route.Audited
	e = audit.Entry{
		Time: s.Now().UTC(), Action: m + " " + route.Path, Outcome: outcome(status),
		Detail: strconv.Itoa(status) + " to " + ctx.RemoteIP().String(),
	}
	refused := status == fasthttp.StatusUnauthorized || status == fasthttp.StatusForbidden || status == fasthttp.StatusTooManyRequests
	if reads && !refused && status != fasthttp.StatusInternalServerError || route.Logged && status < 300 {
		return e, false
	}
	holder, known := Holder(ctx)
	if !known {
		return e, s.strangers.allow("", strangersRate, s.Now())
	}
	e.Actor, e.Role = holder.Name, string(holder.Role)
	if e.Case = caseOf(ctx, route); e.Case == "" {
		e.Object = s.object(ctx)
	}
	if reason := string(ctx.QueryArgs().Peek("reason")); len(reason) <= maxReason {
		e.Purpose = reason
	}
	return e, true
}

func outcome(status int) audit.Outcome {
	switch {
	case status < 400:
		return audit.Done
	case status < 500:
		return audit.Refused
	}
	return audit.Failed
}

// caseOf is the case, order or request that the path names.
func caseOf(ctx *fasthttp.RequestCtx, route *Route) string {
	for _, kind := range []string{"/v1/cases/", "/v1/orders/", "/v1/subject-requests/"} {
		if id, ok := ctx.UserValue("id").(string); ok && strings.HasPrefix(route.Path, kind) && len(id) <= maxArgument {
			return id
		}
	}
	return ""
}

// object is what the path names, as far as it is well-formed.
func (s *Server) object(ctx *fasthttp.RequestCtx) string {
	for _, p := range []struct{ name, kind string }{{"number", ""}, {"name", "peer:"}, {"revision", "change:"}, {"id", "job:"}, {"token", "token:"}} {
		raw, ok := ctx.UserValue(p.name).(string)
		if !ok || len(raw) > maxArgument {
			continue
		}
		text, err := url.PathUnescape(raw)
		if p.name != "number" {
			return p.kind + text
		}
		if n := s.Plan.ParseText(text); err == nil && s.Plan.Possible(n) {
			return audit.Subscriber(n)
		}
	}
	return ""
}

func (s *Server) listAudit(ctx *fasthttp.RequestCtx) {
	if s.Audit == nil {
		absent(ctx)
		return
	}
	args := query{ctx: ctx}
	q := audit.Query{
		Newest: true, Limit: args.limit(), Before: args.cursor(), Actor: args.text("actor"), Role: args.text("role"),
		Action: args.text("action"), Object: args.text("object"), Outcome: audit.Outcome(args.text("outcome")),
		From: args.time("since"), To: args.time("until"),
	}
	if !args.end("limit", "cursor", "since", "until", "actor", "role", "action", "object", "outcome") {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	limit := q.Limit
	q.Limit++
	list, err := s.Audit.Read(wait, q)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	page := struct {
		Entries []audit.Entry `json:"entries"`
		Next    *string       `json:"next"`
	}{Entries: append([]audit.Entry{}, list[:min(limit, len(list))]...)}
	if len(list) > limit {
		page.Next = new(strconv.FormatUint(list[limit-1].Seq, 36))
	}
	writeJSON(ctx, fasthttp.StatusOK, page)
}

const verifyTimeout = time.Minute

// AuditReport is what a verification found.
type AuditReport struct {
	Whole  bool       `json:"whole"`
	Head   audit.Head `json:"head"`   // to be kept elsewhere
	Faults []string   `json:"faults"` // which entry, and what happened to it
}

func (s *Server) verifyAudit(ctx *fasthttp.RequestCtx) {
	if s.Audit == nil {
		absent(ctx)
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), verifyTimeout)
	defer cancel()
	head, err := audit.VerifyLog(wait, s.Audit)
	r := AuditReport{Whole: err == nil, Head: head, Faults: []string{}}
	var broken *audit.BrokenError
	switch {
	case errors.As(err, &broken):
		s.Log.Error("the audit log is broken", "error", err)
		for _, f := range broken.Faults {
			r.Faults = append(r.Faults, f.String())
		}
		if broken.More > 0 {
			r.Faults = append(r.Faults, strconv.Itoa(broken.More)+" more")
		}
	case err != nil:
		s.fail(ctx, err)
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, r)
}

func (s *Server) exportAudit(ctx *fasthttp.RequestCtx) {
	if s.Audit == nil {
		absent(ctx)
		return
	}
	args := query{ctx: ctx}
	after, err := strconv.ParseUint(cmp.Or(args.text("after"), "0"), 10, 64)
	if err != nil {
		args.wrong("after", "is no number of an entry", "give the number of the last entry that you have")
	}
	if !args.end("after") {
		return
	}
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetContentType("application/jsonl")
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		// What is cut short has no last line, which its verification tells.
		if err := audit.Export(context.Background(), w, s.Audit, after); err != nil {
			s.Log.Error("audit export ended early", "error", strings.TrimSpace(err.Error()))
		}
	})
}
