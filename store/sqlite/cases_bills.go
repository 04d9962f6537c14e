package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"clirgate/casework/bills"
)

// Bills is the database as a bills.Store.
func (db *DB) Bills() bills.Store { return billStore{db} }

type billStore struct{ *DB }

const putShielded = "INSERT INTO shielded_numbers (number, day, ends, source) VALUES (?, ?, ?, ?) " +
	"ON CONFLICT (number) DO UPDATE SET day = excluded.day, ends = excluded.ends, source = excluded.source"

func (s billStore) Save(ctx context.Context, c bills.Change) error {
	return s.write(ctx, bills.ErrUnavailable, func(tx *sql.Tx) error {
		query := putShielded
		if c.Source != "" {
			query += " WHERE source <> ''"
			if _, err := tx.ExecContext(ctx, "DELETE FROM shielded_numbers WHERE source = ?", c.Source); err != nil {
				return s.failed(err)
			}
		}
		for _, number := range c.Gone {
			if _, err := tx.ExecContext(ctx, "DELETE FROM shielded_numbers WHERE number = ?", number[:]); err != nil {
				return s.failed(err)
			}
		}
		if err := s.insert(ctx, tx, query, c.Put); err != nil {
			return err
		}
		return s.failed(appendAll(ctx, tx, c.Audit))
	})
}

func (s billStore) insert(ctx context.Context, tx *sql.Tx, query string, rows []bills.Row) error {
	stmt, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return s.failed(err)
	}
	defer stmt.Close() // of the transaction, which ends here
	for _, r := range rows {
		var ends any
		if r.Until != bills.NoDate {
			ends = r.Until
		}
		if _, err := stmt.ExecContext(ctx, r.Number[:], r.From, ends, r.Source); err != nil {
			return s.failed(err)
		}
	}
	return nil
}

func (s billStore) Find(ctx context.Context, number [16]byte) (r bills.Row, ok bool, err error) {
	r.Number = number
	err = s.reader.QueryRowContext(ctx, "SELECT day, coalesce(ends, 0), source FROM shielded_numbers WHERE number = ?", number[:]).
		Scan(&r.From, &r.Until, &r.Source)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, s.failed(err)
}

func (s billStore) All(ctx context.Context, each func(bills.Row) bool) error {
	rows, err := s.reader.QueryContext(ctx, "SELECT number, day, coalesce(ends, 0), source FROM shielded_numbers ORDER BY number")
	if err != nil {
		return s.failed(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	for rows.Next() {
		var r bills.Row
		var number []byte
		if err := rows.Scan(&number, &r.From, &r.Until, &r.Source); err != nil {
			return s.failed(err)
		}
		copy(r.Number[:], number)
		if !each(r) {
			return nil
		}
	}
	return s.failed(rows.Err())
}

func (s billStore) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.unavailable(bills.ErrUnavailable, err)
}
