package postgres

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"clirgate/trace"
	"github.com/jackc/pgx/v5"
)

// planned has every query planned for its own values, so that a day's query looks at that
// day's partitions only, however many there are.
const planned = pgx.QueryExecModeCacheDescribe

// Find yields the records filed under any of filed, which are of one day.
func (r *Records) Find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) error {
	if len(filed) == 0 {
		return ctx.Err()
	}
	query, args := findQuery(filed, from, to, newest)
	rows, err := r.db.pool.Query(ctx, query, append([]any{planned}, args...)...)
	if err != nil {
		return wrap(ErrRecords, err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	a := trace.NewAssembler(func(rec *trace.Record) bool { return ctx.Err() == nil && yield(rec) })
	if err := addRows(rows, a); err != nil {
		return wrap(ErrRecords, err)
	}
	if err := a.Close(); err != nil {
		return err
	}
	return ctx.Err()
}

// findQuery is the records of a day and their updates in one statement.
func findQuery(filed []trace.Filed, from, to time.Time, newest bool) (string, []any) {
	var f filter
	day, first, last := f.arg(int32(filed[0].Day)), f.arg([16]byte(trace.FirstID(from))), f.arg([16]byte(trace.FirstID(to)))
	var found []string
	for _, at := range filed {
		service, token := f.arg(int16(at.Service)), f.arg(tokenKey(at.Token))
		columns := []string{"called", "diverted"}
		if at.Role == trace.RoleCaller {
			columns = []string{"caller"}
		}
		for _, column := range columns {
			found = append(found, fmt.Sprintf("SELECT id, added, value FROM records WHERE service = %s AND day = %s AND %s = %s AND id >= %s AND id < %s",
				service, day, column, token, first, last))
		}
	}
	order := ""
	if newest {
		order = " DESC"
	}
	return "WITH found AS MATERIALIZED (" + strings.Join(found, " UNION ALL ") + `)
		SELECT id, 0::smallint AS kind, added, value FROM found
		UNION ALL SELECT id, kind, added, value FROM record_updates WHERE day = ` + day + ` AND id IN (SELECT id FROM found)
		ORDER BY id` + order + ", kind, added", f.args
}

// addRows hands rows of id, kind, added and value on until no more are wanted.
func addRows(rows pgx.Rows, a *trace.Assembler) error {
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return err
		}
		if !a.Add(e) {
			return nil
		}
	}
	return rows.Err()
}

func scanEntry(row pgx.Row) (e trace.Entry, err error) {
	var id [16]byte
	var kind int16
	var added int64
	err = row.Scan(&id, &kind, &added, &e.Value)
	e.ID = trace.ID(id)
	return e, err
}

// scanPage is how many records are fetched at a time.
const scanPage = 5000

// Scan yields records in order of time, a day at a time.
func (r *Records) Scan(from, to time.Time, yield func(*trace.Record) bool) error {
	ctx := context.Background() // whoever wants no more says so through yield
	more := true
	a := trace.NewAssembler(func(rec *trace.Record) bool { more = yield(rec); return more })
	first, end := trace.FirstID(from), trace.FirstID(to)
	rows, err := r.db.pool.Query(ctx, "SELECT DISTINCT day FROM record_days WHERE day BETWEEN $1 AND $2 ORDER BY day", int32(first.Day()), int32(end.Day()))
	if err != nil {
		return wrap(ErrRecords, err)
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	for _, d := range days {
		if err == nil && more {
			err = r.scanDay(ctx, d, first, end, a, &more)
		}
	}
	if err != nil {
		return wrap(ErrRecords, err)
	}
	return a.Close()
}

// scanDay reads a page of records, and the updates of that stretch.
func (r *Records) scanDay(ctx context.Context, day int32, first, end trace.ID, a *trace.Assembler, more *bool) error {
	for *more {
		records, err := r.entries(ctx, "SELECT id, 0::smallint, added, value FROM records WHERE day = $1 AND id >= $2 AND id < $3 ORDER BY id, added LIMIT $4",
			day, [16]byte(first), [16]byte(end), scanPage)
		if err != nil || len(records) == 0 {
			return err
		}
		last := records[len(records)-1].ID
		updates, err := r.entries(ctx, "SELECT id, kind, added, value FROM record_updates WHERE day = $1 AND id >= $2 AND id <= $3 ORDER BY id, kind, added",
			day, [16]byte(first), [16]byte(last))
		if err != nil {
			return err
		}
		if merge(records, updates, a) && len(records) == scanPage {
			first = next(last)
			continue
		}
		return nil
	}
	return nil
}

func (r *Records) entries(ctx context.Context, query string, args ...any) ([]trace.Entry, error) {
	rows, err := r.db.pool.Query(ctx, query, append([]any{planned}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (trace.Entry, error) { return scanEntry(row) })
}

// merge adds each record and then its updates; false: no more are wanted.
func merge(records, updates []trace.Entry, a *trace.Assembler) bool {
	for i, rec := range records {
		if !a.Add(rec) {
			return false
		}
		if i+1 < len(records) && records[i+1].ID == rec.ID {
			continue // it came twice: the last one counts
		}
		for len(updates) > 0 && bytes.Compare(updates[0].ID[:], rec.ID[:]) <= 0 {
			if updates[0].ID == rec.ID && !a.Add(updates[0]) {
				return false
			}
			updates = updates[1:]
		}
	}
	return a.Flush()
}

// next is the ID after id.
func next(id trace.ID) trace.ID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
}
