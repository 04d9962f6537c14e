package rules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/numbering"
)

// sharedStore is a store of several nodes, in memory. It can go away.
type sharedStore struct {
	Store
	mu      sync.Mutex
	changes []Change
	away    bool
	told    map[int]func()
	nodes   map[string]Node
	beats   map[string]time.Time
}

func newSharedStore() *sharedStore {
	return &sharedStore{told: map[int]func(){}, nodes: map[string]Node{}, beats: map[string]time.Time{}}
}

func (s *sharedStore) lock() (unlock func(), err error) {
	s.mu.Lock()
	if s.away {
		err = ErrUnavailable
	}
	return s.mu.Unlock, err
}

func (s *sharedStore) setAway(away bool) { s.mu.Lock(); s.away = away; s.mu.Unlock() }

func (s *sharedStore) Put(_ context.Context, sub Subscriber, _ Match, _ By) (uint64, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return 0, err
	}
	r := uint64(len(s.changes) + 1)
	s.changes = append(s.changes, Change{Revision: r, Number: sub.Number, After: &sub, Items: []Item{{Number: sub.Number, After: &sub}}})
	for _, told := range s.told {
		told()
	}
	return r, nil
}

func (s *sharedStore) Get(context.Context, numbering.Number) (Subscriber, uint64, error) {
	return Subscriber{}, 0, ErrUnavailable
}

func (s *sharedStore) Revision(context.Context) (uint64, error) {
	unlock, err := s.lock()
	defer unlock()
	return uint64(len(s.changes)), err
}

func (s *sharedStore) History(_ context.Context, q Query) ([]Change, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	rest := s.changes[q.After:]
	return rest[:min(len(rest), q.Bound())], nil
}

func (s *sharedStore) All(_ context.Context, each func(Subscriber)) (uint64, error) {
	unlock, err := s.lock()
	defer unlock()
	for _, c := range s.changes {
		each(*c.After)
	}
	return uint64(len(s.changes)), err
}

func (s *sharedStore) Listen(ctx context.Context, told func()) error {
	unlock, err := s.lock()
	id := len(s.told)
	if err == nil {
		s.told[id] = told
	}
	unlock()
	if err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *sharedStore) Beat(_ context.Context, node string, revision uint64) error {
	unlock, err := s.lock()
	defer unlock()
	if err == nil {
		s.nodes[node], s.beats[node] = Node{Name: node, Revision: revision}, time.Now()
	}
	return err
}

func (s *sharedStore) Nodes(context.Context) (list []Node, err error) {
	unlock, err := s.lock()
	defer unlock()
	for name, n := range s.nodes {
		n.Age = time.Since(s.beats[name])
		list = append(list, n)
	}
	return list, err
}

// node runs a follower until the test's context ends.
func node(ctx context.Context, wg *sync.WaitGroup, s *sharedStore, name string, listen bool) *Follower {
	o := FollowOptions{Node: name, Nodes: s, Log: slog.New(slog.DiscardHandler)}
	if listen {
		o.Listen = s
	}
	f := Follow(NewService(s, new(Table)), o)
	wg.Add(1)
	go func() { defer wg.Done(); f.Run(ctx) }()
	return f
}

func (f *Follower) at() uint64 { return f.service.Table().Snapshot().Revision() }

func TestFollow(t *testing.T) {
	for _, listen := range []bool{true, false} {
		t.Run(fmt.Sprintf("listen=%t", listen), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				defer wg.Wait()
				defer stop()
				store := newSharedStore()
				a, b := node(ctx, &wg, store, "a", listen), node(ctx, &wg, store, "b", listen)
				synctest.Wait()
				if _, err := a.service.Put(ctx, Subscriber{Number: lineP, CLIR: CLIRPermanent}, Whatever(), By{}); err != nil {
					t.Fatal(err)
				}
				if !listen {
					time.Sleep(pollEvery)
				}
				synctest.Wait()
				if d := Decide(b.service.Table().Snapshot(), &Call{Caller: lineP, TrustedSource: true}); d.Rule != D2 || d.Revision != 1 {
					t.Errorf("the other node decides by %v at %d", d.Rule, d.Revision)
				}

				// Away: deciding goes on, changes fail; back: everybody catches up.
				store.setAway(true)
				time.Sleep(3 * pollEvery)
				if _, err := b.Store(); !errors.Is(err, ErrUnavailable) {
					t.Errorf("the store is away, and known as %v", err)
				}
				if _, err := a.service.Put(ctx, Subscriber{Number: lineR}, Whatever(), By{}); !errors.Is(err, ErrUnavailable) {
					t.Errorf("%v", err)
				}
				if d := Decide(b.service.Table().Snapshot(), &Call{Caller: lineP, TrustedSource: true}); d.Rule != D2 {
					t.Errorf("while the store is away, decided by %v", d.Rule)
				}
				store.setAway(false)
				for range 3 * feedPage {
					if _, err := a.service.Put(ctx, Subscriber{Number: lineR, ACR: true}, Whatever(), By{}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * pollEvery)
				synctest.Wait()
				if a.at() != 1+3*feedPage || b.at() != a.at() {
					t.Errorf("at %d and %d", a.at(), b.at())
				}
				if since, err := b.Store(); err != nil || since.IsZero() {
					t.Errorf("known as %v since %v", err, since)
				}
			})
		})
	}
}

func TestWaitAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer stop()
		store := newSharedStore()
		a, b := node(ctx, &wg, store, "a", true), node(ctx, &wg, store, "b", true)
		synctest.Wait()
		_ = store.Beat(ctx, "slow", 0)
		r, err := a.service.Put(ctx, Subscriber{Number: lineP, CLIR: CLIRPermanent}, Whatever(), By{})
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var lag *LaggingError
		if err := a.WaitAll(short, r); !errors.As(err, &lag) || len(lag.Nodes) != 1 || lag.Nodes[0] != "slow" {
			t.Errorf("%v", err)
		}
		start := time.Now()
		if err := a.WaitAll(ctx, r); err != nil || b.at() < r { // the slow one counts as gone
			t.Errorf("%v, the other at %d", err, b.at())
		}
		if waited := time.Since(start); waited > LiveAge {
			t.Errorf("waited %v for one that is gone", waited)
		}
		nodes, err := b.List(ctx)
		if err != nil || len(nodes) != 3 {
			t.Fatalf("%+v, %v", nodes, err)
		}
		for _, n := range nodes {
			if n.Live() != (n.Name != "slow") || n.Live() && n.Revision != r {
				t.Errorf("%+v", n)
			}
		}
		store.setAway(true)
		short, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := a.WaitAll(short, r+1); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v", err)
		}
		alone := Follow(a.service, FollowOptions{Node: "x"})
		if err := alone.WaitAll(ctx, r); err != nil {
			t.Error(err)
		}
	})
}

// A change whose predecessors cannot be read is in force all the same, and the
// revision stays where everything before it is applied.
func TestInForceWithoutItsPredecessors(t *testing.T) {
	store := newSharedStore()
	ctx := context.Background()
	one, two := NewService(store, new(Table)), NewService(store, new(Table))
	if err := errors.Join(one.Load(ctx), two.Load(ctx)); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Put(ctx, Subscriber{Number: lineR, ACR: true}, Whatever(), By{}); err != nil {
		t.Fatal(err)
	}
	store.changes = append(store.changes, Change{Revision: 2})
	store.setAway(true)
	two.inForce(2, []Item{{Number: lineP, After: &Subscriber{Number: lineP, ACR: true}}}, true)
	if _, ok := two.Table().Snapshot().Subscriber(lineP, time.Unix(0, 0)); !ok || two.Table().Snapshot().Revision() != 0 {
		t.Errorf("in force: %t, at %d", ok, two.Table().Snapshot().Revision())
	}
}
