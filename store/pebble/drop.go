package pebble

import (
	"context"
	"fmt"
	"maps"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// dropDays deletes a service's days before first: one range of each kind of key,
// however many there are.
func (e *engine) dropDays(ctx context.Context, s trace.Service, first trace.Day) (records int, err error) {
	if err := e.settle(); err != nil {
		return 0, err
	}
	records, oldest := e.counted(s, first)
	var ranges []pebble.KeyRange
	for _, prefix := range []byte{prefixRecord, byte(trace.RoleCaller), byte(trace.RoleCalled), prefixCount} {
		ranges = append(ranges, pebble.KeyRange{Start: []byte{prefix, byte(s)}, End: appendShelf(nil, prefix, shelf{s, first})})
	}
	ranges = append(ranges, pebble.KeyRange{Start: []byte{prefixUpdate}, End: bound([]byte{prefixUpdate}, oldest.Start())})
	swept := e.swept[s].Swap(false)
	if ranges, err = e.filled(ranges); err != nil {
		return 0, err
	}
	if len(ranges) > 0 || !swept {
		if err := e.cut(ctx, ranges); err != nil {
			return 0, err
		}
	}
	e.swept[s].Store(true)
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

// filled is the ranges that hold anything: most of the time nothing has expired, and
// then nothing is written. It tells only of keys: whether their bytes have left the disk
// is known once a deletion went through, see swept.
func (e *engine) filled(ranges []pebble.KeyRange) (some []pebble.KeyRange, err error) {
	for _, r := range ranges {
		it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: r.Start, UpperBound: r.End})
		if err != nil {
			return nil, fmt.Errorf("records: cannot look for what has expired: %w", err)
		}
		if it.First() {
			some = append(some, r)
		}
		if err := it.Close(); err != nil {
			return nil, fmt.Errorf("records: cannot look for what has expired: %w", err)
		}
	}
	return some, nil
}
