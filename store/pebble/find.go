package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// A search among millions of records waits for the disk, a block for each search key and
// each record it finds. So it asks for several at once.
const (
	reads      = 8  // at once
	fetchAhead = 64 // records fetched before they are wanted
)

// ManyDays says that Find takes many days at once.
func (s *Store) ManyDays() {}

// find walks the search keys of all of filed together, and fetches the records.
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
	cs.start()
	get := fetchers{r: e.r}
	defer func() { err = errors.Join(err, get.close()) }()
	a := trace.NewAssembler(yield)
	var some []found
	var before trace.ID
	for more := true; more && ctx.Err() == nil; {
		some, more = cs.take(some[:0], before)
		if err := get.fetch(some); err != nil {
			return err
		}
		for i := range some {
			if ctx.Err() != nil || !some[i].add(a) {
				return errors.Join(a.Close(), ctx.Err())
			}
			before = some[i].id
		}
	}
	return errors.Join(a.Close(), ctx.Err())
}

// found is a record that is to be fetched, and its entries when it was.
type found struct {
	id      trace.ID
	service trace.Service
	entries []trace.Entry
}

// take takes the next records off the cursors, none twice; false: they are at their ends.
func (cs cursors) take(some []found, before trace.ID) ([]found, bool) {
	for len(some) < fetchAhead {
		c := cs.head()
		if c == nil {
			return some, false
		}
		id, service := trace.ID(c.key()), trace.Service(c.it.Key()[1])
		c.next()
		if id != before { // else it is filed twice
			some = append(some, found{id: id, service: service})
		}
		before = id
	}
	return some, true
}

// add adds a record and its updates; false: no more are wanted. One that is gone already
// is passed over.
func (f *found) add(a *trace.Assembler) bool {
	for _, e := range f.entries {
		if !a.Add(e) {
			return false
		}
	}
	return a.Flush()
}

// fetchers fetch records by their ID, several at once.
type fetchers struct {
	r    pebble.Reader
	each []fetcher
}

func (fs *fetchers) fetch(some []found) error {
	for len(fs.each) < min(reads, len(some)) {
		f, err := newFetcher(fs.r)
		if err != nil {
			return err
		}
		fs.each = append(fs.each, f)
	}
	errs := make([]error, len(fs.each))
	atOnce(len(some), func(worker, i int) {
		if err := fs.each[worker].record(&some[i]); err != nil {
			errs[worker] = fmt.Errorf("records: cannot read: %w", err)
		}
	})
	return errors.Join(errs...)
}

func (fs *fetchers) close() error {
	var errs []error
	for _, f := range fs.each {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// atOnce does n things, by as many workers as reads, which each take every so manieth.
func atOnce(n int, do func(worker, i int)) {
	workers := min(reads, n)
	if workers <= 1 {
		for i := range n {
			do(0, i)
		}
		return
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n; i += workers {
				do(w, i)
			}
		})
	}
	all.Wait()
}

// fetcher fetches one record after the other.
type fetcher struct{ records, updates *pebble.Iterator }

func newFetcher(r pebble.Reader) (f fetcher, err error) {
	for _, of := range []struct {
		prefix byte
		it     **pebble.Iterator
	}{{prefixRecord, &f.records}, {prefixUpdate, &f.updates}} {
		*of.it, err = r.NewIter(&pebble.IterOptions{LowerBound: []byte{of.prefix}, UpperBound: []byte{of.prefix + 1}})
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

// record fetches one record with its updates, if it is there.
func (f fetcher) record(r *found) error {
	key := appendRecordKey(nil, r.service, r.id)
	if !f.records.SeekGE(key) || !bytes.Equal(f.records.Key(), key) {
		return f.records.Error()
	}
	if err := r.keep(f.records); err != nil {
		return err
	}
	first := appendUpdateKey(nil, r.id, 0)
	for ok := f.updates.SeekGE(first); ok && bytes.HasPrefix(f.updates.Key(), first[:len(first)-1]); ok = f.updates.Next() {
		if err := r.keep(f.updates); err != nil {
			return err
		}
	}
	return f.updates.Error()
}

func (r *found) keep(it *pebble.Iterator) error {
	v, err := it.ValueAndErr()
	if err == nil {
		r.entries = append(r.entries, trace.Entry{ID: r.id, Value: bytes.Clone(v)})
	}
	return err
}
