package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"clirgate/trace"
	"github.com/jackc/pgx/v5"
)

// ErrRecords: the store of records cannot be reached or does not answer. Wrapped around
// the cause.
var ErrRecords = errors.New("records: shared store unavailable")

// appendTime bounds what has no context of its own.
const appendTime = 30 * time.Second

// Records is the shared store of records, filled by the outboxes of all nodes.
// Partitions are made as days come, see Maintain. Safe for concurrent use.
type Records struct {
	db  *DB
	now func() time.Time

	mu   sync.Mutex
	made map[trace.Day]bool // days whose partitions are there
}

var _ trace.EntryStore = (*Records)(nil)

// Records is the database as a store of records. now nil: time.Now.
func (db *DB) Records(now func() time.Time) *Records {
	if now == nil {
		now = time.Now
	}
	return &Records{db: db, now: now, made: make(map[trace.Day]bool)}
}

// Append adds a batch, all or nothing. It is for what has no outbox; a batch added twice
// is found once, but counted twice.
func (r *Records) Append(batch []trace.Entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), appendTime)
	defer cancel()
	r.partitions(ctx, batch)
	return wrap(ErrRecords, pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error { return r.add(ctx, tx, "", batch) }))
}

// Close does nothing: the database is its owner's to close.
func (r *Records) Close() error { return nil }

var (
	recordColumns = []string{"service", "day", "id", "caller", "called", "diverted", "added", "value"}
	updateColumns = []string{"day", "id", "kind", "added", "value"}
)

// shelf is one service's day.
type shelf struct {
	service trace.Service
	day     trace.Day
}

func (s shelf) compare(other shelf) int {
	return cmp.Or(cmp.Compare(s.service, other.service), cmp.Compare(s.day, other.day))
}

// add copies a batch in and counts it.
func (r *Records) add(ctx context.Context, tx pgx.Tx, node string, batch []trace.Entry) error {
	added := make([]int64, len(batch))
	for i, now := 0, r.now().UnixMicro(); i < len(added); i++ {
		added[i] = now + int64(i)
	}
	return r.addAt(ctx, tx, node, batch, added)
}

// addAt is add of entries that count as added at different times.
func (r *Records) addAt(ctx context.Context, tx pgx.Tx, node string, batch []trace.Entry, added []int64) error {
	var records, updates [][]any
	counts := make(map[shelf]int64)
	for i, e := range batch {
		day, at := e.ID.Day(), added[i]
		if e.Kind() != 0 {
			updates = append(updates, []any{int32(day), [16]byte(e.ID), int16(e.Kind()), at, e.Value})
			continue
		}
		counts[shelf{e.Service(), day}]++
		tokens := tokensOf(e)
		records = append(records, []any{int16(e.Service()), int32(day), [16]byte(e.ID), tokens[0], tokens[1], tokens[2], at, e.Value})
	}
	if err := copyIn(ctx, tx, "records", recordColumns, records); err != nil {
		return err
	}
	if err := copyIn(ctx, tx, "record_updates", updateColumns, updates); err != nil {
		return err
	}
	var b pgx.Batch
	for _, at := range slices.SortedFunc(maps.Keys(counts), shelf.compare) { // in one order, or two might wait for each other
		n := counts[at]
		b.Queue(`INSERT INTO record_days (service, day, node, records) VALUES ($1, $2, $3, $4)
			ON CONFLICT (service, day, node) DO UPDATE SET records = record_days.records + EXCLUDED.records`,
			int16(at.service), int32(at.day), node, n)
	}
	return tx.SendBatch(ctx, &b).Close()
}

func copyIn(ctx context.Context, tx pgx.Tx, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	n, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
	if err == nil && n != int64(len(rows)) {
		err = fmt.Errorf("%d of %d rows copied into %s", n, len(rows), table)
	}
	return err
}

// tokensOf is what a record is filed under: caller, called, diverted; nil: none.
func tokensOf(e trace.Entry) (tokens [3]any) {
	called := 1
	for f := range e.Filed() {
		if f.Role == trace.RoleCaller {
			tokens[0] = tokenKey(f.Token)
			continue
		}
		// The second of this role is the number the call was diverted from.
		tokens[called] = tokenKey(f.Token)
		called = 2
	}
	return tokens
}

func tokenKey(t trace.Token) int64 { return int64(binary.BigEndian.Uint64(t[:])) }

// DropDays drops a service's days before first: whole partitions.
func (r *Records) DropDays(ctx context.Context, s trace.Service, first trace.Day) (records int, err error) {
	err = pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		if records, err = r.drop(ctx, tx, s, first); err != nil {
			return err
		}
		return dropUpdates(ctx, tx, first)
	})
	if err != nil {
		return 0, wrap(ErrRecords, err)
	}
	r.forget(first)
	return records, nil
}
