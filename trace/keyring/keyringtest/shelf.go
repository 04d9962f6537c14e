// Package keyringtest has a shelf of keys for tests: in memory, with faults on demand.
package keyringtest

import (
	"context"
	"slices"
	"sync"

	"clirgate/trace/keyring"
)

// Shelf is ready as it is.
type Shelf struct {
	mu     sync.Mutex
	rows   []row
	serial uint64
	fail   error
}

type row struct {
	keyring.Shared
	serial uint64
}

var _ keyring.Shelf = (*Shelf)(nil)

// Fail makes every call answer err from now on; nil: work again.
func (s *Shelf) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *Shelf) After(_ context.Context, serial uint64) (list []keyring.Shared, now uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.serial > serial {
			list = append(list, r.Shared)
		}
	}
	return list, s.serial, s.fail
}

func (s *Shelf) change(f func(serial uint64)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.serial++
	f(s.serial)
	return nil
}

func (s *Shelf) find(k keyring.Shared) *row {
	at := slices.IndexFunc(s.rows, func(r row) bool { return r.Name == k.Name && r.ID == k.ID })
	if at < 0 {
		s.rows = append(s.rows, row{})
		return &s.rows[len(s.rows)-1]
	}
	return &s.rows[at]
}

func (s *Shelf) Put(_ context.Context, list []keyring.Shared, replace bool) error {
	return s.change(func(serial uint64) {
		for _, k := range list {
			r := s.find(k)
			claimed := r.Claimed
			if r.serial == 0 || replace && r.Sealed != nil {
				*r = row{k, serial}
				r.Claimed = claimed
			}
		}
	})
}

func (s *Shelf) Claim(_ context.Context, k keyring.Shared) (claimed keyring.Shared, err error) {
	err = s.change(func(serial uint64) {
		for _, r := range s.rows {
			if r.Name == k.Name && r.Claimed {
				claimed = r.Shared
				return
			}
		}
		r := s.find(k)
		if r.serial == 0 {
			r.Shared = k
		}
		r.Claimed, r.serial = true, serial
		claimed = r.Shared
	})
	return claimed, err
}

func (s *Shelf) Destroy(_ context.Context, names []string) error {
	return s.change(func(serial uint64) {
		for i := range s.rows {
			if r := &s.rows[i]; r.Sealed != nil && slices.Contains(names, r.Name) {
				r.Sealed, r.serial = nil, serial
			}
		}
	})
}
