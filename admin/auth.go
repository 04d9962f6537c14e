package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"clirgate/admin/token"
	"github.com/valyala/fasthttp"
)

// holderKey is where the token of a request is kept.
type holderKey struct{}

// Holder answers the token a request was made with; false on an open endpoint.
func Holder(ctx *fasthttp.RequestCtx) (TokenRecord, bool) {
	r, ok := ctx.UserValue(holderKey{}).(TokenRecord)
	return r, ok
}

// guard lets a request through to whom the endpoint is for, and writes the one
// log line of a request. The line has the pattern of the path: the path itself
// may hold a number.
func (s *Server) guard(route Route) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		start := s.Now()
		s.serve(ctx, &route)
		if ctx.Request.IsBodyStream() && ctx.UserValue(duplexKey{}) == nil { // else its answer still reads the body
			linger(ctx)
		}
		if route.Open {
			return // probes ask every second
		}
		s.writeAudit(ctx, &route)
		holder, _ := Holder(ctx)
		s.Log.Info("admin request", "method", method(ctx), "route", route.Path, "status", ctx.Response.StatusCode(),
			"role", holder.Role, "name", holder.Name, "duration", s.Now().Sub(start))
	}
}

// serve answers a request. A handler that panics is answered, logged and written down like
// any other that failed.
func (s *Server) serve(ctx *fasthttp.RequestCtx, route *Route) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(ctx, v)
		}
	}()
	if route.Open || s.admit(ctx, route.Roles) && s.readBody(ctx, route) {
		s.answer(ctx, route)
	}
}

// panicked answers a request whose handler did not. The value may hold a number; its type
// and place tell enough.
func (s *Server) panicked(ctx *fasthttp.RequestCtx, v any) {
	s.Log.Error("admin request panicked", "type", typeOf(v), "at", place())
	ctx.Response.Reset()
	problem{Status: fasthttp.StatusInternalServerError, Type: "internal", Title: "The gateway failed to answer"}.write(ctx)
}

// method keeps what is logged to the methods there are.
func method(ctx *fasthttp.RequestCtx) string {
	switch m := string(ctx.Method()); m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}

// admit answers true when the request may go on, or writes why not.
func (s *Server) admit(ctx *fasthttp.RequestCtx, roles []token.Role) bool {
	plain := bearer(ctx)
	if plain == "" {
		unauthorized(ctx, `Bearer realm="clirgate"`, "A token is needed", "send Authorization: Bearer and a token made by clirgate token create")
		return false
	}
	holder, mine, err := s.holder(plain)
	if err != nil {
		s.unknown(ctx, plain, err)
		return false
	}
	// Of several roles the one that is wanted counts, in the audit log as well.
	if i := slices.IndexFunc(roles, func(r token.Role) bool { return slices.Contains(mine, r) }); i >= 0 {
		holder.Role = roles[i]
	}
	ctx.SetUserValue(holderKey{}, holder)
	if !s.limits.allow(holder.ID, s.Rate, s.Now()) {
		ctx.Response.Header.Set("Retry-After", "1")
		problem{Status: fasthttp.StatusTooManyRequests, Type: "too-many-requests", Title: "This token asks too often", Mend: "wait a second, and ask less often"}.write(ctx)
		return false
	}
	if len(roles) > 0 && !slices.Contains(roles, holder.Role) {
		problem{Status: fasthttp.StatusForbidden, Type: "forbidden", Title: "The token's role may not do this",
			Mend: "use a token of role " + joinRoles(roles)}.write(ctx)
		return false
	}
	return true
}

// unknown answers a token that says nothing of who sends it.
func (s *Server) unknown(ctx *fasthttp.RequestCtx, plain string, err error) {
	switch {
	case errors.Is(err, token.ErrUnavailable) && s.isPerson(plain):
		s.Log.Error("logins cannot be checked", "error", err)
		unavailable(ctx, "The issuer of logins does not answer: this one cannot be checked; the gateway's own tokens go on")
	case errors.Is(err, token.ErrUnavailable):
		s.Log.Error("tokens cannot be read", "error", err)
		unavailable(ctx, "The store does not answer: the token cannot be checked")
	case errors.Is(err, token.ErrNoRole):
		problem{Status: fasthttp.StatusForbidden, Type: "forbidden", Title: "The login has no role here",
			Mend: "have it put into a group that admin.oidc.groups names"}.write(ctx)
	default:
		// One answer for unknown, expired and revoked: a finder of a token learns nothing.
		unauthorized(ctx, `Bearer realm="clirgate", error="invalid_token"`, "The token is unknown, expired or revoked", "make a new one with clirgate token create")
	}
}

// People knows persons by tokens that others made; see package oidc.
type People interface {
	// Verify answers who sends a token, and all roles he has; errors are those of package
	// token.
	Verify(ctx context.Context, raw string) (TokenRecord, []token.Role, error)
}

// isPerson tells whether a token is for People to judge.
func (s *Server) isPerson(plain string) bool { return s.People != nil && !token.Own(plain) }

// holder answers whose token this is, and the roles it has.
func (s *Server) holder(plain string) (TokenRecord, []token.Role, error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if s.isPerson(plain) {
		return s.People.Verify(ctx, plain)
	}
	hash := token.HashOf([]byte(plain))
	r, err := s.Tokens.TokenByHash(ctx, hash)
	if err != nil {
		return TokenRecord{}, nil, err
	}
	if !r.Hash.Equal(hash) {
		return TokenRecord{}, nil, token.ErrNotFound
	}
	return r, []token.Role{r.Role}, r.Valid(s.Now())
}

// bearer is the token of the request (RFC 6750 section 2.1), or "".
func bearer(ctx *fasthttp.RequestCtx) string {
	scheme, plain, ok := strings.Cut(string(ctx.Request.Header.Peek("Authorization")), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(plain)
}

func unauthorized(ctx *fasthttp.RequestCtx, challenge, title, mend string) {
	ctx.Response.Header.Set("WWW-Authenticate", challenge)
	problem{Status: fasthttp.StatusUnauthorized, Type: "unauthorized", Title: title, Mend: mend}.write(ctx)
}

func joinRoles(roles []token.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, " or ")
}
