package privacy

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// KeyRing seals and opens dialog tokens and maps identifiers (AES-SIV, RFC 5297).
//
// A dialog's key is the newest one that was there when the call began (the time in its
// ULID), so that neither a rotation in the middle of a call nor the gateway that
// happens to handle a message changes an identifier. Keys open until no call that
// began under them can last any longer; then they are destroyed.
//
// Safe for concurrent use; reading takes no lock.
type KeyRing struct {
	path    string // of its file; empty: in memory only
	maxCall time.Duration
	ring    atomic.Pointer[ring]

	change    sync.Mutex   // held while the file is read or written
	stamp     atomic.Int64 // modification time of the file as read, unix nanoseconds
	lastCheck atomic.Int64 // unix seconds: when an unknown key id last made us look at the file
}

var (
	// ErrForeign: not a token of ours, or forged, or sealed with a key that is gone.
	ErrForeign = errors.New("privacy: token does not open")
	// ErrExpired: a token older than a call may last.
	ErrExpired = errors.New("privacy: token expired")
)

// clockSkew is how far clocks of gateways may be apart: keys live that much longer.
const clockSkew = 10 * time.Minute

// ring is the keys at one time: immutable.
type ring struct {
	keys []*ringKey // oldest first, never empty
	byID [256]*ringKey
}

// ringKey is one key: 32 random bytes for tokens, 32 for identifiers.
type ringKey struct {
	id      byte // 1 to 255
	from    time.Time
	secret  [64]byte
	token   *siv
	mapping *siv
	digest  *siv // of it S2V alone, as a keyed hash
}

// KeyInfo describes a key without its secret.
type KeyInfo struct {
	ID      byte
	From    time.Time // calls that begin from then on use it
	Until   time.Time // its destruction; zero while no newer key is there
	Current bool      // calls that begin now use it
}

func newRing(keys []*ringKey) (*ring, error) {
	r := &ring{keys: slices.Clone(keys)}
	slices.SortStableFunc(r.keys, func(a, b *ringKey) int { return a.from.Compare(b.from) })
	for _, k := range r.keys {
		if k.id == 0 || r.byID[k.id] != nil {
			return nil, fmt.Errorf("key id %d is zero or used twice", k.id)
		}
		if err := k.expand(); err != nil {
			return nil, fmt.Errorf("key %d: %w", k.id, err)
		}
		r.byID[k.id] = k
	}
	if len(r.keys) == 0 {
		return nil, errors.New("no keys")
	}
	return r, nil
}

// expand derives the ciphers. What is sealed for one purpose, or under one key id, does
// not open for another.
func (k *ringKey) expand() (err error) {
	if k.token, err = newSIV(k.secret[:32], []byte("clirgate dialog token"), []byte{k.id}); err != nil {
		return err
	}
	if k.mapping, err = newSIV(k.secret[32:], []byte("clirgate identifier"), []byte{k.id}); err != nil {
		return err
	}
	k.digest, err = newSIV(k.secret[32:], []byte("clirgate number"), []byte{k.id})
	return err
}

// at is the key of calls that began at t; the oldest when they are older than all.
func (r *ring) at(t time.Time) *ringKey { return r.forMillis(t.UnixMilli()) }

func (r *ring) forMillis(ms int64) *ringKey {
	for i := len(r.keys) - 1; i > 0; i-- {
		if k := r.keys[i]; k.from.UnixMilli() <= ms {
			return k
		}
	}
	return r.keys[0]
}

// until is when the i-th key is to be destroyed; zero for the newest.
func (r *ring) until(i int, maxCall time.Duration) time.Time {
	if i+1 == len(r.keys) {
		return time.Time{}
	}
	return r.keys[i+1].from.Add(maxCall + clockSkew)
}

// MemoryKeys is a ring of one fresh key that is kept nowhere, for tests and trials.
func MemoryKeys(maxCall time.Duration, from time.Time) *KeyRing {
	k := &KeyRing{maxCall: maxCall}
	r, err := newRing([]*ringKey{newKey(1, from)})
	if err != nil {
		panic(err) // one fresh key always makes a ring
	}
	k.ring.Store(r)
	return k
}

// List describes the keys, oldest first.
func (k *KeyRing) List(now time.Time) []KeyInfo {
	r := k.ring.Load()
	list := make([]KeyInfo, len(r.keys))
	for i, key := range r.keys {
		list[i] = KeyInfo{ID: key.id, From: key.from, Until: r.until(i, k.maxCall), Current: key == r.at(now)}
	}
	return list
}

// find is the key with that id, nil when there is none. An unknown id may be that of a
// key another process has just made: at most once a second the file is looked at.
func (k *KeyRing) find(id byte) *ringKey {
	if key := k.ring.Load().byID[id]; key != nil || k.path == "" || id == 0 {
		return key
	}
	now := time.Now().Unix()
	last := k.lastCheck.Load()
	if now == last || !k.lastCheck.CompareAndSwap(last, now) {
		return nil
	}
	info, err := os.Stat(k.path)
	if err != nil || info.ModTime().UnixNano() == k.stamp.Load() {
		return nil
	}
	if k.Reload() != nil {
		return nil // the ring stays as it is, the token foreign
	}
	return k.ring.Load().byID[id]
}
