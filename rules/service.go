package rules

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/numbering"
)

// Service ties a Store to a Table: a change is durable first, then in force at
// once, and in the order of its revision, also when other nodes change the same
// store. The revision of the table's snapshot is the one up to which everything
// has been applied.
type Service struct {
	store   Store
	table   *Table
	mu      sync.Mutex // held by whoever brings the table from one revision to a later one
	applied func()     // called when that was done; may be nil
	drift   drift
	copied  atomic.Bool // in force is a copy, not what the store was seen to hold
}

// NewService makes the service; Load puts what the store holds in force.
func NewService(store Store, table *Table) *Service {
	return &Service{store: store, table: table}
}

// Table is the services in force.
func (s *Service) Table() *Table { return s.table }

// Store is where the service keeps them, for reading. Changes made there come
// into force with the next CatchUp.
func (s *Service) Store() Store { return s.store }

// Load reads everything from the store and puts it in force. On error what was
// in force stays so.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(ctx)
}

func (s *Service) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	return s.table.Load(func(put func(Subscriber)) (uint64, error) {
		revision, err := s.store.All(ctx, put)
		if err == nil {
			s.drift.saw(revision)
			s.drift.agreed(revision)
			s.copied.Store(false)
		}
		return revision, err
	})
}

// Get answers a subscriber as stored, and its revision.
func (s *Service) Get(ctx context.Context, n numbering.Number) (Subscriber, uint64, error) {
	return s.store.Get(ctx, n)
}

// List answers subscribers in the order of their numbers; see Store.
func (s *Service) List(ctx context.Context, after numbering.Number, limit int) ([]Versioned, error) {
	return s.store.List(ctx, after, limit)
}

// History answers changes; see Query.
func (s *Service) History(ctx context.Context, q Query) ([]Change, error) {
	return s.store.History(ctx, q)
}

// Put stores a subscriber and puts it in force.
func (s *Service) Put(ctx context.Context, sub Subscriber, m Match, by By) (uint64, error) {
	revision, err := s.store.Put(ctx, sub, m, by)
	if err != nil {
		s.settle(sub.Number, err)
		return 0, err
	}
	s.inForce(revision, []Item{{Number: sub.Number, After: &sub}}, sub.Until.IsZero())
	return revision, nil
}

// Delete removes a subscriber and takes its services out of force.
func (s *Service) Delete(ctx context.Context, n numbering.Number, m Match, by By) (uint64, error) {
	revision, err := s.store.Delete(ctx, n, m, by)
	if err != nil {
		s.settle(n, err)
		return 0, err
	}
	s.inForce(revision, []Item{{Number: n}}, true)
	return revision, nil
}

// Write makes many changes as one and puts them in force in one step. After an
// error that leaves open whether they were made, a CatchUp brings them.
func (s *Service) Write(ctx context.Context, writes []Write, by By) (Written, error) {
	w, err := s.store.Write(ctx, writes, by)
	if err == nil && w.Revision != 0 {
		s.inForce(w.Revision, w.Items, true)
	}
	return w, err
}

// Would answers what Write would make of the changes now.
func (s *Service) Would(ctx context.Context, writes []Write) (Written, error) {
	return s.store.Would(ctx, writes)
}

// settleTime bounds the look into the store after a change.
const settleTime = time.Second

// inForce applies a change of this node, which is durable. Changes of others
// that came before it and are not applied yet are read and applied first; so is
// the change itself when its items are not whole.
func (s *Service) inForce(revision uint64, items []Item, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.table.Snapshot().Revision()
	switch {
	case revision <= at && !s.copied.Load(): // somebody caught up meanwhile
		return
	case revision == at+1 && whole && !s.copied.Load():
		s.table.Apply(items, revision)
	default:
		ctx, cancel := context.WithTimeout(context.Background(), settleTime)
		defer cancel()
		if s.catchUp(ctx) != nil {
			// In force at once all the same; the revision stays, so that the next
			// CatchUp applies everything in its order.
			s.table.Apply(items, 0)
		}
	}
	s.tell()
}

func (s *Service) tell() {
	if s.applied != nil {
		s.applied()
	}
}

const (
	// feedPage bounds the changes read at once by CatchUp: batches come with all
	// their items.
	feedPage = 16
	// A store that neither answers nor fails must not hold up changes for ever.
	askTime  = 2 * time.Second  // for the newest revision
	feedTime = 30 * time.Second // for what lies between
	loadTime = 5 * time.Minute  // for everything
)

// CatchUp applies, in their order, all changes that the store has and the table
// has not. A table that was never loaded, or from a copy, one that is ahead of the store (which
// was restored from a backup), and one whose next change is missing from the
// history, is loaded anew. On error what was in force stays so.
func (s *Service) CatchUp(ctx context.Context) error {
	if now := s.table.Snapshot(); now != nil && !s.copied.Load() { // mostly there is nothing to do
		newest, err := s.newest(ctx)
		if err != nil {
			return err
		}
		if newest == now.Revision() {
			s.drift.agreed(newest)
			return nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.table.Snapshot()
	err := s.catchUp(ctx)
	if s.table.Snapshot() != before {
		s.tell()
	}
	return err
}

func (s *Service) catchUp(ctx context.Context) error {
	if s.table.Snapshot() == nil || s.copied.Load() {
		return s.load(ctx)
	}
	newest, err := s.newest(ctx)
	if err != nil {
		return err
	}
	for {
		at := s.table.Snapshot().Revision()
		switch {
		case at == newest:
			s.drift.agreed(at)
			return nil
		case at > newest:
			return s.load(ctx)
		}
		page, err := s.feed(ctx, at)
		if err != nil {
			return err
		}
		var items []Item
		for i := range page {
			if page[i].Revision != at+1 {
				return s.load(ctx)
			}
			at++
			items = append(items, page[i].Items...)
		}
		if len(page) == 0 {
			return s.load(ctx)
		}
		s.table.Apply(items, at)
		newest = max(newest, at)
	}
}

func (s *Service) newest(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	revision, err := s.store.Revision(ctx)
	if err == nil {
		s.drift.saw(revision)
	}
	return revision, err
}

func (s *Service) feed(ctx context.Context, after uint64) ([]Change, error) {
	ctx, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	return s.store.History(ctx, Query{After: after, Items: true, Limit: feedPage})
}

// Settle puts in force what was made, or may have been, in a transaction of somebody
// else's: the store's answer to it is err.
func (s *Service) Settle(n numbering.Number, err error) {
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), settleTime)
		defer cancel()
		err = s.CatchUp(ctx)
	}
	if err != nil {
		s.settle(n, err)
	}
}

// settle reads a subscriber back after an error that leaves open whether the
// change was made (a commit whose answer was lost), so that memory and store do
// not part. The revision stays: CatchUp brings the change in its order.
func (s *Service) settle(n numbering.Number, err error) {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrStale) || errors.Is(err, ErrPrecondition) || errors.Is(err, ErrNumber) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch sub, _, err := s.store.Get(ctx, n); {
	case err == nil:
		s.table.Apply([]Item{{Number: n, After: &sub}}, 0)
	case errors.Is(err, ErrNotFound):
		s.table.Apply([]Item{{Number: n}}, 0)
	}
}
