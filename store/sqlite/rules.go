package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Rules is the database as a rules.Store.
func (db *DB) Rules() rules.Store { return rulesStore{db} }

type rulesStore struct{ *DB }

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const columns = "number, services, note, until, then_services, then_note, revision"

func (s rulesStore) Get(ctx context.Context, n numbering.Number) (rules.Subscriber, uint64, error) {
	v, err := s.get(ctx, s.reader, n)
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
	v, err := scanSubscriber(q.QueryRowContext(ctx, "SELECT "+columns+" FROM subscribers WHERE number = ?", key))
	if errors.Is(err, sql.ErrNoRows) {
		return rules.Versioned{}, nil
	}
	return v, s.failed(err)
}

func scanSubscriber(row interface{ Scan(...any) error }) (v rules.Versioned, err error) {
	var key, services int64
	var until, then sql.NullInt64
	var note string
	var thenNote sql.NullString
	if err := row.Scan(&key, &services, &note, &until, &then, &thenNote, &v.Revision); err != nil {
		return v, err
	}
	v.Subscriber = rules.Services(services).Subscriber(rules.KeyNumber(key))
	v.Note = note
	if until.Valid {
		v.Until = time.Unix(until.Int64, 0).UTC()
	}
	if then.Valid {
		v.Then = rules.Standing{Exists: true, Services: rules.Services(then.Int64), Note: thenNote.String}
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
	return s.subscribers(ctx, s.reader, "WHERE number > ? ORDER BY number LIMIT ?", key, limit)
}

func (s rulesStore) Due(ctx context.Context, now time.Time, limit int) ([]rules.Versioned, error) {
	return s.subscribers(ctx, s.reader, "WHERE until <= ? ORDER BY until LIMIT ?", now.Unix(), limit)
}

func (s rulesStore) subscribers(ctx context.Context, q querier, which string, args ...any) ([]rules.Versioned, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM subscribers "+which, args...)
	if err != nil {
		return nil, s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	var list []rules.Versioned
	for rows.Next() {
		v, err := scanSubscriber(rows)
		if err != nil {
			return nil, s.failed(err)
		}
		list = append(list, v)
	}
	return list, s.failed(rows.Err())
}

func (s rulesStore) Put(ctx context.Context, sub rules.Subscriber, m rules.Match, by rules.By) (uint64, error) {
	return s.alone(ctx, func(tx *sql.Tx) (uint64, error) { return s.put(ctx, tx, sub, m, by) })
}

// put does it within a transaction.
func (s rulesStore) put(ctx context.Context, tx *sql.Tx, sub rules.Subscriber, m rules.Match, by rules.By) (uint64, error) {
	if _, err := rules.Key(sub.Number); err != nil {
		return 0, err
	}
	return s.one(ctx, tx, sub.Number, m, by, func(before *rules.Subscriber) (*rules.Subscriber, error) {
		sub = sub.Over(before)
		return &sub, nil
	})
}

func (s rulesStore) Delete(ctx context.Context, n numbering.Number, m rules.Match, by rules.By) (uint64, error) {
	return s.alone(ctx, func(tx *sql.Tx) (uint64, error) {
		return s.one(ctx, tx, n, m, by, func(before *rules.Subscriber) (*rules.Subscriber, error) {
			if before == nil {
				return nil, rules.ErrNotFound
			}
			return nil, nil
		})
	})
}

// alone is a change that is a transaction of its own.
func (s rulesStore) alone(ctx context.Context, change func(*sql.Tx) (uint64, error)) (revision uint64, err error) {
	err = s.write(ctx, rules.ErrUnavailable, func(tx *sql.Tx) (err error) {
		revision, err = change(tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

// one makes the change of one subscriber.
func (s rulesStore) one(ctx context.Context, tx *sql.Tx, n numbering.Number, m rules.Match, by rules.By, change func(before *rules.Subscriber) (*rules.Subscriber, error)) (uint64, error) {
	at, err := s.get(ctx, tx, n)
	if err != nil {
		return 0, err
	}
	item := rules.Item{Number: n}
	if at.Revision != 0 {
		item.Before = &at.Subscriber
	}
	if item.After, err = change(item.Before); err != nil {
		return 0, err
	}
	if err := m.Check(at.Revision != 0, at.Revision); err != nil {
		return 0, err
	}
	return s.record(ctx, tx, by, []rules.Item{item})
}

func (s rulesStore) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.unavailable(rules.ErrUnavailable, err)
}

func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}
