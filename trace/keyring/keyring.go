// Package keyring keeps secret keys by name, wrapped by one master key. What is stored
// tells nothing without the master key, and a key that was destroyed opens nothing more.
//
// By default a gateway keeps the ring in data/keyring and the master key in
// data/keys/master. Who takes both can read everything: so data/keys belongs on another
// disk, or is a Command, wherever the promise that a stolen disk tells nothing is to
// hold (DESIGN D7). Losing the master key loses all that was sealed: keep a copy of it
// in a safe place, never beside the data or in the same backup.
//
// The master key may come late (a vault that is down at start): keys can be made and
// used meanwhile, and Save says that they are not safe yet.
package keyring

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrMaster: the master key cannot be had, or is not the one the keys are wrapped with.
	ErrMaster = errors.New("keyring: master key cannot be used")
	// ErrDamaged: what is stored is no key ring, or was altered.
	ErrDamaged = errors.New("keyring: stored keys are damaged")
	// ErrClosed: the ring is closed.
	ErrClosed = errors.New("keyring: closed")
)

// Size of a key in bytes.
const Size = 32

// ID tells keys of one name apart.
type ID [4]byte

// Key is one secret with its ID. It prints itself redacted.
type Key struct {
	ID     ID
	Secret [Size]byte
}

// Format is redacted for every verb.
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("key(" + hex.EncodeToString(k.ID[:]) + " redacted)"))
}

// Ring is an opened key ring, safe for concurrent use.
type Ring struct {
	storage Storage
	master  Master
	dirty   atomic.Bool // something is not stored

	mu       sync.Mutex
	unlocked bool
	wrapping wrapper
	keys     map[string][]Key
	closed   bool
	retry    time.Time // the master key is not asked for before
}

// masterRetry is how long a master key that could not be had is left alone.
const masterRetry = 5 * time.Second

// Open opens the ring in storage. Where nothing is stored yet and the master can be
// created (a file), it is. When the master key cannot be had, the ring is returned
// together with an error that wraps ErrMaster: it works, but its stored keys do not
// until a later Save finds the master key.
func Open(ctx context.Context, s Storage, m Master) (*Ring, error) {
	r := &Ring{storage: s, master: m, keys: make(map[string][]Key)}
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.unlock(ctx)
	if err != nil && !errors.Is(err, ErrMaster) {
		return nil, errors.Join(err, s.Close())
	}
	return r, err
}

// unlock fetches the master key and unwraps what is stored, beside what was made
// meanwhile. r.mu held.
func (r *Ring) unlock(ctx context.Context) error {
	if r.closed {
		return ErrClosed
	}
	if r.unlocked {
		return nil
	}
	b, err := r.storage.Load(ctx)
	if err != nil {
		return fmt.Errorf("keyring: cannot load keys: %w", err)
	}
	err = r.unwrap(ctx, b)
	if second, ok := r.storage.(Copier); ok && errors.Is(err, ErrDamaged) {
		b, copyErr := second.LoadCopy(ctx)
		if copyErr != nil || len(b) == 0 {
			return errors.Join(err, copyErr)
		}
		if err = r.unwrap(ctx, b); err == nil {
			r.dirty.Store(true) // the next Save mends the first
		}
	}
	return err
}

// unwrap makes what was stored the ring's. r.mu held.
func (r *Ring) unwrap(ctx context.Context, b []byte) error {
	doc, err := decode(b)
	if err != nil {
		return err
	}
	w, err := r.fetch(ctx, doc)
	if err != nil {
		r.retry = time.Now().Add(masterRetry)
		return fmt.Errorf("%w: %w", ErrMaster, err)
	}
	stored, err := w.unwrapAll(doc)
	if err != nil {
		return err
	}
	for name, keys := range stored {
		r.keys[name] = append(keys, r.keys[name]...)
	}
	r.wrapping, r.unlocked = w, true
	return nil
}

// fetch finds the master key that doc was wrapped with. A rotation that was cut short
// has left the new one beside the old: whichever fits is the one in force.
func (r *Ring) fetch(ctx context.Context, doc document) (wrapper, error) {
	if len(doc.Keys) == 0 && doc.Master == "" {
		if c, ok := r.master.(Creator); ok {
			if err := c.Create(ctx); err != nil {
				return wrapper{}, err
			}
		}
	}
	secret, err := r.master.Key(ctx)
	w := newWrapper(secret)
	if err == nil && (doc.Master == "" || w.fingerprint == doc.Master) {
		return w, nil
	}
	if rot, ok := r.master.(Rotator); ok {
		if next, nextErr := rot.Pending(ctx); nextErr == nil {
			if w := newWrapper(next); w.fingerprint == doc.Master {
				return w, rot.Commit(ctx)
			}
		}
	}
	if err != nil {
		return wrapper{}, err
	}
	return wrapper{}, errors.New("the keys are wrapped with another one")
}

// Get answers the keys of a name, oldest first; none: unknown, destroyed, or locked.
func (r *Ring) Get(name string) []Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Key(nil), r.keys[name]...)
}

// Locked tells whether stored keys wait for the master key.
func (r *Ring) Locked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.unlocked
}

// Names lists the names that have keys.
func (r *Ring) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.keys))
	for name := range r.keys {
		names = append(names, name)
	}
	return names
}

// Make answers the newest key of a name, made when there is none. A key made is in
// memory only until Save.
func (r *Ring) Make(name string) Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	if keys := r.keys[name]; len(keys) > 0 {
		return keys[len(keys)-1]
	}
	var k Key
	_, _ = rand.Read(k.ID[:]) // never fails
	_, _ = rand.Read(k.Secret[:])
	r.keys[name] = append(r.keys[name], k)
	r.dirty.Store(true)
	return k
}

// Save stores what was made since the last one. It costs one atomic load when nothing
// was.
func (r *Ring) Save(ctx context.Context) error {
	if !r.dirty.Load() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.unlocked && time.Now().Before(r.retry) {
		return fmt.Errorf("%w: not asked again yet", ErrMaster)
	}
	if err := r.unlock(ctx); err != nil {
		return err
	}
	return r.store(ctx, r.wrapping)
}

// Destroy forgets every key whose name match tells, here and in the storage, and
// answers how many there were.
func (r *Ring) Destroy(ctx context.Context, match func(name string) bool) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.unlock(ctx); err != nil {
		return 0, err
	}
	gone := make(map[string][]Key)
	for name, keys := range r.keys {
		if match(name) {
			gone[name] = keys
			n += len(keys)
			delete(r.keys, name)
		}
	}
	if n == 0 {
		return 0, nil
	}
	if err := r.store(ctx, r.wrapping); err != nil {
		for name, keys := range gone {
			r.keys[name] = keys
		}
		return 0, err
	}
	for _, keys := range gone {
		clear(keys)
	}
	return n, nil
}

// Rotate wraps every key with a new master key. A file makes its new key itself; a
// command is asked again, and must print the new key by now. Calls go on meanwhile.
func (r *Ring) Rotate(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.unlock(ctx); err != nil {
		return err
	}
	rot, self := r.master.(Rotator)
	next := r.master.Key
	if self {
		next = rot.Next
	}
	secret, err := next(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMaster, err)
	}
	w := newWrapper(secret)
	if w.fingerprint == r.wrapping.fingerprint {
		return fmt.Errorf("%w: it is still the old one", ErrMaster)
	}
	if err := r.store(ctx, w); err != nil {
		return err
	}
	r.wrapping = w
	if self {
		return rot.Commit(ctx)
	}
	return nil
}

// store writes all keys, wrapped by w. r.mu held.
func (r *Ring) store(ctx context.Context, w wrapper) error {
	b, err := w.wrapAll(r.keys)
	if err != nil {
		return err
	}
	if err := r.storage.Save(ctx, b); err != nil {
		return fmt.Errorf("keyring: cannot store keys: %w", err)
	}
	r.dirty.Store(false)
	return nil
}

// Close forgets the keys and lets the storage go. What was not saved is lost.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.closed, r.unlocked = true, false
	for _, keys := range r.keys {
		clear(keys)
	}
	clear(r.keys)
	r.wrapping = wrapper{}
	return r.storage.Close()
}
