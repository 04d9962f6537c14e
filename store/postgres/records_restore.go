package postgres

import (
	"context"
	"slices"

	"clirgate/trace"
	"clirgate/trace/outbox"
	"github.com/jackc/pgx/v5"
)

// restoreLock has entries restored by one at a time (an advisory lock): two would each
// find the same ones missing.
const restoreLock = 0x636c6973

// Restore adds those of entries that are not here, whoever may have shipped them: for
// what was salvaged. It answers how many were added. A call has one record; of its updates
// there may be several of a kind, and readers take the one that was added last: that stays
// the one that was told last, in whatever order they are restored.
func (r *Records) Restore(ctx context.Context, node string, entries []trace.Entry) (added int, err error) {
	r.partitions(ctx, entries)
	err = pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", restoreLock); err != nil {
			return err
		}
		there, err := present(ctx, tx, entries)
		if err != nil {
			return err
		}
		missing := absent(entries, there)
		added = len(missing)
		if added == 0 {
			return nil
		}
		return r.addAt(ctx, tx, node, missing, there.places(missing, r.now().UnixMicro()))
	})
	return added, wrap(outbox.ErrUnavailable, err)
}

// entryKey is what a store without a history would keep one entry under.
type entryKey struct {
	id   trace.ID
	kind byte
}

func keyOf(e trace.Entry) entryKey { return entryKey{e.ID, e.Kind()} }

// version is an entry that is here, and when it was added.
type version struct {
	trace.Entry
	added int64
}

type versions map[entryKey][]version

// present is what is here under the keys of entries.
func present(ctx context.Context, tx pgx.Tx, entries []trace.Entry) (versions, error) {
	ids := make(map[trace.Day][][16]byte)
	for _, e := range entries {
		ids[e.ID.Day()] = append(ids[e.ID.Day()], e.ID)
	}
	there := make(versions)
	for day, list := range ids {
		// A record's value is not asked for: it is large, and there is one.
		rows, err := tx.Query(ctx, `SELECT id, 0::smallint, added, NULL::bytea FROM records WHERE day = $1 AND id = ANY ($2::uuid[])
			UNION ALL SELECT id, kind, added, value FROM record_updates WHERE day = $1 AND id = ANY ($2::uuid[])`, planned, int32(day), list)
		if err != nil {
			return nil, err
		}
		if err := there.collect(rows); err != nil {
			return nil, err
		}
	}
	return there, nil
}

func (there versions) collect(rows pgx.Rows) error {
	var id [16]byte
	var v version
	var kind int16
	_, err := pgx.ForEachRow(rows, []any{&id, &kind, &v.added, &v.Value}, func() error {
		v.ID = id
		k := entryKey{v.ID, byte(kind)}
		there[k] = append(there[k], v)
		return nil
	})
	return err
}

// absent is the entries that are not there, each once, earlier ones first.
func absent(entries []trace.Entry, there versions) (missing []trace.Entry) {
	type whole struct {
		entryKey
		value string
	}
	seen := make(map[whole]bool)
	of := func(e trace.Entry) whole {
		if e.Kind() == 0 {
			return whole{entryKey: keyOf(e)}
		}
		return whole{keyOf(e), string(e.Value)}
	}
	for k, list := range there {
		for _, v := range list {
			seen[whole{k, string(v.Value)}] = true
		}
	}
	for _, e := range entries {
		if w := of(e); !seen[w] {
			seen[w] = true
			missing = append(missing, e)
		}
	}
	slices.SortStableFunc(missing, func(a, b trace.Entry) int { return a.Told().Compare(b.Told()) })
	return missing
}

// places says when each of missing counts as added: now, one after the other, or before
// what is there and was told later.
func (there versions) places(missing []trace.Entry, now int64) []int64 {
	at := make([]int64, len(missing))
	for i, e := range missing {
		at[i] = now + int64(i)
		for _, v := range there[keyOf(e)] {
			if told := e.Told(); e.Kind() != 0 && v.Told().After(told) {
				at[i] = min(at[i], v.added-int64(len(missing)-i))
			}
		}
	}
	return at
}
