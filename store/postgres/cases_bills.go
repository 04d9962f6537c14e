package postgres

import (
	"context"

	"clirgate/casework/bills"
	"github.com/jackc/pgx/v5"
)

// Bills is the database as a bills.Store.
func (db *DB) Bills() bills.Store { return billStore{db} }

type billStore struct{ *DB }

const putShielded = `INSERT INTO shielded_numbers (number, day, ends, source)
	SELECT number, day, nullif(ends, 0), source FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[]) AS new (number, day, ends, source)
	ON CONFLICT (number) DO UPDATE SET day = excluded.day, ends = excluded.ends, source = excluded.source`

func (s billStore) Put(ctx context.Context, rows []bills.Row) error {
	return s.put(ctx, putShielded, rows, func(pgx.Tx) error { return nil })
}

// Replace leaves what is our own subscribers' alone.
func (s billStore) Replace(ctx context.Context, source string, rows []bills.Row) error {
	return s.put(ctx, putShielded+" WHERE shielded_numbers.source <> ''", rows, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM shielded_numbers WHERE source = $1", source)
		return err
	})
}

// put does what comes before and then puts rows, in one transaction.
func (s billStore) put(ctx context.Context, query string, rows []bills.Row, before func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := before(tx); err != nil {
			return err
		}
		var numbers [][]byte
		var from, until []int64
		var sources []string
		at := make(map[[16]byte]int, len(rows)) // one statement puts a number once: the last row counts
		for _, r := range rows {
			i, twice := at[r.Number]
			if !twice {
				i = len(numbers)
				at[r.Number] = i
				numbers, from, until, sources = append(numbers, r.Number[:]), append(from, 0), append(until, 0), append(sources, "")
			}
			from[i], until[i], sources[i] = int64(r.From), int64(r.Until), r.Source
		}
		_, err := tx.Exec(ctx, query, numbers, from, until, sources)
		return err
	})
	return wrap(bills.ErrUnavailable, err)
}

func (s billStore) Delete(ctx context.Context, number [16]byte) error {
	tag, err := s.pool.Exec(ctx, "DELETE FROM shielded_numbers WHERE number = $1", number[:])
	if err == nil && tag.RowsAffected() == 0 {
		return bills.ErrNotFound
	}
	return wrap(bills.ErrUnavailable, err)
}

func (s billStore) All(ctx context.Context, each func(bills.Row) bool) error {
	rows, err := s.pool.Query(ctx, "SELECT number, day, coalesce(ends, 0), source FROM shielded_numbers ORDER BY number")
	if err != nil {
		return wrap(bills.ErrUnavailable, err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	for rows.Next() {
		var r bills.Row
		var number []byte
		if err := rows.Scan(&number, &r.From, &r.Until, &r.Source); err != nil {
			return wrap(bills.ErrUnavailable, err)
		}
		copy(r.Number[:], number)
		if !each(r) {
			return nil
		}
	}
	return wrap(bills.ErrUnavailable, rows.Err())
}
