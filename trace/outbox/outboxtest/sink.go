// Package outboxtest has a shared store of records for tests: in memory, with faults on
// demand.
package outboxtest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"clirgate/trace"
	"clirgate/trace/outbox"
)

// Sink keeps what is shipped, as often as it is shipped. Its zero value is ready.
type Sink struct {
	mu      sync.Mutex
	state   state
	saved   state
	fault   func() Fault
	hang    chan struct{}
	commits int
}

type state struct {
	marks   map[outbox.Epoch]uint64
	entries []trace.Entry
}

// Fault is what goes wrong with a transaction.
type Fault int

const (
	None    Fault = iota
	Refused       // nothing is done
	Unknown       // it is done, but the answer is lost
)

var _ outbox.Sink = (*Sink)(nil)

// Faults has every call ask f what goes wrong; nil: nothing.
func (s *Sink) Faults(f func() Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Hang makes every call wait until release, or until its context ends.
func (s *Sink) Hang() (release func()) {
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

// Backup remembers the state that Restore puts back, as an operator does after a disaster.
func (s *Sink) Backup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = state{maps.Clone(s.state.marks), slices.Clone(s.state.entries)}
}

// Restore puts the state of the last Backup back; without one, an empty store.
func (s *Sink) Restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state{maps.Clone(s.saved.marks), slices.Clone(s.saved.entries)}
}

// Mark is up to which batch the store has an epoch.
func (s *Sink) Mark(ctx context.Context, _ string, e outbox.Epoch) (seq uint64, err error) {
	err = s.do(ctx, func() error { seq = s.state.marks[e]; return nil })
	return seq, err
}

// Ship adds entries and moves the mark.
func (s *Sink) Ship(ctx context.Context, _ string, e outbox.Epoch, from, to uint64, entries []trace.Entry) error {
	return s.do(ctx, func() error {
		if s.state.marks[e] != from {
			return outbox.ErrMoved
		}
		if s.state.marks == nil {
			s.state.marks = make(map[outbox.Epoch]uint64)
		}
		s.state.marks[e] = to
		s.state.entries = append(s.state.entries, entries...)
		s.commits++
		return nil
	})
}

func (s *Sink) do(ctx context.Context, f func() error) error {
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := None
	if s.fault != nil {
		fault = s.fault()
	}
	if fault == Refused {
		return outbox.ErrUnavailable
	}
	if err := f(); err != nil {
		return err
	}
	if fault == Unknown {
		return outbox.ErrUnavailable
	}
	return nil
}

// Entries is all that was shipped, in its order.
func (s *Sink) Entries() []trace.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.entries)
}

// Commits is how many transactions added something.
func (s *Sink) Commits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}
