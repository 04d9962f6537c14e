package pebble

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// dropDays deletes a service's days before first: one range of each kind of key,
// however many there are.
func (e *engine) dropDays(ctx context.Context, s trace.Service, first trace.Day) (records int, err error) {
	records, oldest := e.counted(s, first)
	var ranges [][2][]byte
	for _, prefix := range []byte{prefixRecord, byte(trace.RoleCaller), byte(trace.RoleCalled), prefixCount} {
		ranges = append(ranges, [2][]byte{{prefix, byte(s)}, appendShelf(nil, prefix, shelf{s, first})})
	}
	ranges = append(ranges, [2][]byte{{prefixUpdate}, bound([]byte{prefixUpdate}, oldest.Start())})
	if err := e.deleteRanges(ctx, ranges); err != nil {
		return 0, err
	}
	e.forget(func(at shelf) bool { return at.service == s && at.day < first })
	return records, nil
}

// counted tells how many records a service has before first, and the oldest day that
// will be left of any service: updates are in one range for all of them.
func (e *engine) counted(s trace.Service, first trace.Day) (records int, oldest trace.Day) {
	e.countMu.Lock()
	defer e.countMu.Unlock()
	oldest = first
	for at, n := range e.counts {
		if at.service == s && at.day < first {
			records += int(n)
		} else {
			oldest = min(oldest, at.day)
		}
	}
	return records, oldest
}

func (e *engine) forget(gone func(shelf) bool) {
	e.countMu.Lock()
	defer e.countMu.Unlock()
	maps.DeleteFunc(e.counts, func(at shelf, _ uint64) bool { return gone(at) })
}

// dropBefore deletes records begun before t; search keys by whole days, as they are of
// no use without their records.
func (e *engine) dropBefore(ctx context.Context, t time.Time) error {
	var ranges [][2][]byte
	for _, s := range trace.Services {
		ranges = append(ranges, [2][]byte{{prefixRecord, byte(s)}, bound([]byte{prefixRecord, byte(s)}, t)})
		for _, prefix := range []byte{byte(trace.RoleCaller), byte(trace.RoleCalled), prefixCount} {
			ranges = append(ranges, [2][]byte{{prefix, byte(s)}, appendShelf(nil, prefix, shelf{s, trace.DayOf(t)})})
		}
	}
	ranges = append(ranges, [2][]byte{{prefixUpdate}, bound([]byte{prefixUpdate}, t)})
	if err := e.deleteRanges(ctx, ranges); err != nil {
		return err
	}
	e.forget(func(at shelf) bool { return at.day < trace.DayOf(t) })
	return nil
}

// deleteRanges deletes and has what was deleted leave the disk.
func (e *engine) deleteRanges(ctx context.Context, ranges [][2][]byte) error {
	return e.survive(func() error {
		b := e.db.NewBatch()
		for _, r := range ranges {
			if err := b.DeleteRange(r[0], r[1], nil); err != nil {
				return fmt.Errorf("records: cannot delete: %w", err)
			}
		}
		if err := b.Commit(pebble.Sync); err != nil {
			return fmt.Errorf("records: cannot delete: %w", err)
		}
		for _, r := range ranges {
			if err := e.db.Compact(ctx, r[0], r[1], false); err != nil {
				return fmt.Errorf("records: cannot compact: %w", err)
			}
		}
		return b.Close()
	})
}
