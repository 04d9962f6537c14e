// Package oidc accepts people's logins of an OpenID Connect issuer: a bearer token that
// the issuer signed for this gateway is somebody with the roles of his groups. The
// gateway's own tokens have no need of it, nor of the issuer.
package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"clirgate/admin/token"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

// Options is whom to trust.
type Options struct {
	Issuer      string                // as in its tokens, to the byte
	Audience    string                // this gateway's name at the issuer
	Groups      map[string]token.Role // roles of members
	GroupsClaim string                // ["groups"]
	// NameClaim is the claim with the person's name in the logs ["sub"]. It must be one
	// that nobody can change for himself: it tells apart the two persons who agree to a
	// disclosure.
	NameClaim string
	Client    *http.Client     // asks the issuer; nil: one with a bounded time
	Now       func() time.Time // nil: time.Now
}

// The issuer is asked for its keys at most so often, whoever sends tokens with keys that
// are unknown.
const (
	askEvery = time.Second
	askBurst = 5
	askTime  = 4 * time.Second
)

// errBusy: the issuer was asked too often.
var errBusy = errors.New("oidc: the issuer was asked too often")

// Verifier checks tokens of one issuer. It asks the issuer when it first needs to, and
// when a token is signed with a key that is new.
type Verifier struct {
	o     Options
	ctx   context.Context // carries the client, as go-oidc wants it
	limit *rate.Limiter

	mu   sync.Mutex
	keys *oidc.RemoteKeySet // nil: the issuer has not answered yet
	algs []string
	away error     // what it answered last, while that is news
	till time.Time // until when
}

// New makes a verifier; the issuer need not be there.
func New(o Options) *Verifier {
	if o.GroupsClaim == "" {
		o.GroupsClaim = "groups"
	}
	if o.NameClaim == "" {
		o.NameClaim = "sub"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: askTime}
	}
	v := &Verifier{o: o, limit: rate.NewLimiter(rate.Every(askEvery), askBurst)}
	limited := *o.Client
	limited.Transport = polite{v.limit, o.Client.Transport}
	v.ctx = oidc.ClientContext(context.Background(), &limited)
	return v
}

// polite bounds how often the issuer is asked.
type polite struct {
	limit *rate.Limiter
	next  http.RoundTripper // nil: the default
}

func (p polite) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.limit.Allow() {
		return nil, errBusy
	}
	if p.next == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return p.next.RoundTrip(r)
}

// Verify answers who sends a token, and all his roles; the record's role is the first of
// them. Errors: token.ErrExpired; token.ErrNoRole, the login is good but none of its groups
// has a role; token.ErrUnavailable, the issuer's keys cannot be had; token.ErrNotFound for
// whatever else is wrong with it. None of them repeats the token.
func (v *Verifier) Verify(ctx context.Context, raw string) (token.Record, []token.Role, error) {
	keys, algs, err := v.issuer(ctx)
	if err != nil {
		return token.Record{}, nil, err
	}
	watched := &watchedKeys{set: keys}
	id, err := oidc.NewVerifier(v.o.Issuer, watched, &oidc.Config{
		ClientID: v.o.Audience, SupportedSigningAlgs: algs, Now: v.o.Now,
	}).Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case watched.away != nil:
		return token.Record{}, nil, fmt.Errorf("%w: keys of the issuer: %w", token.ErrUnavailable, watched.away)
	case errors.As(err, &expired):
		return token.Record{}, nil, token.ErrExpired
	case err != nil:
		return token.Record{}, nil, token.ErrNotFound
	}
	return v.person(id)
}

// issuer answers the keys there are, after asking the issuer where it keeps them, once.
func (v *Verifier) issuer(ctx context.Context) (*oidc.RemoteKeySet, []string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys != nil {
		return v.keys, v.algs, nil
	}
	if v.away != nil && time.Now().Before(v.till) {
		return nil, nil, v.away // so that who waited behind the one that asked does not ask too
	}
	if v.away = v.discover(ctx); v.away != nil {
		v.till = time.Now().Add(askEvery)
		return nil, nil, v.away
	}
	return v.keys, v.algs, nil
}

// discover asks the issuer where its keys are.
func (v *Verifier) discover(ctx context.Context) error {
	ask, cancel := context.WithTimeout(v.ctx, askTime)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	p, err := oidc.NewProvider(ask, v.o.Issuer)
	if err != nil {
		return fmt.Errorf("%w: the issuer's description: %w", token.ErrUnavailable, err)
	}
	var said struct {
		Keys string   `json:"jwks_uri"`
		Algs []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := p.Claims(&said); err != nil || said.Keys == "" {
		return fmt.Errorf("%w: the issuer's description names no keys", token.ErrUnavailable)
	}
	for _, a := range said.Algs {
		if slices.Contains(signatures, a) {
			v.algs = append(v.algs, a)
		}
	}
	v.keys = oidc.NewRemoteKeySet(v.ctx, said.Keys)
	return nil
}

// signatures are the algorithms taken: with public keys only, so that nothing an issuer
// publishes can sign.
var signatures = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// watchedKeys notes that keys could not be had, which is no fault of the token's.
type watchedKeys struct {
	set  *oidc.RemoteKeySet
	away error
}

func (w *watchedKeys) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	payload, err := w.set.VerifySignature(ctx, raw)
	if err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		w.away = err
	}
	return payload, err
}

// person reads who a good token is about.
func (v *Verifier) person(id *oidc.IDToken) (r token.Record, roles []token.Role, err error) {
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return r, nil, token.ErrNotFound
	}
	for _, g := range list(claims[v.o.GroupsClaim]) {
		if role, ok := v.o.Groups[g]; ok && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		return r, nil, token.ErrNoRole
	}
	slices.Sort(roles)
	sum := sha256.Sum256([]byte(id.Issuer + "\n" + id.Subject))
	name, _ := claims[v.o.NameClaim].(string)
	r = token.Record{
		ID: "oidc:" + hex.EncodeToString(sum[:6]), Role: roles[0], Name: name,
		Created: id.IssuedAt.UTC(), Expires: id.Expiry.UTC(),
	}
	if id.Subject == "" || r.Check() != nil {
		return token.Record{}, nil, token.ErrNotFound
	}
	return r, roles, nil
}

// list is a claim of one or several words.
func list(claim any) (words []string) {
	switch c := claim.(type) {
	case string:
		words = append(words, c)
	case []any:
		for _, w := range c {
			if text, ok := w.(string); ok {
				words = append(words, text)
			}
		}
	}
	return words
}
