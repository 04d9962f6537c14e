package postgres

import (
	"bytes"
	"context"
	"time"

	"clirgate/trace"
	"github.com/jackc/pgx/v5"
)

// planned has every query planned for its own values, so that a day's query looks at that
// day's partitions only, however many there are.
const planned = pgx.QueryExecModeCacheDescribe

var _ trace.ManyDays = (*Records)(nil)

// ManyDays says that Find takes many days at once.
func (r *Records) ManyDays() {}

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
