package rules

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// FollowOptions is what a Follower works with.
type FollowOptions struct {
	Node   string       // this node's name
	Nodes  NodeStore    // nil: the store is this node's alone
	Listen Listener     // nil: polling is enough
	Log    *slog.Logger // nil: slog.Default
}

// Follower keeps a service's rules those of its store, which other nodes (and
// other processes) change too: every revision is applied, in order. It hears of
// changes from the store where that can tell, and asks once a second in any case,
// so that a lost notice or an outage costs time, not correctness. While the store
// is away decisions go on with what is in force.
type Follower struct {
	service *Service
	FollowOptions
	wake  chan struct{} // somebody changed something
	beat  chan struct{} // this node applied something
	hears atomic.Bool   // the store tells of changes at present
	state atomic.Pointer[storeState]
}

// storeState is how the last look into the store went.
type storeState struct {
	err   error     // nil: it answers
	since time.Time // when it last changed from one to the other
}

const (
	pollEvery = time.Second            // where the store tells of changes, and to beat
	pollAlone = 400 * time.Millisecond // where it does not: a change is to be in force within a second
	beatTime  = 2 * time.Second        // bound of one note to the other nodes
	lookEvery = 20 * time.Millisecond
)

// Follow makes the follower of a service; Run does the work.
func Follow(s *Service, o FollowOptions) *Follower {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	f := &Follower{service: s, FollowOptions: o, wake: make(chan struct{}, 1), beat: make(chan struct{}, 1)}
	s.mu.Lock()
	s.applied = func() { poke(f.beat) }
	s.mu.Unlock()
	return f
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // somebody has, and it has not been seen to yet
	}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	var wg sync.WaitGroup
	run := func(f func(context.Context)) {
		wg.Add(1)
		go func() { defer wg.Done(); f(ctx) }()
	}
	run(f.catchUp)
	if f.Listen != nil {
		run(f.hear)
	}
	if f.Nodes != nil {
		run(f.keepBeating)
	}
	wg.Wait()
}

func (f *Follower) catchUp(ctx context.Context) {
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		f.note(ctx, f.service.CatchUp(ctx))
		if tick.Reset(pollAlone); f.hears.Load() {
			tick.Reset(pollEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-tick.C:
		}
	}
}

// note keeps how the store is, and logs when that changes.
func (f *Follower) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	was := f.state.Load()
	if was != nil && (was.err == nil) == (err == nil) {
		return
	}
	f.state.Store(&storeState{err: err, since: time.Now()})
	switch {
	case err != nil:
		f.Log.Error("rules: the store does not answer; deciding goes on with what is in force", "error", err, "in_force", f.service.table.Snapshot() != nil)
	case was != nil:
		f.Log.Info("rules: the store answers again", "away", time.Since(was.since).Round(time.Millisecond))
	}
}

// Store tells since when the store is as it is, and the error it went away with;
// nil while it answers. Before the first look, since is zero.
func (f *Follower) Store() (since time.Time, err error) {
	if s := f.state.Load(); s != nil {
		return s.since, s.err
	}
	return time.Time{}, nil
}

// hear listens, again and again when the connection is lost.
func (f *Follower) hear(ctx context.Context) {
	for {
		_ = f.Listen.Listen(ctx, func() { f.hears.Store(true); poke(f.wake) }) // catchUp meets the same error, and logs it
		f.hears.Store(false)
		if !pause(ctx, pollEvery) {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// keepBeating tells the other nodes how far this one is: once a second, and at
// once when that changed.
func (f *Follower) keepBeating(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, beatTime)
		// What is lost of it shows to the others as this node's age.
		_ = f.Nodes.Beat(bounded, f.Node, f.service.table.Snapshot().Revision())
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-f.beat:
		case <-tick.C:
		}
	}
}

// List answers all nodes and how far their rules are, this one among them.
func (f *Follower) List(ctx context.Context) ([]Node, error) {
	own := Node{Name: f.Node, Revision: f.service.table.Snapshot().Revision()}
	if f.Nodes == nil {
		return []Node{own}, nil
	}
	list, err := f.Nodes.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(n Node) bool { return n.Name == f.Node })
	if i < 0 {
		return append(list, own), nil
	}
	list[i] = own
	return list, nil
}

// WaitAll waits until every live node has applied a revision. When ctx ends
// before, the answer is a *LaggingError, or the store's when nothing is known.
func (f *Follower) WaitAll(ctx context.Context, revision uint64) error {
	var last error
	for {
		nodes, err := f.List(ctx)
		if err == nil {
			behind := lagging(nodes, revision)
			if behind == nil {
				return nil
			}
			last = behind
		} else if last == nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			last = err
		}
		if !pause(ctx, lookEvery) {
			return last
		}
	}
}

// lagging answers nil when all live nodes are at a revision.
func lagging(nodes []Node, revision uint64) error {
	var names []string
	for i := range nodes {
		if nodes[i].Live() && nodes[i].Revision < revision {
			names = append(names, nodes[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return &LaggingError{Revision: revision, Nodes: names}
}
