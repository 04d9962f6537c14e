// Package keyring keeps secret keys by name, wrapped by one master key. What is stored
// tells nothing without the master key, and a key that was destroyed opens nothing more.
//
// A gateway keeps the ring in its data directory and the master key outside of it, by
// default beside it. Who takes both can read everything: so the master key belongs on
// another disk, or is a Command, wherever the promise that a stolen disk tells nothing
// is to hold (DESIGN D7). Losing the master key loses all that was sealed: keep a copy
// of it in a safe place, never in the same backup as the data.
//
// The master key may be away (a vault that is down, a file not mounted): what it wraps
// cannot be read then, but new keys are made and stored all the same. They are sealed to
// a public key whose private half is derived from the master key (HPKE, RFC 9180), so
// that only the master key opens them, later. Only a ring that has never seen its master
// key has no such public key, and cannot store anything.
package keyring

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// Ring is an opened key ring, safe for concurrent use. Make and Get wait for nothing but
// memory.
type Ring struct {
	storage Storage

	made  atomic.Uint64 // changes so far
	saved atomic.Uint64 // of them, those that are stored

	asking sync.Mutex // one at a time asks for the master key; taken before io
	master Master     // asking

	io     sync.Mutex // one at a time at the storage; taken before mu
	doc    document   // io: as last loaded or stored
	loaded bool       // io

	mu       sync.Mutex // guards what follows; never held while waiting
	unlocked bool
	wrapping wrapper
	keys     map[string][]Key
	closed   bool
}

// Open opens the ring in storage. Where nothing is stored yet and the master can be
// created (a file), it is. When the master key cannot be had, the ring is returned
// together with an error that wraps ErrMaster: it works, but its stored keys do not
// until Unlock finds the master key.
func Open(ctx context.Context, s Storage, m Master) (*Ring, error) {
	r := &Ring{storage: s, master: m, keys: make(map[string][]Key)}
	err := r.Unlock(ctx)
	if err != nil && !errors.Is(err, ErrMaster) {
		return nil, errors.Join(err, s.Close())
	}
	return r, err
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
// memory only until Save. While the ring is locked, a name whose stored key waits for
// the master key gets a second one.
func (r *Ring) Make(name string) Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.make(name)
}

// Lasting answers the newest key of a name, made and stored when there is none. It is
// for names whose key must stay the same: while the ring is locked it makes no second
// one, and answers ErrMaster.
func (r *Ring) Lasting(ctx context.Context, name string) (Key, error) {
	r.mu.Lock()
	if !r.unlocked {
		r.mu.Unlock()
		return Key{}, fmt.Errorf("%w: whether there is a key %q cannot be told", ErrMaster, name)
	}
	k := r.make(name)
	r.mu.Unlock()
	return k, r.Save(ctx)
}

// make does what Make says. r.mu held.
func (r *Ring) make(name string) Key {
	if keys := r.keys[name]; len(keys) > 0 {
		return keys[len(keys)-1]
	}
	var k Key
	_, _ = rand.Read(k.ID[:]) // never fails
	_, _ = rand.Read(k.Secret[:])
	r.keys[name] = append(r.keys[name], k)
	r.made.Add(1)
	return k
}

// Close forgets the keys and lets the storage go. What was not saved is lost.
func (r *Ring) Close() error {
	r.io.Lock()
	defer r.io.Unlock()
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
