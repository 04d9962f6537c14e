package pebble

import (
	"bytes"
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

// open adds a cursor on [lower, upper), which has read nothing yet.
func (cs *cursors) open(r pebble.Reader, lower, upper []byte, tail int, back bool) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("records: cannot read: %w", err)
	}
	*cs = append(*cs, &cursor{it: it, tail: tail, back: back})
	return nil
}

// start has all of them read their first key.
func (cs cursors) start() {
	atOnce(len(cs), func(_, i int) { cs[i].start() })
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
	cs.start()
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
