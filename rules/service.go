package rules

import (
	"context"
	"errors"
	"sync"
	"time"

	"clirgate/numbering"
)

// Service ties a Store to a Table: a change is durable first, then in force at
// once, and in the order of its revision.
type Service struct {
	store Store
	table *Table
	mu    sync.Mutex // held from the store's commit to the table's new snapshot
}

// NewService makes the service; Load puts what the store holds in force.
func NewService(store Store, table *Table) *Service {
	return &Service{store: store, table: table}
}

// Table is the services in force.
func (s *Service) Table() *Table { return s.table }

// Load reads everything from the store and puts it in force. On error what was
// in force stays so.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Load(func(put func(Subscriber)) (uint64, error) { return s.store.All(ctx, put) })
}

// Get answers a subscriber as stored, and its revision.
func (s *Service) Get(ctx context.Context, n numbering.Number) (Subscriber, uint64, error) {
	return s.store.Get(ctx, n)
}

// Put stores a subscriber and puts it in force.
func (s *Service) Put(ctx context.Context, sub Subscriber, m Match, by By) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	revision, err := s.store.Put(ctx, sub, m, by)
	if err != nil {
		s.settle(sub.Number, err)
		return 0, err
	}
	s.table.Put(sub, revision)
	return revision, nil
}

// Delete removes a subscriber and takes its services out of force.
func (s *Service) Delete(ctx context.Context, n numbering.Number, m Match, by By) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	revision, err := s.store.Delete(ctx, n, m, by)
	if err != nil {
		s.settle(n, err)
		return 0, err
	}
	s.table.Delete(n, revision)
	return revision, nil
}

// settleTime bounds the look after a change whose outcome is not known.
const settleTime = time.Second

// settle reads a subscriber back after an error that leaves open whether the
// change was made (a commit whose answer was lost), so that memory and store do
// not part.
func (s *Service) settle(n numbering.Number, err error) {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrStale) || errors.Is(err, ErrPrecondition) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	switch sub, revision, err := s.store.Get(ctx, n); {
	case err == nil:
		s.table.Put(sub, revision)
	case errors.Is(err, ErrNotFound):
		s.table.Delete(n, 0)
	}
}
