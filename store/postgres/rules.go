package postgres

import (
	"context"
	"errors"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"github.com/jackc/pgx/v5"
)

// Rules is the database as a rules.Store.
func (db *DB) Rules() rules.Store { return rulesStore{db} }

type rulesStore struct{ *DB }

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

const columns = "number, services, note, until, then_services, then_note, revision"

func (s rulesStore) Get(ctx context.Context, n numbering.Number) (rules.Subscriber, uint64, error) {
	v, err := s.get(ctx, s.pool, n)
	if err == nil && v.Revision == 0 {
		err = rules.ErrNotFound
	}
	return v.Subscriber, v.Revision, err
}

// get answers revision 0 when there is no such subscriber.
func (s rulesStore) get(ctx context.Context, q querier, n numbering.Number) (rules.Versioned, error) {
	key, err := rules.Key(n)
	if err != nil {
		return rules.Versioned{}, nil // what cannot be stored is not there
	}
	v, err := scanSubscriber(q.QueryRow(ctx, "SELECT "+columns+" FROM subscribers WHERE number = $1", key))
	if errors.Is(err, pgx.ErrNoRows) {
		return rules.Versioned{}, nil
	}
	return v, s.failed(err)
}

func scanSubscriber(row pgx.Row) (v rules.Versioned, err error) {
	var key int64
	var services int16
	var until *int64
	var then *int16
	var note string
	var thenNote *string
	if err := row.Scan(&key, &services, &note, &until, &then, &thenNote, &v.Revision); err != nil {
		return v, err
	}
	v.Subscriber = rules.Services(services).Subscriber(rules.KeyNumber(key))
	v.Note = note
	if until != nil {
		v.Until = time.Unix(*until, 0).UTC()
	}
	if then != nil {
		v.Then = rules.Standing{Exists: true, Services: rules.Services(*then)}
		if thenNote != nil {
			v.Then.Note = *thenNote
		}
	}
	return v, nil
}

func (s rulesStore) List(ctx context.Context, after numbering.Number, limit int) ([]rules.Versioned, error) {
	key := int64(0)
	if after != 0 {
		var err error
		if key, err = rules.Key(after); err != nil {
			return nil, err
		}
	}
	return s.subscribers(ctx, s.pool, "WHERE number > $1 ORDER BY number LIMIT $2", key, limit)
}

func (s rulesStore) Due(ctx context.Context, now time.Time, limit int) ([]rules.Versioned, error) {
	return s.subscribers(ctx, s.pool, "WHERE until <= $1 ORDER BY until LIMIT $2", now.Unix(), limit)
}

func (s rulesStore) subscribers(ctx context.Context, q querier, which string, args ...any) ([]rules.Versioned, error) {
	rows, err := q.Query(ctx, "SELECT "+columns+" FROM subscribers "+which, args...)
	if err != nil {
		return nil, s.failed(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (rules.Versioned, error) { return scanSubscriber(row) })
	return list, s.failed(err)
}

func (s rulesStore) Put(ctx context.Context, sub rules.Subscriber, m rules.Match, by rules.By) (uint64, error) {
	return s.alone(ctx, func(tx pgx.Tx, h heads) (heads, error) { return s.put(ctx, tx, h, sub, m, by) })
}

// put does it within a transaction.
func (s rulesStore) put(ctx context.Context, tx pgx.Tx, h heads, sub rules.Subscriber, m rules.Match, by rules.By) (heads, error) {
	if _, err := rules.Key(sub.Number); err != nil {
		return h, err
	}
	return s.one(ctx, tx, h, sub.Number, m, by, func(before *rules.Subscriber) (*rules.Subscriber, error) {
		sub = sub.Over(before)
		return &sub, nil
	})
}

func (s rulesStore) Delete(ctx context.Context, n numbering.Number, m rules.Match, by rules.By) (uint64, error) {
	return s.alone(ctx, func(tx pgx.Tx, h heads) (heads, error) {
		return s.one(ctx, tx, h, n, m, by, func(before *rules.Subscriber) (*rules.Subscriber, error) {
			if before == nil {
				return nil, rules.ErrNotFound
			}
			return nil, nil
		})
	})
}

// alone is a change that is a transaction of its own.
func (s rulesStore) alone(ctx context.Context, change func(pgx.Tx, heads) (heads, error)) (revision uint64, err error) {
	err = s.change(ctx, rules.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		h, err := change(tx, h)
		revision = h.revision
		return err
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

// one makes the change of one subscriber, and answers the heads behind it.
func (s rulesStore) one(ctx context.Context, tx pgx.Tx, h heads, n numbering.Number, m rules.Match, by rules.By, change func(before *rules.Subscriber) (*rules.Subscriber, error)) (heads, error) {
	at, err := s.get(ctx, tx, n)
	if err != nil {
		return h, err
	}
	item := rules.Item{Number: n}
	if at.Revision != 0 {
		item.Before = &at.Subscriber
	}
	if item.After, err = change(item.Before); err != nil {
		return h, err
	}
	if err := m.Check(at.Revision != 0, at.Revision); err != nil {
		return h, err
	}
	return s.record(ctx, tx, h, by, []rules.Item{item})
}

// All reads in one transaction, of one state.
func (s rulesStore) All(ctx context.Context, each func(rules.Subscriber)) (revision uint64, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if revision, err = newest(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT number, services FROM subscribers WHERE until IS NULL")
		if err != nil {
			return err
		}
		var key int64
		var services int16
		if _, err := pgx.ForEachRow(rows, []any{&key, &services}, func() error {
			each(rules.Services(services).Subscriber(rules.KeyNumber(key)))
			return nil
		}); err != nil {
			return err
		}
		timed, err := s.subscribers(ctx, tx, "WHERE until IS NOT NULL")
		for i := range timed {
			timed[i].Note, timed[i].Then.Note = "", ""
			each(timed[i].Subscriber)
		}
		return err
	})
	if err != nil {
		return 0, s.failed(err)
	}
	return revision, nil
}

func newest(ctx context.Context, q querier) (revision uint64, err error) {
	err = q.QueryRow(ctx, "SELECT revision FROM heads").Scan(&revision)
	return revision, err
}

func (s rulesStore) Revision(ctx context.Context) (uint64, error) {
	revision, err := newest(ctx, s.pool)
	return revision, s.failed(err)
}

func (s rulesStore) failed(err error) error { return wrap(rules.ErrUnavailable, err) }
