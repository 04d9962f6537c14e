package keyring

import (
	"context"
	"errors"
	"fmt"
)

// Unlock fetches the master key when the ring is locked, and unwraps what is stored,
// beside what was made meanwhile. Nobody who makes, uses or saves keys waits while the
// master key is asked for.
func (r *Ring) Unlock(ctx context.Context) error {
	r.asking.Lock()
	defer r.asking.Unlock()
	return r.unlock(ctx)
}

// unlock does it. r.asking held.
func (r *Ring) unlock(ctx context.Context) error {
	if !r.Locked() {
		return nil
	}
	doc, err := r.current(ctx)
	if err != nil {
		return err
	}
	w, err := r.fetch(ctx, doc)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMaster, err)
	}
	r.io.Lock()
	defer r.io.Unlock()
	stored, err := r.unwrapStored(ctx, w)
	if err != nil {
		return err
	}
	if !w.owns(r.doc.Public) || r.doc.escrowed() {
		r.made.Add(1) // the next Save stores the public key, and wraps what was in escrow
	}
	return r.take(w, stored)
}

// current is what is stored now.
func (r *Ring) current(ctx context.Context) (document, error) {
	r.io.Lock()
	defer r.io.Unlock()
	err := r.load(ctx)
	return r.doc, err
}

// unwrapStored unwraps what is stored, or its copy. r.io held.
func (r *Ring) unwrapStored(ctx context.Context, w wrapper) (map[string][]Key, error) {
	stored, err := w.unwrapAll(r.doc)
	second, ok := r.storage.(Copier)
	if !ok || !errors.Is(err, ErrDamaged) {
		return stored, err
	}
	doc, copyErr := read(ctx, second.LoadCopy)
	if copyErr == nil && len(doc.Keys) > 0 {
		stored, copyErr = w.unwrapAll(doc)
	}
	if copyErr != nil || len(stored) == 0 {
		return nil, errors.Join(err, copyErr)
	}
	r.doc = doc
	r.made.Add(1) // the next Save mends the first
	return stored, nil
}

// take makes what was stored the ring's.
func (r *Ring) take(w wrapper, stored map[string][]Key) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	for name, keys := range stored {
		for _, made := range r.keys[name] {
			if !r.doc.has(name, made.ID) { // else it was put in escrow, and is among them
				keys = append(keys, made)
			}
		}
		r.keys[name] = keys
	}
	r.wrapping, r.unlocked = w, true
	return nil
}

// fetch finds the master key that the stored keys were wrapped with. A rotation that was
// cut short has left the new one beside the old: whichever fits is the one in force.
// r.asking held.
func (r *Ring) fetch(ctx context.Context, doc document) (wrapper, error) {
	if len(doc.Keys) == 0 && doc.Master == "" {
		if c, ok := r.master.(Creator); ok {
			if err := c.Create(ctx); err != nil {
				return wrapper{}, err
			}
		}
	}
	w, err := fetch(ctx, r.master.Key)
	if err == nil && (doc.Master == "" || w.fingerprint == doc.Master) {
		return w, nil
	}
	if rot, ok := r.master.(Rotator); ok {
		if next, nextErr := fetch(ctx, rot.Pending); nextErr == nil && next.fingerprint == doc.Master {
			return next, rot.Commit(ctx)
		}
	}
	if err == nil {
		err = errors.New("the keys are wrapped with another one")
	}
	return wrapper{}, err
}

func fetch(ctx context.Context, from func(context.Context) ([Size]byte, error)) (wrapper, error) {
	secret, err := from(ctx)
	if err != nil {
		return wrapper{}, err
	}
	return newWrapper(secret)
}

// Rotate wraps every key with a new master key. A file makes its new key itself; a
// command is asked again, and must print the new key by now. Calls go on meanwhile.
func (r *Ring) Rotate(ctx context.Context) error {
	r.asking.Lock()
	defer r.asking.Unlock()
	if err := r.unlock(ctx); err != nil {
		return err
	}
	rot, self := r.master.(Rotator)
	next := r.master.Key
	if self {
		next = rot.Next
	}
	w, err := fetch(ctx, next)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMaster, err)
	}
	changed, err := r.rewrap(ctx, w)
	if err != nil {
		return err
	}
	if !changed {
		return fmt.Errorf("%w: it is still the old one", ErrMaster)
	}
	if self {
		return rot.Commit(ctx)
	}
	return nil
}

// Adopt has another source for the master key from now on: the keys are wrapped with
// what it yields. When that cannot be had, the old source stays.
func (r *Ring) Adopt(ctx context.Context, m Master) error {
	r.asking.Lock()
	defer r.asking.Unlock()
	if r.unlock(ctx) != nil {
		old := r.master
		r.master = m
		if err := r.unlock(ctx); err != nil {
			r.master = old
			return err
		}
		return nil
	}
	if c, ok := m.(Creator); ok {
		if err := c.Create(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrMaster, err)
		}
	}
	w, err := fetch(ctx, m.Key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMaster, err)
	}
	if _, err := r.rewrap(ctx, w); err != nil {
		return err
	}
	r.master = m
	return nil
}

// rewrap stores all keys wrapped by another wrapper; false: it is the one in force.
func (r *Ring) rewrap(ctx context.Context, w wrapper) (changed bool, err error) {
	r.io.Lock()
	defer r.io.Unlock()
	old := r.wrap(w)
	if old.fingerprint == w.fingerprint {
		return false, nil
	}
	r.made.Add(1)
	if err := r.store(ctx); err != nil {
		r.wrap(old)
		return false, err
	}
	return true, nil
}

func (r *Ring) wrap(w wrapper) (old wrapper) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, r.wrapping = r.wrapping, w
	return old
}
