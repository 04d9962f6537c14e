package postgres

import (
	"context"
	"errors"

	"clirgate/casework/bills"
	"github.com/jackc/pgx/v5"
)

// Bills is the database as a bills.Store.
func (db *DB) Bills() bills.Store { return billStore{db} }

type billStore struct{ *DB }

const putShielded = `INSERT INTO shielded_numbers (number, day, ends, source)
	SELECT number, day, nullif(ends, 0), source FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[]) AS new (number, day, ends, source)
	ON CONFLICT (number) DO UPDATE SET day = excluded.day, ends = excluded.ends, source = excluded.source`

func (s billStore) Save(ctx context.Context, c bills.Change) error {
	return s.change(ctx, bills.ErrUnavailable, func(tx pgx.Tx, h heads) error {
		var b pgx.Batch
		query := putShielded
		if c.Source != "" {
			query += " WHERE shielded_numbers.source <> ''"
			b.Queue("DELETE FROM shielded_numbers WHERE source = $1", c.Source)
		}
		if len(c.Gone) > 0 {
			gone := make([][]byte, len(c.Gone))
			for i := range c.Gone {
				gone[i] = c.Gone[i][:]
			}
			b.Queue("DELETE FROM shielded_numbers WHERE number = ANY ($1::bytea[])", gone)
		}
		queuePut(&b, query, c.Put)
		queueAll(&b, h.audit, c.Audit)
		return wrap(bills.ErrUnavailable, tx.SendBatch(ctx, &b).Close())
	})
}

// queuePut puts rows with one statement, which takes a number once: the last row counts.
func queuePut(b *pgx.Batch, query string, rows []bills.Row) {
	var numbers [][]byte
	var from, until []int64
	var sources []string
	at := make(map[[16]byte]int, len(rows))
	for _, r := range rows {
		i, twice := at[r.Number]
		if !twice {
			i = len(numbers)
			at[r.Number] = i
			numbers, from, until, sources = append(numbers, r.Number[:]), append(from, 0), append(until, 0), append(sources, "")
		}
		from[i], until[i], sources[i] = int64(r.From), int64(r.Until), r.Source
	}
	if len(numbers) > 0 {
		b.Queue(query, numbers, from, until, sources)
	}
}

func (s billStore) Find(ctx context.Context, number [16]byte) (r bills.Row, ok bool, err error) {
	r.Number = number
	err = s.pool.QueryRow(ctx, "SELECT day, coalesce(ends, 0), source FROM shielded_numbers WHERE number = $1", number[:]).
		Scan(&r.From, &r.Until, &r.Source)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, wrap(bills.ErrUnavailable, err)
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
