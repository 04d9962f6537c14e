package gateway

import (
	"context"
	"time"

	"clirgate/admin/token"
	"clirgate/audit"
)

// Tokens is who may use the admin API.
func (d *database) Tokens() token.Store { return tokenStore{d} }

// tokenStore is a token.Store that is opened when it is needed.
type tokenStore struct{ d *database }

func askTokens[T any](ctx context.Context, s tokenStore, ask func(token.Store) (T, error)) (T, error) {
	return with(ctx, s.d, token.ErrUnavailable, func(st Store) (T, error) { return ask(st.Tokens()) })
}

func (s tokenStore) AddToken(ctx context.Context, r token.Record) error {
	_, err := askTokens(ctx, s, func(st token.Store) (struct{}, error) { return struct{}{}, st.AddToken(ctx, r) })
	return err
}

func (s tokenStore) TokenByHash(ctx context.Context, h token.Hash) (token.Record, error) {
	return askTokens(ctx, s, func(st token.Store) (token.Record, error) { return st.TokenByHash(ctx, h) })
}

func (s tokenStore) Tokens(ctx context.Context) ([]token.Record, error) {
	return askTokens(ctx, s, func(st token.Store) ([]token.Record, error) { return st.Tokens(ctx) })
}

func (s tokenStore) RevokeToken(ctx context.Context, id string, at time.Time) error {
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
