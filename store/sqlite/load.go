package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"clirgate/rules"
)

func (s rulesStore) All(ctx context.Context, each func(rules.Subscriber)) (revision uint64, err error) {
	// One read transaction is one state. BeginTx would be IMMEDIATE here and
	// stop the writer, so the connection begins it by hand.
	conn, err := s.reader.Conn(ctx)
	if err != nil {
		return 0, s.failed(err)
	}
	defer conn.Close() // back to the pool; nothing was written
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return 0, s.failed(err)
	}
	defer func() {
		// Also when ctx ended: the connection goes back without a transaction.
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if err == nil {
			err = s.failed(end)
		}
	}()
	if revision, err = newest(ctx, conn); err != nil {
		return 0, s.failed(err)
	}
	if err := s.standing(ctx, conn, each); err != nil {
		return 0, s.failed(err)
	}
	timed, err := s.subscribers(ctx, conn, "WHERE until IS NOT NULL")
	for i := range timed {
		timed[i].Note, timed[i].Then.Note = "", ""
		each(timed[i].Subscriber)
	}
	return revision, err
}

// standing reads the rules without an end. Number and services come as one
// integer (a number has at most 15 digits, 50 bits), and past database/sql: with
// millions of rows its scanning costs more than SQLite's.
func (s rulesStore) standing(ctx context.Context, conn *sql.Conn, each func(rules.Subscriber)) error {
	return conn.Raw(func(c any) (err error) {
		q, ok := c.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("driver %T cannot be asked", c)
		}
		rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT number << %d | services FROM subscribers WHERE until IS NULL", rules.ServiceBits), nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		var row [1]driver.Value
		for {
			switch err := rows.Next(row[:]); {
			case errors.Is(err, io.EOF):
				return ctx.Err() // an ended context ends the rows
			case err != nil:
				return err
			}
			v, ok := row[0].(int64)
			if !ok {
				return fmt.Errorf("an integer was expected, not %T", row[0])
			}
			each(rules.Services(v & (1<<rules.ServiceBits - 1)).Subscriber(rules.KeyNumber(v >> rules.ServiceBits)))
		}
	})
}

func newest(ctx context.Context, q querier) (revision uint64, err error) {
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(revision), 0) FROM changes").Scan(&revision)
	return revision, err
}

func (s rulesStore) Revision(ctx context.Context) (uint64, error) {
	revision, err := newest(ctx, s.reader)
	return revision, s.failed(err)
}
