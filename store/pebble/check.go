package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// Checked is what a look at every key of a database found.
type Checked struct {
	Records, Updates int
	Lone             int // updates without their record: calls that went on without one
	Unreadable       int // entries that are none
	Unfiled          int // search keys that a record should have, and has not
	Dangling         int // search keys of no record
	Miscounted       int // days whose count is wrong
}

// Whole tells whether everything is as it should be; lone updates are.
func (c Checked) Whole() bool {
	return c.Unreadable == 0 && c.Unfiled == 0 && c.Dangling == 0 && c.Miscounted == 0
}

// Looked is how far a check has come.
type Looked struct {
	At       string // what it looks at
	Done, Of int    // of it; Of is 0 when nobody knows how much there is
}

// checkStep is how many keys are looked at between one report and the next.
const checkStep = 10_000

// checks are the kinds of keys, in the order they are looked at.
var checks = []struct {
	prefix byte
	name   string
}{
	{prefixRecord, "records"}, {prefixUpdate, "updates"},
	{byte(trace.RoleCaller), "search keys of callers"}, {byte(trace.RoleCalled), "search keys of called numbers"},
}

// Check reads every key there is, checksums included, and shows each every record,
// closed and without its updates; it tells step how far it is. What it holds in memory does
// not grow with the number of records. With an error it answers what it found until then.
func (s *Store) Check(ctx context.Context, each func(*trace.Record), step func(Looked)) (c Checked, err error) {
	err = s.read(func(e *engine) error {
		k := checker{e: e, ctx: ctx, each: each, step: step, counts: map[shelf]uint64{},
			seed: maphash.MakeSeed(), sums: map[drawer]uint64{}, due: map[byte]int{prefixRecord: e.countedAll()}}
		defer func() { c = k.Checked }()
		for _, what := range checks {
			if err := k.walk(what.prefix, what.name); err != nil {
				return err
			}
		}
		k.compareCounts()
		return k.compareSums()
	})
	return c, err
}

type checker struct {
	Checked
	e      *engine
	ctx    context.Context
	each   func(*trace.Record)
	step   func(Looked)
	counts map[shelf]uint64
	seed   maphash.Seed
	sums   map[drawer]uint64 // see compareSums
	due    map[byte]int      // keys there should be of a kind, as far as that is known
}

// countedAll is how many records were counted.
func (e *engine) countedAll() (n int) {
	e.countMu.Lock()
	defer e.countMu.Unlock()
	for _, of := range e.counts {
		n += int(of)
	}
	return n
}

func (k *checker) walk(prefix byte, name string) error {
	done := 0
	return k.keys([]byte{prefix}, []byte{prefix + 1}, func(key, value []byte) error {
		if done++; done%checkStep == 1 {
			k.step(Looked{name, done - 1, k.due[prefix]})
		}
		switch prefix {
		case prefixRecord:
			k.record(key, value)
		case prefixUpdate:
			return k.update(key, value)
		default:
			k.filed(key)
		}
		return nil
	})
}

// keys goes over all keys of a range.
func (k *checker) keys(lower, upper []byte, each func(key, value []byte) error) (err error) {
	it, err := k.e.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("records: cannot read: %w", err)
	}
	defer func() {
		if closeErr := it.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("records: cannot read on: %w", closeErr))
		}
	}()
	for ok := it.First(); ok && k.ctx.Err() == nil && err == nil; ok = it.Next() {
		v, valueErr := it.ValueAndErr()
		if valueErr != nil {
			break // closing says it
		}
		err = each(it.Key(), v)
	}
	return errors.Join(err, k.ctx.Err())
}

func (k *checker) record(key, value []byte) {
	r := new(trace.Record)
	kind, err := trace.Decode(value, r)
	if err != nil || kind != 0 || len(key) != recordLen || trace.ID(key[recordLen-tailLen:]) != r.ID {
		k.Unreadable++
		return
	}
	k.Records++
	entry := trace.Entry{ID: r.ID, Value: value}
	k.counts[shelf{entry.Service(), r.ID.Day()}]++
	for f := range entry.Filed() {
		k.due[byte(f.Role)]++
		k.sums[drawer{byte(f.Role), shelf{f.Service, f.Day}}] += maphash.Bytes(k.seed, append(appendFiled(nil, f), r.ID[:]...))
	}
	k.each(r)
}

func (k *checker) update(key, value []byte) error {
	var r trace.Record
	kind, err := trace.Decode(value, &r)
	if err != nil || kind == 0 || len(key) != updateLen || trace.ID(key[updateLen-tailLen:]) != r.ID {
		k.Unreadable++
		return nil
	}
	k.Updates++
	for _, s := range trace.Services {
		if there, err := k.has(appendRecordKey(nil, s, r.ID)); there || err != nil {
			return err
		}
	}
	k.Lone++
	return nil
}

func (k *checker) filed(key []byte) {
	if len(key) != filedLen {
		k.Unreadable++
		return
	}
	at := shelf{trace.Service(key[1]), trace.Day(binary.BigEndian.Uint32(key[2:]))}
	k.sums[drawer{key[0], at}] -= maphash.Bytes(k.seed, key)
}

// drawer is the search keys of one role on a service's day.
type drawer struct {
	role byte
	shelf
}

// compareSums looks closer at the days whose search keys are not those that their records
// should have. To look for each key one by one would take hours among millions: they lie
// in another order than the records. A key's hash is added for each that there should be
// and taken away for each that there is.
func (k *checker) compareSums() error {
	for at, sum := range k.sums {
		if sum == 0 {
			continue
		}
		if err := k.closer(at); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) closer(at drawer) error {
	next := shelf{at.service, at.day + 1}
	err := k.keys(appendShelf(nil, prefixRecord, at.shelf), appendShelf(nil, prefixRecord, next), func(key, value []byte) error {
		if len(key) != recordLen {
			return nil
		}
		id := trace.ID(key[recordLen-tailLen:])
		for f := range (trace.Entry{ID: id, Value: value}).Filed() {
			if byte(f.Role) != at.role {
				continue
			}
			if there, err := k.has(append(appendFiled(nil, f), id[:]...)); err != nil {
				return err
			} else if !there {
				k.Unfiled++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.keys(appendShelf(nil, at.role, at.shelf), appendShelf(nil, at.role, next), func(key, _ []byte) error {
		if len(key) != filedLen {
			return nil
		}
		there, err := k.has(appendRecordKey(nil, at.service, trace.ID(key[filedLen-idLen:])))
		if !there && err == nil {
			k.Dangling++
		}
		return err
	})
}

// compareCounts: a batch that was repeated because the disk failed counts twice, so a
// day may have fewer records than counted, never more.
func (k *checker) compareCounts() {
	k.e.countMu.Lock()
	defer k.e.countMu.Unlock()
	for at, n := range k.counts {
		if n > k.e.counts[at] {
			k.Miscounted++
		}
	}
}

func (k *checker) has(key []byte) (bool, error) {
	_, closer, err := k.e.r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("records: cannot read: %w", err)
	}
	return true, closer.Close()
}
