package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"clirgate/admin/token"
)

// Tokens is the database as a token.Store.
func (db *DB) Tokens() token.Store { return tokenStore{db} }

type tokenStore struct{ *DB }

const tokenColumns = "hash, id, role, name, created, expires, revoked"

func (s tokenStore) AddToken(ctx context.Context, r token.Record) error {
	if err := r.Check(); err != nil {
		return err
	}
	return s.write(ctx, token.ErrUnavailable, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO tokens ("+tokenColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
			r.Hash[:], r.ID, string(r.Role), r.Name, r.Created.Unix(), seconds(r.Expires), seconds(r.Revoked))
		return s.failed(err)
	})
}

func (s tokenStore) TokenByHash(ctx context.Context, h token.Hash) (token.Record, error) {
	r, err := scanToken(s.reader.QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE hash = ?", h[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return token.Record{}, token.ErrNotFound
	}
	return r, s.failed(err)
}

func (s tokenStore) Tokens(ctx context.Context) ([]token.Record, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT "+tokenColumns+" FROM tokens ORDER BY created, id")
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	var list []token.Record
	for rows.Next() {
		r, err := scanToken(rows)
		if err != nil {
			return nil, s.failed(err)
		}
		list = append(list, r)
	}
	return list, s.failed(rows.Err())
}

func (s tokenStore) RevokeToken(ctx context.Context, id string, at time.Time) error {
	return s.write(ctx, token.ErrUnavailable, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE id = ?", at.Unix(), id)
		if err != nil {
			return s.failed(err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(s.failed(err), token.ErrNotFound)
		}
		return nil
	})
}

func scanToken(row interface{ Scan(...any) error }) (token.Record, error) {
	var r token.Record
	var hash []byte
	var role string
	var created int64
	var expires, revoked sql.NullInt64
	if err := row.Scan(&hash, &r.ID, &role, &r.Name, &created, &expires, &revoked); err != nil {
		return token.Record{}, err
	}
	copy(r.Hash[:], hash)
	r.Role, r.Created = token.Role(role), time.Unix(created, 0).UTC()
	if expires.Valid {
		r.Expires = time.Unix(expires.Int64, 0).UTC()
	}
	if revoked.Valid {
		r.Revoked = time.Unix(revoked.Int64, 0).UTC()
	}
	return r, nil
}

func (s tokenStore) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.unavailable(token.ErrUnavailable, err)
}
