package postgres

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"clirgate/trace"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A search of many days waits for the server's planner, and then for its disk, a block for
// each record. So some days are asked for while others are on their way.
const (
	finders   = 4   // connections a search takes at most
	findAhead = 256 // entries of each that wait for their turn
)

// Find yields the records filed under any of filed, which are all of one role.
func (r *Records) Find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) error {
	if len(filed) == 0 {
		return ctx.Err()
	}
	asking, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	parts := make([]*part, 0, finders)
	for _, f := range byDays(filed, newest) {
		parts = append(parts, &part{filed: f, entries: make(chan trace.Entry, findAhead)})
	}
	all.Go(func() { r.ask(asking, &all, parts, from, to, newest) })
	a := trace.NewAssembler(func(rec *trace.Record) bool { return ctx.Err() == nil && yield(rec) })
	for _, p := range parts {
		for e := range p.entries {
			if !a.Add(e) {
				return cmp.Or(a.Close(), ctx.Err())
			}
		}
		if p.err != nil {
			return wrap(ErrRecords, p.err)
		}
	}
	return cmp.Or(a.Close(), ctx.Err())
}

// part is some days of a search. err may be read when entries is closed.
type part struct {
	filed   []trace.Filed
	entries chan trace.Entry
	err     error
}

// byDays cuts filed into parts of whole days, in the order they are wanted.
func byDays(filed []trace.Filed, newest bool) (parts [][]trace.Filed) {
	filed = slices.Clone(filed)
	slices.SortStableFunc(filed, func(a, b trace.Filed) int {
		if newest {
			a, b = b, a
		}
		return cmp.Compare(a.Day, b.Day)
	})
	size := (len(filed) + finders - 1) / finders
	for len(filed) > 0 {
		n := min(size, len(filed))
		for n < len(filed) && filed[n].Day == filed[n-1].Day {
			n++
		}
		parts, filed = append(parts, filed[:n]), filed[n:]
	}
	return parts
}

// ask asks for all parts. It takes their connections one after the other, so that whoever
// holds one also holds the one he reads from: searches never wait for each other in a
// circle.
func (r *Records) ask(ctx context.Context, all *sync.WaitGroup, parts []*part, from, to time.Time, newest bool) {
	for _, p := range parts {
		conn, err := r.db.pool.Acquire(ctx)
		if err != nil {
			p.err = err
			close(p.entries)
			continue
		}
		all.Go(func() {
			defer close(p.entries)
			defer conn.Release()
			p.err = p.read(ctx, conn, from, to, newest)
		})
	}
}

func (p *part) read(ctx context.Context, conn *pgxpool.Conn, from, to time.Time, newest bool) error {
	query, args := findQuery(p.filed, from, to, newest)
	rows, err := conn.Query(ctx, query, append([]any{planned}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err tells what went wrong
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return err
		}
		select {
		case p.entries <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return rows.Err()
}

// findQuery is the records and their updates in one statement: each of filed is looked up
// in its own day's partition, and each record's updates by themselves (OFFSET 0 keeps the
// planner from reading whole days of them). That days and services are also given as
// lists keeps all other partitions out of the plan.
func findQuery(filed []trace.Filed, from, to time.Time, newest bool) (string, []any) {
	is, order := "(called = f.token OR diverted = f.token)", ""
	if filed[0].Role == trace.RoleCaller {
		is = "caller = f.token"
	}
	if newest {
		order = " DESC"
	}
	var services []int16
	var days []int32
	var tokens []int64
	for _, f := range filed {
		services, days, tokens = append(services, int16(f.Service)), append(days, int32(f.Day)), append(tokens, tokenKey(f.Token))
	}
	return `WITH found AS MATERIALIZED (
			SELECT r.* FROM unnest($1::smallint[], $2::int[], $3::bigint[]) AS f (service, day, token)
			CROSS JOIN LATERAL (SELECT day, id, added, value FROM records WHERE service = ANY ($1) AND day = ANY ($2)
			AND service = f.service AND day = f.day AND ` + is + ` AND id >= $4 AND id < $5 OFFSET 0) AS r)
		SELECT id, 0::smallint AS kind, added, value FROM found
		UNION ALL SELECT u.* FROM found CROSS JOIN LATERAL (SELECT id, kind, added, value FROM record_updates
			WHERE day = ANY ($2) AND day = found.day AND id = found.id OFFSET 0) AS u
		ORDER BY id` + order + ", kind, added", []any{services, days, tokens, [16]byte(trace.FirstID(from)), [16]byte(trace.FirstID(to))}
}
