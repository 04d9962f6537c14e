package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// cursor walks one range of keys; tail is how many bytes at a key's end are compared
// with those of other cursors.
type cursor struct {
	it   *pebble.Iterator
	tail int
	back bool
	ok   bool
}

func (c *cursor) key() []byte { k := c.it.Key(); return k[len(k)-c.tail:] }

func (c *cursor) start() {
	if c.back {
		c.ok = c.it.Last()
	} else {
		c.ok = c.it.First()
	}
}

func (c *cursor) next() {
	if c.back {
		c.ok = c.it.Prev()
	} else {
		c.ok = c.it.Next()
	}
}

// cursors merges several of them in order of their tails.
type cursors []*cursor

// open adds a cursor on [lower, upper).
func (cs *cursors) open(r pebble.Reader, lower, upper []byte, tail int, back bool) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("records: cannot read: %w", err)
	}
	c := &cursor{it: it, tail: tail, back: back}
	*cs = append(*cs, c)
	c.start()
	return nil
}

// head is the cursor whose turn it is; nil: all are at their end.
func (cs cursors) head() (first *cursor) {
	for _, c := range cs {
		if !c.ok {
			continue
		}
		if first == nil {
			first = c
		} else if d := bytes.Compare(c.key(), first.key()); d < 0 && !c.back || d > 0 && c.back {
			first = c
		}
	}
	return first
}

func (cs cursors) close() error {
	var errs []error
	for _, c := range cs {
		if err := c.it.Close(); err != nil {
			errs = append(errs, fmt.Errorf("records: cannot read on: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (e *engine) scan(from, to time.Time, yield func(*trace.Record) bool) (err error) {
	var cs cursors
	defer func() { err = errors.Join(err, cs.close()) }()
	for _, s := range trace.Services {
		lower, upper := bounds([]byte{prefixRecord, byte(s)}, from, to)
		if err := cs.open(e.r, lower, upper, tailLen, false); err != nil {
			return err
		}
	}
	lower, upper := bounds([]byte{prefixUpdate}, from, to)
	if err := cs.open(e.r, lower, upper, tailLen, false); err != nil {
		return err
	}
	a := trace.NewAssembler(yield)
	for c := cs.head(); c != nil; c = cs.head() {
		v, err := c.it.ValueAndErr()
		if err != nil {
			break // closing the iterator says it
		}
		if !a.Add(trace.Entry{ID: trace.ID(c.key()), Value: v}) {
			break
		}
		c.next()
	}
	return a.Close()
}

// find walks the search keys of all of filed together, and fetches record by record.
func (e *engine) find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) (err error) {
	var cs cursors
	defer func() { err = errors.Join(err, cs.close()) }()
	first, last := trace.FirstID(from), trace.FirstID(to)
	for _, f := range filed {
		k := appendFiled(nil, f)
		lower, upper := append(bytes.Clone(k), first[:]...), append(bytes.Clone(k), last[:]...)
		if err := cs.open(e.r, lower, upper, idLen, newest); err != nil {
			return err
		}
	}
	get, err := e.fetcher()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, get.close()) }()
	var before trace.ID
	a := trace.NewAssembler(yield)
	for c := cs.head(); c != nil && ctx.Err() == nil; c = cs.head() {
		id, service := trace.ID(c.key()), trace.Service(c.it.Key()[1])
		c.next()
		if id == before { // filed twice
			continue
		}
		before = id
		if !get.record(service, id, a) {
			break
		}
	}
	return errors.Join(a.Close(), ctx.Err())
}

// fetcher fetches records by their ID.
type fetcher struct{ records, updates *pebble.Iterator }

func (e *engine) fetcher() (f fetcher, err error) {
	for _, of := range []struct {
		prefix byte
		it     **pebble.Iterator
	}{{prefixRecord, &f.records}, {prefixUpdate, &f.updates}} {
		*of.it, err = e.r.NewIter(&pebble.IterOptions{LowerBound: []byte{of.prefix}, UpperBound: []byte{of.prefix + 1}})
		if err != nil {
			return f, errors.Join(fmt.Errorf("records: cannot read: %w", err), f.close())
		}
	}
	return f, nil
}

func (f fetcher) close() error {
	var errs []error
	for _, it := range []*pebble.Iterator{f.records, f.updates} {
		if it == nil {
			continue
		}
		if err := it.Close(); err != nil {
			errs = append(errs, fmt.Errorf("records: cannot read on: %w", err))
		}
	}
	return errors.Join(errs...)
}

// record adds one record and its updates; false: no more are wanted. One that is gone
// already is passed over.
func (f fetcher) record(s trace.Service, id trace.ID, a *trace.Assembler) bool {
	key := appendRecordKey(nil, s, id)
	it := f.records
	if !it.SeekGE(key) || !bytes.Equal(it.Key(), key) {
		return it.Error() == nil
	}
	v, err := it.ValueAndErr()
	if err != nil || !a.Add(trace.Entry{ID: id, Value: v}) {
		return false
	}
	first := appendUpdateKey(nil, id, 0)
	it = f.updates
	for ok := it.SeekGE(first); ok && bytes.HasPrefix(it.Key(), first[:len(first)-1]); ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil || !a.Add(trace.Entry{ID: id, Value: v}) {
			return false
		}
	}
	return it.Error() == nil && a.Flush()
}
