package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// cut deletes ranges, and has what was deleted leave the disk. A tombstone would have
// everything under it read once more. Cut out, tables that lie in a range are dropped
// unread; of those that reach across its ends the database sees only what is left, and
// that is written anew, so that the rest leaves the disk. So it costs some tables' time,
// however many records there are.
func (e *engine) cut(ctx context.Context, ranges []pebble.KeyRange) error {
	for _, r := range ranges {
		if err := e.survive(func() error { return e.db.Excise(ctx, r) }); err != nil {
			return fmt.Errorf("records: cannot delete: %w", err)
		}
	}
	if len(ranges) > 0 { // what was in memory is cut when it is written
		if err := e.survive(e.db.Flush); err != nil {
			return fmt.Errorf("records: cannot delete: %w", err)
		}
	}
	left, err := e.cutTables()
	if err == nil && len(left) > 0 {
		err = e.touch(left)
	}
	if err != nil {
		return fmt.Errorf("records: cannot look for what was deleted: %w", err)
	}
	return e.compact(ctx, left)
}

// compact has the tables of some ranges written anew. One compaction takes several with it.
func (e *engine) compact(ctx context.Context, ranges []pebble.KeyRange) error {
	for _, r := range ranges {
		left, err := e.cutTables()
		if err == nil && slices.ContainsFunc(left, func(l pebble.KeyRange) bool { return bytes.Equal(l.Start, r.Start) }) {
			err = e.survive(func() error { return e.db.Compact(ctx, r.Start, r.End, false) })
		}
		if err != nil {
			return fmt.Errorf("records: cannot compact: %w", err)
		}
	}
	return nil
}

// cutTables is what is left of the tables that were cut: from the first key of each to
// just behind its last.
func (e *engine) cutTables() (left []pebble.KeyRange, err error) {
	levels, err := e.db.SSTables()
	for _, tables := range levels {
		for _, t := range tables {
			if t.Virtual {
				end := append(bytes.Clone(t.Largest.UserKey), 0)
				left = append(left, pebble.KeyRange{Start: bytes.Clone(t.Smallest.UserKey), End: end})
			}
		}
	}
	return left, err
}

// touch writes the first key of each range as it is. Compaction writes a table anew only
// together with something above it; alone, it moves it.
func (e *engine) touch(ranges []pebble.KeyRange) error {
	e.pending.settling.Lock() // nobody changes what is written back
	defer e.pending.settling.Unlock()
	b := e.db.NewBatch()
	for _, r := range ranges {
		if err := e.rewrite(b, r.Start); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	if err := e.survive(func() error { return b.Commit(pebble.NoSync) }); err != nil {
		return err
	}
	return b.Close()
}

func (e *engine) rewrite(b *pebble.Batch, key []byte) error {
	v, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return b.Delete(key, nil)
	}
	if err != nil {
		return err
	}
	return errors.Join(b.Set(key, v, nil), closer.Close())
}
