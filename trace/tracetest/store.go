// Package tracetest has a record store for tests: in memory, with faults on demand.
package tracetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"clirgate/trace"
)

// Store keeps entries in memory. Its zero value is ready. Set Fail or Hang to see what
// happens when a disk fails or stops answering.
type Store struct {
	mu      sync.Mutex
	entries map[key][]byte
	batches int
	fail    error
	hang    chan struct{}
}

type key struct {
	id   trace.ID
	kind byte
}

var _ trace.EntryStore = (*Store)(nil)

// Fail makes Append answer err from now on; nil: work again.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// Hang makes Append wait until release is called.
func (s *Store) Hang() (release func()) {
	c := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hang = c
	return sync.OnceFunc(func() {
		s.mu.Lock()
		s.hang = nil
		s.mu.Unlock()
		close(c)
	})
}

// Append keeps the batch.
func (s *Store) Append(batch []trace.Entry) error {
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.entries == nil {
		s.entries = make(map[key][]byte)
	}
	for _, e := range batch {
		s.entries[key{e.ID, e.Kind()}] = bytes.Clone(e.Value)
	}
	s.batches++
	return nil
}

// Batches is how many batches were kept.
func (s *Store) Batches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches
}

// Scan yields records in order of time.
func (s *Store) Scan(from, to time.Time, yield func(*trace.Record) bool) error {
	a := trace.NewAssembler(yield)
	for _, e := range s.sorted(trace.FirstID(from), trace.FirstID(to)) {
		if !a.Add(e) {
			break
		}
	}
	return a.Close()
}

// Find yields the records filed under any of filed.
func (s *Store) Find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) error {
	var found []*trace.Record
	wanted := make(map[trace.ID]bool)
	for _, e := range s.sorted(trace.FirstID(from), trace.FirstID(to)) {
		for f := range e.Filed() {
			wanted[e.ID] = wanted[e.ID] || slices.Contains(filed, f)
		}
	}
	err := s.Scan(from, to, func(r *trace.Record) bool {
		if wanted[r.ID] {
			found = append(found, r)
		}
		return true
	})
	if newest {
		slices.Reverse(found)
	}
	for _, r := range found {
		if ctx.Err() != nil || !yield(r) {
			break
		}
	}
	return errors.Join(err, ctx.Err())
}

// DropDays deletes a service's days before first.
func (s *Store) DropDays(_ context.Context, service trace.Service, first trace.Day) (records int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	for k, v := range s.entries {
		e := trace.Entry{ID: k.id, Value: v}
		if k.kind != 0 || e.Service() != service || k.id.Day() >= first {
			continue
		}
		records++
		for kind := range byte(8) {
			delete(s.entries, key{k.id, kind})
		}
	}
	return records, nil
}

// All is every record kept, in order of time.
func (s *Store) All() (all []*trace.Record) {
	_ = s.Scan(time.Time{}, time.UnixMilli(1<<47), func(r *trace.Record) bool {
		all = append(all, r)
		return true
	})
	return all
}

func (s *Store) sorted(from, to trace.ID) (es []trace.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.entries {
		if bytes.Compare(k.id[:], from[:]) >= 0 && bytes.Compare(k.id[:], to[:]) < 0 {
			es = append(es, trace.Entry{ID: k.id, Value: v})
		}
	}
	slices.SortFunc(es, func(a, b trace.Entry) int {
		if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
			return c
		}
		return int(a.Kind()) - int(b.Kind())
	})
	return es
}

// Close does nothing: what was kept can still be read.
func (s *Store) Close() error { return nil }
