package sqlite

import (
	"context"
	"database/sql"

	"clirgate/casework/bills"
)

// Bills is the database as a bills.Store.
func (db *DB) Bills() bills.Store { return billStore{db} }

type billStore struct{ *DB }

const putShielded = "INSERT INTO shielded_numbers (number, day, ends, source) VALUES (?, ?, ?, ?) " +
	"ON CONFLICT (number) DO UPDATE SET day = excluded.day, ends = excluded.ends, source = excluded.source"

func (s billStore) Put(ctx context.Context, rows []bills.Row) error {
	return s.write(ctx, bills.ErrUnavailable, func(tx *sql.Tx) error { return s.insert(ctx, tx, putShielded, rows) })
}

// Replace leaves what is our own subscribers' alone.
func (s billStore) Replace(ctx context.Context, source string, rows []bills.Row) error {
	return s.write(ctx, bills.ErrUnavailable, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM shielded_numbers WHERE source = ?", source); err != nil {
			return s.failed(err)
		}
		return s.insert(ctx, tx, putShielded+" WHERE source <> ''", rows)
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

func (s billStore) Delete(ctx context.Context, number [16]byte) error {
	return s.write(ctx, bills.ErrUnavailable, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM shielded_numbers WHERE number = ?", number[:])
		if err != nil {
			return s.failed(err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return bills.ErrNotFound
		}
		return nil
	})
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
