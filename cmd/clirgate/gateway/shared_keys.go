package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/store/postgres"
	"clirgate/trace/keyring"
)

const (
	keysEvery = time.Second // other nodes' keys are looked for this often
	keysTime  = 10 * time.Second
)

// sharedKeys keeps this node's key ring and those of the nodes that share its store alike.
type sharedKeys struct {
	*keyring.Exchange
	g       *Gateway
	claimed atomic.Bool // the keys that must be the same everywhere are
	trouble atomic.Pointer[string]
}

func newSharedKeys(g *Gateway) *sharedKeys {
	return &sharedKeys{Exchange: keyring.NewExchange(g.ring, keyShelf{g.database}), g: g}
}

// run exchanges keys until ctx ends. That the shared store is away is for others to tell.
func (k *sharedKeys) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := k.once(ctx)
		if errors.Is(err, postgres.ErrKeys) || ctx.Err() != nil {
			err = nil
		}
		if changed(&k.trouble, err) {
			k.g.log.Error("keys of other nodes", "error", err)
		}
		sleep(ctx, keysEvery)
	}
}

func (k *sharedKeys) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keysTime)
	defer cancel()
	if err := k.Sync(ctx); err != nil || k.claimed.Load() {
		return err
	}
	if err := k.Claim(ctx, append(casework.SharedKeys(), bills.KeyName)...); err != nil {
		return err
	}
	k.claimed.Store(true)
	return nil
}

// keyShelf is the shelf of keys in the shared store, opened when it is needed.
type keyShelf struct{ d *database }

func (s keyShelf) get(ctx context.Context) (keyring.Shelf, error) {
	db, err := s.d.shared.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", postgres.ErrKeys, err)
	}
	return db.Keys(), nil
}

func (s keyShelf) After(ctx context.Context, serial uint64) ([]keyring.Shared, uint64, error) {
	shelf, err := s.get(ctx)
	if err != nil {
		return nil, serial, err
	}
	return shelf.After(ctx, serial)
}

func (s keyShelf) Put(ctx context.Context, list []keyring.Shared, replace bool) error {
	shelf, err := s.get(ctx)
	if err != nil {
		return err
	}
	return shelf.Put(ctx, list, replace)
}

func (s keyShelf) Claim(ctx context.Context, k keyring.Shared) (keyring.Shared, error) {
	shelf, err := s.get(ctx)
	if err != nil {
		return k, err
	}
	return shelf.Claim(ctx, k)
}

func (s keyShelf) Destroy(ctx context.Context, names []string) error {
	shelf, err := s.get(ctx)
	if err != nil {
		return err
	}
	return shelf.Destroy(ctx, names)
}
