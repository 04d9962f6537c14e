package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"clirgate/admin/token"
	"github.com/valyala/fasthttp"
)

// maxTokenAge bounds how long a token made over the API is valid: one that nobody
// remembers ends by itself.
const maxTokenAge = 366 * 24 * time.Hour

// Token is a token as the API shows it: never the secret, nor its hash.
type Token struct {
	ID      string     `json:"id"`
	Role    token.Role `json:"role"`
	Name    string     `json:"name"`
	State   string     `json:"state"` // valid, expired or revoked
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires"` // null: never
	Revoked *time.Time `json:"revoked"` // null: it was not
}

func tokenOf(r *token.Record, now time.Time) Token {
	t := Token{ID: r.ID, Role: r.Role, Name: r.Name, State: r.State(now), Created: r.Created.UTC()}
	if !r.Expires.IsZero() {
		t.Expires = new(r.Expires.UTC())
	}
	if !r.Revoked.IsZero() {
		t.Revoked = new(r.Revoked.UTC())
	}
	return t
}

func (s *Server) listTokens(ctx *fasthttp.RequestCtx) {
	args := query{ctx: ctx}
	if !args.end() {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	records, err := s.Tokens.Tokens(wait)
	if err != nil {
		s.tokensFail(ctx, err)
		return
	}
	list := make([]Token, 0, len(records))
	for i := range records {
		list = append(list, tokenOf(&records[i], s.Now()))
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"tokens": list})
}

// newToken is what a token is made from.
type newToken struct {
	Role    string    `json:"role"`
	Name    string    `json:"name"`
	Expires time.Time `json:"expires"`
}

func (s *Server) createToken(ctx *fasthttp.RequestCtx) {
	var n newToken
	args := query{ctx: ctx}
	if _, ok := reasonOf(ctx); ok && args.end("reason") && decode(ctx, &n) {
		s.addToken(ctx, &n)
	}
}

func (s *Server) addToken(ctx *fasthttp.RequestCtx, n *newToken) {
	role, err := token.ParseRole(n.Role)
	switch left := n.Expires.Sub(s.Now()); {
	case err != nil:
		badField("role", "is unknown", "give "+joinRoles(token.Delegable())).write(ctx)
		return
	case !slices.Contains(token.Delegable(), role):
		problem{Status: fasthttp.StatusForbidden, Type: "made-locally", Title: "Tokens of this role are not made over the API",
			Field: "role", Mend: "run clirgate token create where the gateway runs"}.write(ctx)
		return
	case n.Expires.IsZero():
		badField("expires", "is missing", "give the time until which the token is valid, at most a year ahead").write(ctx)
		return
	case left <= 0 || left > maxTokenAge:
		badField("expires", "is not within a year from now", "give a time at most 366 days ahead").write(ctx)
		return
	}
	plain, record := token.New(role, n.Name, n.Expires)
	record.Created = s.Now().UTC().Truncate(time.Second)
	if record.Check() != nil {
		badField("name", "is no name of a holder", "give 1 to 64 letters, digits or any of . _ @ -").write(ctx)
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := s.Tokens.AddToken(wait, record); err != nil {
		s.tokensFail(ctx, err)
		return
	}
	ctx.SetUserValue("token", record.ID) // for the audit log
	writeJSON(ctx, fasthttp.StatusCreated, struct {
		Token
		Secret string `json:"secret"`
	}{tokenOf(&record, s.Now()), plain})
}

func (s *Server) revokeToken(ctx *fasthttp.RequestCtx) {
	id, ok := parameter(ctx, "token")
	if !ok {
		return
	}
	args := query{ctx: ctx}
	if _, ok := reasonOf(ctx); !ok || !args.end("reason") {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := s.Tokens.RevokeToken(wait, id, s.Now()); err != nil {
		s.tokensFail(ctx, err)
		return
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

// tokensFail answers an error of the tokens' store.
func (s *Server) tokensFail(ctx *fasthttp.RequestCtx, err error) {
	if errors.Is(err, token.ErrNotFound) {
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-token", Title: "There is no such token", Mend: "GET /v1/tokens lists them"}.write(ctx)
		return
	}
	s.Log.Error("tokens cannot be read or changed", "error", err)
	unavailable(ctx, "The store does not answer: tokens cannot be read or changed now")
}
