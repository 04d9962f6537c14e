package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/rules"
)

// Cases is the database as a casework.Store.
func (db *DB) Cases() casework.Store { return caseStore{db} }

type caseStore struct{ *DB }

const caseColumns = "id, kind, revision, state, subject, created, expires, sole, sealed"

func (s caseStore) Save(ctx context.Context, c casework.Change) error {
	return s.write(ctx, casework.ErrUnavailable, func(tx *sql.Tx) error {
		if err := s.saveRow(ctx, tx, c.Row); err != nil {
			return err
		}
		for _, d := range c.Documents {
			_, err := tx.ExecContext(ctx, "INSERT INTO casework_documents (owner, n, kind, created, sealed) VALUES (?, ?, ?, ?, ?)",
				d.Owner, d.N, d.Kind, d.Created.UnixMilli(), d.Sealed)
			if err != nil {
				return s.failed(err)
			}
		}
		if err := s.saveAlso(ctx, tx, c.Also); err != nil {
			return err
		}
		return s.failed(appendAll(ctx, tx, c.Audit))
	})
}

// saveAlso makes what a correction puts right in other tables.
func (s caseStore) saveAlso(ctx context.Context, tx *sql.Tx, also casework.Also) error {
	if r := also.Rule; r != nil {
		_, err := rulesStore(s).put(ctx, tx, r.Subscriber, r.Match, r.By)
		if errors.Is(err, rules.ErrUnavailable) {
			return fmt.Errorf("%w: %w", casework.ErrUnavailable, err)
		}
		if err != nil {
			return err
		}
	}
	rows := make([]bills.Row, len(also.Shielded))
	for i, r := range also.Shielded {
		rows[i] = bills.Row{Number: r.Number, From: bills.Date(r.From), Until: bills.Date(r.Until)}
	}
	if err := billStore(s).insert(ctx, tx, putShielded, rows); err != nil {
		return fmt.Errorf("%w: %w", casework.ErrUnavailable, err)
	}
	return nil
}

func (s caseStore) saveRow(ctx context.Context, tx *sql.Tx, row casework.Row) error {
	var result sql.Result
	var err error
	if row.Revision == 1 {
		result, err = tx.ExecContext(ctx, "INSERT INTO casework ("+caseColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			row.ID, string(row.Kind), row.Revision, row.State, row.Subject[:], row.Created.UnixMilli(), milliseconds(row.Expires), soleOf(row), row.Sealed)
	} else {
		result, err = tx.ExecContext(ctx,
			"UPDATE casework SET revision = ?, state = ?, subject = ?, expires = ?, sole = iif(?, sole, NULL), sealed = ? WHERE id = ? AND kind = ? AND revision = ?",
			row.Revision, row.State, row.Subject[:], milliseconds(row.Expires), row.Sole, row.Sealed, row.ID, string(row.Kind), row.Revision-1)
	}
	if err != nil {
		return s.failed(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(s.failed(err), casework.ErrStale)
	}
	return nil
}

func (s caseStore) Get(ctx context.Context, kind casework.Kind, id string) (casework.Row, error) {
	row, err := scanCase(s.reader.QueryRowContext(ctx, "SELECT "+caseColumns+" FROM casework WHERE id = ? AND kind = ?", id, string(kind)))
	if errors.Is(err, sql.ErrNoRows) {
		return casework.Row{}, casework.ErrNotFound
	}
	return row, s.failed(err)
}

// List reads a page at a time, so that each may use the store.
func (s caseStore) List(ctx context.Context, f casework.Filter, each func(casework.Row) bool) error {
	const page = 100
	var subject any
	if f.Subject != nil {
		subject = f.Subject[:]
	}
	last := casework.Row{ID: "\x7f", Created: time.UnixMilli(1<<53 - 1)}
	for {
		list, err := s.page(ctx, f, subject, last, page)
		if err != nil {
			return err
		}
		for _, row := range list {
			if !each(row) {
				return nil
			}
		}
		if len(list) < page {
			return nil
		}
		last = list[page-1]
	}
}

func (s caseStore) page(ctx context.Context, f casework.Filter, subject any, last casework.Row, n int) (list []casework.Row, err error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT "+caseColumns+` FROM casework
		WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR state = ?2) AND (?3 IS NULL OR subject = ?3) AND (created, id) < (?4, ?5)
		ORDER BY created DESC, id DESC LIMIT ?6`, string(f.Kind), f.State, subject, last.Created.UnixMilli(), last.ID, n)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	for rows.Next() {
		row, err := scanCase(rows)
		if err != nil {
			return nil, s.failed(err)
		}
		list = append(list, row)
	}
	return list, s.failed(rows.Err())
}

func scanCase(row interface{ Scan(...any) error }) (r casework.Row, err error) {
	var kind string
	var subject, sole []byte
	var created int64
	var expires sql.NullInt64
	if err := row.Scan(&r.ID, &kind, &r.Revision, &r.State, &subject, &created, &expires, &sole, &r.Sealed); err != nil {
		return casework.Row{}, err
	}
	r.Kind, r.Created = casework.Kind(kind), time.UnixMilli(created).UTC()
	copy(r.Subject[:], subject)
	r.Sole = sole != nil
	if expires.Valid {
		r.Expires = time.UnixMilli(expires.Int64).UTC()
	}
	return r, nil
}

func (s caseStore) Document(ctx context.Context, owner string, n int) (casework.Document, error) {
	d := casework.Document{Owner: owner, N: n}
	var created int64
	err := s.reader.QueryRowContext(ctx, "SELECT kind, created, sealed FROM casework_documents WHERE owner = ? AND n = ?", owner, n).
		Scan(&d.Kind, &created, &d.Sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return casework.Document{}, casework.ErrNotFound
	}
	d.Created = time.UnixMilli(created).UTC()
	return d, s.failed(err)
}

func (s caseStore) Documents(ctx context.Context, owner string) (list []casework.Document, err error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT n, kind, created FROM casework_documents WHERE owner = ? ORDER BY n", owner)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	for rows.Next() {
		d := casework.Document{Owner: owner}
		var created int64
		if err := rows.Scan(&d.N, &d.Kind, &created); err != nil {
			return nil, s.failed(err)
		}
		d.Created = time.UnixMilli(created).UTC()
		list = append(list, d)
	}
	return list, s.failed(rows.Err())
}

func (s caseStore) Expired(ctx context.Context, now time.Time) (ids []string, err error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT id FROM casework WHERE expires <= ? ORDER BY expires", now.UnixMilli())
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, s.failed(err)
		}
		ids = append(ids, id)
	}
	return ids, s.failed(rows.Err())
}

func (s caseStore) Delete(ctx context.Context, ids []string, tell []audit.Entry) error {
	return s.write(ctx, casework.ErrUnavailable, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, "DELETE FROM casework WHERE id = ?", id); err != nil {
				return s.failed(err)
			}
		}
		return s.failed(appendAll(ctx, tx, tell))
	})
}

func (s caseStore) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.unavailable(casework.ErrUnavailable, err)
}

// soleOf is what no other row may have beside a sole one.
func soleOf(row casework.Row) any {
	if !row.Sole {
		return nil
	}
	return row.Subject[:]
}

func milliseconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}
