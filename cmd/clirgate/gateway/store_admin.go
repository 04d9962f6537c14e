package gateway

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"clirgate/admin/token"
	"clirgate/audit"
)

// Tokens is who may use the admin API.
func (d *database) Tokens() token.Store { return tokenStore{d} }

// tokenStore is a token.Store that is opened when it is needed. While it is away, tokens
// that were good shortly before are known: operators must see what happens just then.
type tokenStore struct{ d *database }

// knownTokens are those that the store answered for.
type knownTokens struct {
	mu sync.Mutex
	m  map[token.Hash]knownToken
}

type knownToken struct {
	record token.Record
	at     time.Time
}

const (
	tokenTime = 15 * time.Minute // bounds how long a token is known without the store
	maxTokens = 1000
)

func (k *knownTokens) note(h token.Hash, r token.Record, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil || len(k.m) >= maxTokens {
		k.m = map[token.Hash]knownToken{}
	}
	k.m[h] = knownToken{r, now}
}

func (k *knownTokens) forget(h token.Hash) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.m, h)
}

// revoked forgets a token that was taken back: the store may be away next.
func (k *knownTokens) revoked(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.m, func(_ token.Hash, known knownToken) bool { return known.record.ID == id })
}

func (k *knownTokens) find(h token.Hash, now time.Time) (token.Record, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.m[h]
	return known.record, ok && now.Sub(known.at) < tokenTime
}

func askTokens[T any](ctx context.Context, s tokenStore, ask func(token.Store) (T, error)) (T, error) {
	return with(ctx, s.d, token.ErrUnavailable, func(st Store) (T, error) { return ask(st.Tokens()) })
}

func (s tokenStore) AddToken(ctx context.Context, r token.Record) error {
	_, err := askTokens(ctx, s, func(st token.Store) (struct{}, error) { return struct{}{}, st.AddToken(ctx, r) })
	return err
}

func (s tokenStore) TokenByHash(ctx context.Context, h token.Hash) (token.Record, error) {
	r, err := askTokens(ctx, s, func(st token.Store) (token.Record, error) { return st.TokenByHash(ctx, h) })
	switch now := time.Now(); {
	case err == nil:
		s.d.tokens.note(h, r, now)
	case errors.Is(err, token.ErrNotFound):
		s.d.tokens.forget(h)
	case errors.Is(err, token.ErrUnavailable):
		if known, ok := s.d.tokens.find(h, now); ok {
			return known, nil
		}
	}
	return r, err
}

func (s tokenStore) Tokens(ctx context.Context) ([]token.Record, error) {
	return askTokens(ctx, s, func(st token.Store) ([]token.Record, error) { return st.Tokens(ctx) })
}

func (s tokenStore) RevokeToken(ctx context.Context, id string, at time.Time) error {
	s.d.tokens.revoked(id)
	_, err := askTokens(ctx, s, func(st token.Store) (struct{}, error) { return struct{}{}, st.RevokeToken(ctx, id, at) })
	return err
}

// Audit is the audit log.
func (d *database) Audit() audit.Log { return auditLog{d} }

// auditLog is an audit.Log that is opened when it is needed.
type auditLog struct{ d *database }

func askAudit[T any](ctx context.Context, l auditLog, ask func(audit.Log) (T, error)) (T, error) {
	return with(ctx, l.d, audit.ErrUnavailable, func(st Store) (T, error) { return ask(st.Audit()) })
}

func (l auditLog) Append(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	return askAudit(ctx, l, func(a audit.Log) (audit.Entry, error) { return a.Append(ctx, e) })
}

func (l auditLog) Head(ctx context.Context) (audit.Head, error) {
	return askAudit(ctx, l, func(a audit.Log) (audit.Head, error) { return a.Head(ctx) })
}

func (l auditLog) Read(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	return askAudit(ctx, l, func(a audit.Log) ([]audit.Entry, error) { return a.Read(ctx, q) })
}
