package admin

import (
	"encoding/json"
	"errors"

	"clirgate/casework"
	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

// problem is an RFC 9457 problem document, with the field that is wrong and how
// to mend it. It never holds a value that was sent.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"`
	Mend   string `json:"mend,omitempty"`

	Missing []casework.Item `json:"missing,omitempty"` // everything that is missing, or wrong
}

// typePrefix makes problem types URIs (RFC 9457 section 3.1.1).
const typePrefix = "urn:clirgate:problem:"

func (p problem) write(ctx *fasthttp.RequestCtx) {
	p.Type = typePrefix + p.Type
	writeJSON(ctx, p.Status, p)
	ctx.SetContentType("application/problem+json")
}

// writeJSON answers a value. Answers hold what only the asker may see: they are
// not cached, and not guessed at by browsers.
func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values of this package are written
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	ctx.SetBody(append(body, '\n'))
}

func badField(field, wrong, mend string) problem {
	return problem{Status: fasthttp.StatusBadRequest, Type: "invalid-field", Title: "A field cannot be taken", Detail: wrong, Field: field, Mend: mend}
}

// fail answers an error of the rules.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	var field *rules.FieldError
	switch {
	case errors.As(err, &field) && field.Field != "":
		badField(field.Field, field.Wrong, field.Mend).write(ctx)
	case errors.As(err, &field):
		problem{Status: fasthttp.StatusBadRequest, Type: "malformed-body", Title: "The body cannot be read", Detail: field.Wrong, Mend: field.Mend}.write(ctx)
	case errors.Is(err, rules.ErrNotFound):
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-subscriber", Title: "There is no rule for this subscriber",
			Mend: "PUT makes one"}.write(ctx)
	case errors.Is(err, rules.ErrPrecondition):
		problem{Status: fasthttp.StatusPreconditionRequired, Type: "precondition-required", Title: "The subscriber exists: say which revision is meant",
			Field: "If-Match", Mend: "GET the subscriber and send its ETag as If-Match"}.write(ctx)
	case errors.Is(err, rules.ErrStale):
		problem{Status: fasthttp.StatusPreconditionFailed, Type: "stale", Title: "The subscriber is not at the revision that was meant",
			Mend: "GET it again, look at what changed, and send its new ETag"}.write(ctx)
	default:
		s.Log.Error("rules cannot be read or changed", "error", err)
		unavailable(ctx, "The store does not answer: calls go on, rules cannot be changed now")
	}
}

func unavailable(ctx *fasthttp.RequestCtx, title string) {
	ctx.Response.Header.Set("Retry-After", retryAfterSec)
	problem{Status: fasthttp.StatusServiceUnavailable, Type: "store-unavailable", Title: title, Mend: "try again later"}.write(ctx)
}
