package admin

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"clirgate/numbering"
	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

func (s *Server) getSubscriber(ctx *fasthttp.RequestCtx) {
	n, ok := s.number(ctx)
	if !ok {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	sub, revision, err := s.Rules.Get(wait, n)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	ctx.Response.Header.Set("ETag", etag(revision))
	if notModified(ctx, revision) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, sub.Document())
}

func (s *Server) putSubscriber(ctx *fasthttp.RequestCtx) {
	n, ok := s.number(ctx)
	if !ok {
		return
	}
	match, by, ok := s.change(ctx)
	if !ok || !jsonBody(ctx) {
		return
	}
	sub, err := rules.DecodeSubscriber(ctx.PostBody(), s.Plan.ParseText)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	switch {
	case sub.Number == 0:
		sub.Number = n
	case sub.Number != n:
		badField("number", "is not the number of the path", "give the same number in both, or leave it out of the body").write(ctx)
		return
	}
	if !sub.Until.IsZero() && !sub.Until.After(s.Now()) {
		badField("until", "is past", "give a time to come, null for good, or DELETE the rule").write(ctx)
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	revision, err := s.Rules.Put(wait, sub, match, by)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	status := fasthttp.StatusOK
	if match == rules.Absent() || match == rules.Unsaid() {
		status = fasthttp.StatusCreated // both are done only where nothing was
	}
	if !s.everywhere(ctx, revision) {
		return
	}
	ctx.Response.Header.Set("ETag", etag(revision))
	writeJSON(ctx, status, sub.Document())
}

func (s *Server) deleteSubscriber(ctx *fasthttp.RequestCtx) {
	n, ok := s.number(ctx)
	if !ok {
		return
	}
	match, by, ok := s.change(ctx)
	if !ok {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	revision, err := s.Rules.Delete(wait, n, match, by)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	if s.everywhere(ctx, revision) {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	}
}

// number reads the subscriber's number from the path, in any spelling, or
// writes why it cannot be one.
func (s *Server) number(ctx *fasthttp.RequestCtx) (numbering.Number, bool) {
	const mend = "give it with + and country code, or as dialled at home"
	raw, _ := ctx.UserValue("number").(string)
	// The router leaves it percent-encoded. In a path "+" is itself.
	text, err := url.PathUnescape(raw)
	if err != nil {
		badField("number", "is not well percent-encoded", mend).write(ctx)
		return 0, false
	}
	n := s.Plan.ParseText(text)
	switch {
	case n.Kind() != numbering.International:
		badField("number", "is no telephone number with a country code", mend).write(ctx)
	case s.Plan.IsEmergency(n):
		badField("number", "is an emergency number", "emergency calls follow no rule").write(ctx)
	case !s.Plan.Possible(n):
		badField("number", "is too long or too short for its country", mend).write(ctx)
	default:
		return n, true
	}
	return 0, false
}

// maxReason bounds the reason of a change, in bytes.
const maxReason = 500

// change reads on what condition a change is made, by whom and why.
func (s *Server) change(ctx *fasthttp.RequestCtx) (rules.Match, rules.By, bool) {
	if !waits(ctx) {
		return rules.Match{}, rules.By{}, false
	}
	match, wrong := condition(ctx)
	if wrong != nil {
		wrong.write(ctx)
		return match, rules.By{}, false
	}
	holder, _ := Holder(ctx)
	reason, ok := reasonOf(ctx)
	return match, rules.By{Actor: holder.Actor(), Reason: reason}, ok
}

// reasonOf is why something is done, or it was answered that this cannot be a reason.
func reasonOf(ctx *fasthttp.RequestCtx) (string, bool) {
	reason := string(ctx.QueryArgs().Peek("reason"))
	if len(reason) > maxReason || !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl) {
		badField("reason", "is too long, or no plain text", fmt.Sprintf("at most %d bytes of one line", maxReason)).write(ctx)
		return "", false
	}
	return reason, true
}

// jsonBody tells whether the body says that it is JSON, or does not say.
func jsonBody(ctx *fasthttp.RequestCtx) bool {
	kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "", "application/json":
		return true
	}
	problem{Status: fasthttp.StatusUnsupportedMediaType, Type: "not-json", Title: "The body is not said to be JSON",
		Field: "Content-Type", Mend: "send Content-Type: application/json"}.write(ctx)
	return false
}
