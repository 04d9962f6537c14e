package postgres

import (
	"context"
	"errors"
	"time"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/rules"
	"github.com/jackc/pgx/v5"
)

// Cases is the database as a casework.Store.
func (db *DB) Cases() casework.Store { return caseStore{db} }

type caseStore struct{ *DB }

const caseColumns = "id, kind, revision, state, subject, created, expires, sole, sealed"

func (s caseStore) Save(ctx context.Context, c casework.Change) error {
	return s.change(ctx, casework.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		err := saveCase(ctx, tx, c.Row)
		if errors.Is(err, casework.ErrStale) {
			return err
		}
		if err != nil {
			return wrap(casework.ErrUnavailable, err)
		}
		if r := c.Also.Rule; r != nil {
			h, err = rulesStore(s).put(ctx, tx, h, r.Subscriber, r.Match, r.By)
			if errors.Is(err, rules.ErrUnavailable) {
				return wrap(casework.ErrUnavailable, err)
			}
			if err != nil {
				return err
			}
		}
		var b pgx.Batch
		queuePut(&b, putShielded, shieldedRows(c.Also.Shielded))
		for _, d := range c.Documents {
			b.Queue("INSERT INTO casework_documents (owner, n, kind, created, sealed) VALUES ($1, $2, $3, $4, $5)",
				d.Owner, d.N, d.Kind, d.Created.UnixMilli(), d.Sealed)
		}
		queueAll(&b, h.audit, c.Audit)
		return wrap(casework.ErrUnavailable, tx.SendBatch(ctx, &b).Close())
	})
}

func shieldedRows(list []casework.Shielded) (rows []bills.Row) {
	for _, r := range list {
		rows = append(rows, bills.Row{Number: r.Number, From: bills.Date(r.From), Until: bills.Date(r.Until)})
	}
	return rows
}

func saveCase(ctx context.Context, tx pgx.Tx, row casework.Row) error {
	query, args := "INSERT INTO casework ("+caseColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
		[]any{row.ID, string(row.Kind), row.Revision, row.State, row.Subject[:], row.Created.UnixMilli(), milliseconds(row.Expires), soleOf(row), row.Sealed}
	if row.Revision != 1 {
		query, args = "UPDATE casework SET revision = $1, state = $2, subject = $3, expires = $4, sole = CASE WHEN $5 THEN sole END, sealed = $6 WHERE id = $7 AND kind = $8 AND revision = $9",
			[]any{row.Revision, row.State, row.Subject[:], milliseconds(row.Expires), row.Sole, row.Sealed, row.ID, string(row.Kind), row.Revision - 1}
	}
	tag, err := tx.Exec(ctx, query, args...)
	if err == nil && tag.RowsAffected() == 0 {
		return casework.ErrStale
	}
	return err
}

func (s caseStore) Get(ctx context.Context, kind casework.Kind, id string) (casework.Row, error) {
	row, err := scanCase(s.pool.QueryRow(ctx, "SELECT "+caseColumns+" FROM casework WHERE id = $1 AND kind = $2", id, string(kind)))
	if errors.Is(err, pgx.ErrNoRows) {
		return casework.Row{}, casework.ErrNotFound
	}
	return row, wrap(casework.ErrUnavailable, err)
}

// List reads a page at a time, so that each may use the store.
func (s caseStore) List(ctx context.Context, f casework.Filter, each func(casework.Row) bool) error {
	const page = 100
	var last *casework.Row
	for {
		list, err := s.page(ctx, f, last, page)
		if err != nil {
			return wrap(casework.ErrUnavailable, err)
		}
		for _, row := range list {
			if !each(row) {
				return nil
			}
		}
		if len(list) < page {
			return nil
		}
		last = &list[page-1]
	}
}

func (s caseStore) page(ctx context.Context, f casework.Filter, last *casework.Row, n int) ([]casework.Row, error) {
	where := &filter{order: " ORDER BY created DESC, id DESC"}
	where.when(true, "revision > %s", 0)
	where.when(f.Kind != "", "kind = %s", string(f.Kind))
	where.when(f.State != "", "state = %s", f.State)
	if f.Subject != nil {
		where.when(true, "subject = %s", f.Subject[:])
	}
	if last != nil {
		where.when(true, "(created, id) < ("+where.arg(last.Created.UnixMilli())+", %s)", last.ID)
	}
	rows, err := s.pool.Query(ctx, "SELECT "+caseColumns+" FROM casework"+where.text()+" LIMIT "+where.arg(n), where.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (casework.Row, error) { return scanCase(row) })
}

func scanCase(row pgx.Row) (r casework.Row, err error) {
	var kind string
	var subject, sole []byte
	var created int64
	var expires *int64
	if err := row.Scan(&r.ID, &kind, &r.Revision, &r.State, &subject, &created, &expires, &sole, &r.Sealed); err != nil {
		return casework.Row{}, err
	}
	r.Kind, r.Created = casework.Kind(kind), time.UnixMilli(created).UTC()
	copy(r.Subject[:], subject)
	r.Sole = sole != nil
	if expires != nil {
		r.Expires = time.UnixMilli(*expires).UTC()
	}
	return r, nil
}

func (s caseStore) Document(ctx context.Context, owner string, n int) (casework.Document, error) {
	d := casework.Document{Owner: owner, N: n}
	var created int64
	err := s.pool.QueryRow(ctx, "SELECT kind, created, sealed FROM casework_documents WHERE owner = $1 AND n = $2", owner, n).
		Scan(&d.Kind, &created, &d.Sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return casework.Document{}, casework.ErrNotFound
	}
	d.Created = time.UnixMilli(created).UTC()
	return d, wrap(casework.ErrUnavailable, err)
}

func (s caseStore) Documents(ctx context.Context, owner string) ([]casework.Document, error) {
	rows, err := s.pool.Query(ctx, "SELECT n, kind, created FROM casework_documents WHERE owner = $1 ORDER BY n", owner)
	if err != nil {
		return nil, wrap(casework.ErrUnavailable, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (casework.Document, error) {
		d := casework.Document{Owner: owner}
		var created int64
		err := row.Scan(&d.N, &d.Kind, &created)
		d.Created = time.UnixMilli(created).UTC()
		return d, err
	})
	return list, wrap(casework.ErrUnavailable, err)
}

func (s caseStore) Expired(ctx context.Context, now time.Time) ([]string, error) {
	rows, err := s.pool.Query(ctx, "SELECT id FROM casework WHERE expires <= $1 ORDER BY expires", now.UnixMilli())
	if err != nil {
		return nil, wrap(casework.ErrUnavailable, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, wrap(casework.ErrUnavailable, err)
}

func (s caseStore) Delete(ctx context.Context, ids []string, tell []audit.Entry) error {
	return s.change(ctx, casework.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		var b pgx.Batch
		b.Queue("DELETE FROM casework WHERE id = ANY ($1::text[])", ids)
		queueAll(&b, h.audit, tell)
		return wrap(casework.ErrUnavailable, tx.SendBatch(ctx, &b).Close())
	})
}

// soleOf is what no other row may have beside a sole one.
func soleOf(row casework.Row) []byte {
	if !row.Sole {
		return nil
	}
	return row.Subject[:]
}

func milliseconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
