package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Save stores what was made since the last one, also while the master key is away. When
// it returns nil, every key made before it was called is durable. It costs two atomic
// loads when all is stored already.
func (r *Ring) Save(ctx context.Context) error {
	if r.stored() {
		return nil
	}
	r.io.Lock()
	defer r.io.Unlock()
	if r.stored() { // by whoever held the lock
		return nil
	}
	return r.store(ctx)
}

func (r *Ring) stored() bool { return r.saved.Load() >= r.made.Load() }

// store writes all keys. r.io held.
func (r *Ring) store(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		return err
	}
	made := r.made.Load()
	doc, err := r.document()
	if err != nil {
		return err
	}
	b, err := doc.encode()
	if err != nil {
		return err
	}
	if err := r.storage.Save(ctx, b); err != nil {
		return fmt.Errorf("keyring: cannot store keys: %w", err)
	}
	r.doc = doc
	r.saved.Store(made)
	return nil
}

// document is all keys as they are to be stored: wrapped by the master key, or, while
// that is away, those stored already as they are and the new ones in escrow. r.io held.
func (r *Ring) document() (document, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return document{}, ErrClosed
	case r.unlocked:
		return r.wrapping.wrapAll(r.keys), nil
	case r.doc.Public == nil:
		return document{}, fmt.Errorf("%w: it has never been there", ErrMaster)
	}
	doc := r.doc
	doc.Keys = slices.Clone(doc.Keys)
	for name, keys := range r.keys {
		for _, k := range keys {
			if r.doc.has(name, k.ID) {
				continue
			}
			sealed, err := escrow(doc.Public, name, k)
			if err != nil {
				return document{}, err
			}
			doc.Keys = append(doc.Keys, entry{Name: name, ID: k.ID.String(), Escrowed: sealed})
		}
	}
	doc.sort()
	return doc, nil
}

// load reads what is stored, once. r.io held.
func (r *Ring) load(ctx context.Context) error {
	if r.loaded {
		return nil
	}
	doc, err := read(ctx, r.storage.Load)
	if second, ok := r.storage.(Copier); ok && errors.Is(err, ErrDamaged) {
		var copyErr error
		if doc, copyErr = read(ctx, second.LoadCopy); copyErr != nil || len(doc.Keys) == 0 {
			return errors.Join(err, copyErr)
		}
		r.made.Add(1) // the next Save mends the first
		err = nil
	}
	if err != nil {
		return err
	}
	r.doc, r.loaded = doc, true
	return nil
}

func read(ctx context.Context, from func(context.Context) ([]byte, error)) (document, error) {
	b, err := from(ctx)
	if err != nil {
		return document{}, fmt.Errorf("keyring: cannot load keys: %w", err)
	}
	return decode(b)
}

// Destroy forgets every key whose name match tells, here and in the storage, and
// answers how many there were. It needs no master key.
func (r *Ring) Destroy(ctx context.Context, match func(name string) bool) (n int, err error) {
	r.io.Lock()
	defer r.io.Unlock()
	if err := r.load(ctx); err != nil {
		return 0, err
	}
	before := r.doc
	gone := r.forget(match)
	r.doc.Keys = slices.DeleteFunc(slices.Clone(before.Keys), func(e entry) bool { return match(e.Name) })
	n = len(before.Keys) - len(r.doc.Keys)
	for name, keys := range gone {
		for _, k := range keys {
			if !before.has(name, k.ID) {
				n++
			}
		}
	}
	if n == 0 {
		return 0, nil
	}
	r.made.Add(1)
	if err := r.store(ctx); err != nil {
		r.doc = before
		r.putBack(gone)
		return 0, err
	}
	for _, keys := range gone {
		clear(keys)
	}
	return n, nil
}

func (r *Ring) forget(match func(name string) bool) map[string][]Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := make(map[string][]Key)
	for name, keys := range r.keys {
		if match(name) {
			gone[name] = keys
			delete(r.keys, name)
		}
	}
	return gone
}

func (r *Ring) putBack(gone map[string][]Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, keys := range gone {
		r.keys[name] = append(keys, r.keys[name]...)
	}
}
