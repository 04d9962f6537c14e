package postgres

import (
	"context"
	"errors"
	"time"

	"clirgate/admin/token"
	"github.com/jackc/pgx/v5"
)

// Tokens is the database as a token.Store.
func (db *DB) Tokens() token.Store { return tokenStore{db} }

type tokenStore struct{ *DB }

const tokenColumns = "hash, id, role, name, created, expires, revoked"

func (s tokenStore) AddToken(ctx context.Context, r token.Record) error {
	if err := r.Check(); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, "INSERT INTO tokens ("+tokenColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7)",
		r.Hash[:], r.ID, string(r.Role), r.Name, r.Created.Unix(), unix(r.Expires), unix(r.Revoked))
	return wrap(token.ErrUnavailable, err)
}

func (s tokenStore) TokenByHash(ctx context.Context, h token.Hash) (token.Record, error) {
	r, err := scanToken(s.pool.QueryRow(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE hash = $1", h[:]))
	if errors.Is(err, pgx.ErrNoRows) {
		return token.Record{}, token.ErrNotFound
	}
	return r, wrap(token.ErrUnavailable, err)
}

func (s tokenStore) Tokens(ctx context.Context) ([]token.Record, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+tokenColumns+" FROM tokens ORDER BY created, id")
	if err != nil {
		return nil, wrap(token.ErrUnavailable, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (token.Record, error) { return scanToken(row) })
	return list, wrap(token.ErrUnavailable, err)
}

func (s tokenStore) RevokeToken(ctx context.Context, id string, at time.Time) error {
	tag, err := s.pool.Exec(ctx, "UPDATE tokens SET revoked = coalesce(revoked, $1) WHERE id = $2", at.Unix(), id)
	if err == nil && tag.RowsAffected() == 0 {
		return token.ErrNotFound
	}
	return wrap(token.ErrUnavailable, err)
}

func scanToken(row pgx.Row) (token.Record, error) {
	var r token.Record
	var hash []byte
	var role string
	var created int64
	var expires, revoked *int64
	if err := row.Scan(&hash, &r.ID, &role, &r.Name, &created, &expires, &revoked); err != nil {
		return token.Record{}, err
	}
	copy(r.Hash[:], hash)
	r.Role, r.Created = token.Role(role), time.Unix(created, 0).UTC()
	if expires != nil {
		r.Expires = time.Unix(*expires, 0).UTC()
	}
	if revoked != nil {
		r.Revoked = time.Unix(*revoked, 0).UTC()
	}
	return r, nil
}
