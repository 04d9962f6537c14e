package rules

import (
	"context"
	"errors"
	"testing"
	"time"

	"clirgate/numbering"
)

// fakeStore is a Store of functions.
type fakeStore struct {
	Store
	get    func(numbering.Number) (Subscriber, uint64, error)
	put    func(Subscriber) (uint64, error)
	delete func(numbering.Number) (uint64, error)
	all    func(func(Subscriber)) (uint64, error)
}

func (f *fakeStore) Get(_ context.Context, n numbering.Number) (Subscriber, uint64, error) {
	return f.get(n)
}
func (f *fakeStore) Put(_ context.Context, s Subscriber, _ Match, _ By) (uint64, error) {
	return f.put(s)
}
func (f *fakeStore) Delete(_ context.Context, n numbering.Number, _ Match, _ By) (uint64, error) {
	return f.delete(n)
}
func (f *fakeStore) All(_ context.Context, each func(Subscriber)) (uint64, error) { return f.all(each) }

func TestServiceDurableFirst(t *testing.T) {
	ctx, table := context.Background(), new(Table)
	store := &fakeStore{all: func(put func(Subscriber)) (uint64, error) {
		put(Subscriber{Number: lineR, CLIR: CLIRTemporaryRestricted})
		return 3, nil
	}}
	s := NewService(store, table)
	if err := s.Load(ctx); err != nil || s.Table().Snapshot().Revision() != 3 {
		t.Fatalf("load: %v", err)
	}
	has := func(n numbering.Number) bool {
		_, ok := table.Snapshot().Subscriber(n, time.Unix(0, 0))
		return ok
	}

	store.put = func(Subscriber) (uint64, error) {
		if has(lineP) {
			t.Error("in force before it was durable")
		}
		return 4, nil
	}
	if rev, err := s.Put(ctx, Subscriber{Number: lineP, CLIR: CLIRPermanent}, Unsaid(), By{}); err != nil || rev != 4 || !has(lineP) || table.Snapshot().Revision() != 4 {
		t.Fatalf("put: %d, %v", rev, err)
	}
	store.put = func(Subscriber) (uint64, error) { return 0, ErrStale }
	if _, err := s.Put(ctx, Subscriber{Number: lineP}, At(1), By{}); !errors.Is(err, ErrStale) || !has(lineP) {
		t.Fatalf("stale put: %v", err)
	}
	store.delete = func(numbering.Number) (uint64, error) { return 5, nil }
	if rev, err := s.Delete(ctx, lineP, Any(), By{}); err != nil || rev != 5 || has(lineP) {
		t.Fatalf("delete: %d, %v", rev, err)
	}
}

// A commit whose answer was lost: what the store holds is what is in force.
func TestServiceSettles(t *testing.T) {
	ctx, table := context.Background(), new(Table)
	stored := Subscriber{Number: lineP, CLIR: CLIRPermanent}
	store := &fakeStore{
		all:    func(func(Subscriber)) (uint64, error) { return 0, nil },
		put:    func(Subscriber) (uint64, error) { return 0, ErrUnavailable },
		delete: func(numbering.Number) (uint64, error) { return 0, ErrUnavailable },
		get:    func(numbering.Number) (Subscriber, uint64, error) { return stored, 9, nil },
	}
	s := NewService(store, table)
	if err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, stored, Unsaid(), By{}); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	if _, ok := table.Snapshot().Subscriber(lineP, time.Unix(0, 0)); !ok {
		t.Error("stored, but not in force")
	}
	store.get = func(numbering.Number) (Subscriber, uint64, error) { return Subscriber{}, 0, ErrNotFound }
	if _, err := s.Delete(ctx, lineP, Any(), By{}); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	if _, ok := table.Snapshot().Subscriber(lineP, time.Unix(0, 0)); ok {
		t.Error("gone from the store, but in force")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		m            Match
		none, r7, r8 error // no subscriber, at revision 7, at revision 8
	}{
		{Unsaid(), nil, ErrPrecondition, ErrPrecondition},
		{Absent(), nil, ErrStale, ErrStale},
		{At(7), ErrStale, nil, ErrStale},
		{Any(), ErrStale, nil, nil},
	} {
		if c.m.Check(false, 0) != c.none || c.m.Check(true, 7) != c.r7 || c.m.Check(true, 8) != c.r8 {
			t.Errorf("%+v", c)
		}
	}
}
