package keyring

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// Exchange keeps a node's ring and the shelf that it shares with other nodes alike: a key
// made here comes to the others, one destroyed anywhere is destroyed everywhere. Making
// and using keys never waits for the shelf.
//
// A key destroyed while the shelf is away, by a process that then ends before it can tell,
// comes back from the shelf; whoever destroys by age destroys it again.
type Exchange struct {
	ring  *Ring
	shelf Shelf

	mu      sync.Mutex
	serial  uint64         // of the shelf, up to which the ring has everything
	version uint64         // of the ring, up to which the shelf has everything
	synced  bool           // version counts
	both    map[named]bool // keys that are here and there
	master  string
}

type named struct {
	name string
	id   ID
}

// NewExchange makes one. Ring and shelf stay the caller's.
func NewExchange(r *Ring, s Shelf) *Exchange {
	return &Exchange{ring: r, shelf: s, both: make(map[named]bool)}
}

// Sync fetches what is new on the shelf and puts there what is new here, also when the
// others' keys cannot be used.
func (x *Exchange) Sync(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	// What was destroyed here must not be fetched again first.
	if err := x.tellDestroyed(ctx); err != nil {
		return err
	}
	return errors.Join(x.fetch(ctx), x.push(ctx))
}

// Publish puts on the shelf what is new here: before what it has sealed.
func (x *Exchange) Publish(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return errors.Join(x.tellDestroyed(ctx), x.push(ctx))
}

func (x *Exchange) fetch(ctx context.Context) error {
	list, now, err := x.shelf.After(ctx, x.serial)
	if err != nil || now == x.serial {
		return err
	}
	gone := make(map[string]bool)
	list = slices.DeleteFunc(list, func(s Shared) bool {
		if s.Sealed == nil {
			gone[s.Name] = true
		}
		return s.Sealed == nil
	})
	if len(gone) > 0 {
		if _, err := x.ring.Destroy(ctx, func(name string) bool { return gone[name] }); err != nil {
			return err
		}
		maps.DeleteFunc(x.both, func(k named, _ bool) bool { return gone[k.name] })
	}
	if err := x.ring.learn(ctx, list); err != nil {
		return err // and they are fetched again
	}
	for _, s := range list {
		x.both[named{s.Name, s.ID}] = true
	}
	x.serial = now
	return nil
}

func (x *Exchange) pushed() bool { return x.synced && x.ring.made.Load() == x.version }

// tellDestroyed destroys on the shelf what has been destroyed here.
func (x *Exchange) tellDestroyed(ctx context.Context) error {
	if x.pushed() {
		return nil
	}
	list, _, err := x.ring.shared(ctx)
	if err != nil {
		return err
	}
	gone := maps.Clone(x.both)
	for _, s := range list {
		delete(gone, named{s.Name, s.ID})
	}
	if len(gone) == 0 {
		return nil
	}
	var names []string
	for k := range gone {
		names = append(names, k.name)
	}
	if err := x.shelf.Destroy(ctx, names); err != nil {
		return err
	}
	maps.DeleteFunc(x.both, func(k named, _ bool) bool { return gone[k] })
	return nil
}

// push puts on the shelf what is new here; all of it anew when the master key is another.
func (x *Exchange) push(ctx context.Context) error {
	if x.pushed() {
		return nil
	}
	list, version, err := x.ring.shared(ctx)
	if err != nil {
		return err
	}
	master := x.master
	if len(list) > 0 {
		master = list[0].Master
	}
	rotated := x.master != "" && master != x.master
	fresh := slices.DeleteFunc(slices.Clone(list), func(s Shared) bool { return !rotated && x.both[named{s.Name, s.ID}] })
	if len(fresh) > 0 {
		if err := x.shelf.Put(ctx, fresh, rotated); err != nil {
			return err
		}
	}
	for _, s := range list {
		x.both[named{s.Name, s.ID}] = true
	}
	x.master, x.version, x.synced = master, version, true
	return nil
}

// Claim has this node and all others use the same key of each name: whoever is first
// makes it.
func (x *Exchange) Claim(ctx context.Context, names ...string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ring.Locked() {
		return ErrMaster // a key made now would be a second one
	}
	for _, name := range names {
		own := x.ring.Make(name)
		list, _, err := x.ring.shared(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(s Shared) bool { return s.Name == name && s.ID == own.ID })
		if at < 0 {
			return ErrClosed
		}
		claimed, err := x.shelf.Claim(ctx, list[at])
		if err != nil {
			return err
		}
		if claimed.Sealed == nil {
			return nil // destroyed meanwhile: nobody uses it any more
		}
		if err := x.ring.learn(ctx, []Shared{claimed}); err != nil {
			return err
		}
	}
	return nil
}
