package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Shared is a key as it may be told to whoever keeps it: wrapped by the master key.
type Shared struct {
	Name    string
	ID      ID
	Master  string // fingerprint of the master key
	Sealed  []byte // nil: it was destroyed
	Claimed bool   // the one of its name that every node uses
}

// Shelf is where the rings of several nodes meet. They have one master key, which the
// shelf never sees.
type Shelf interface {
	// After lists what was put there, changed or destroyed after a serial number, in that
	// order, and the number that is reached with it.
	After(ctx context.Context, serial uint64) (list []Shared, now uint64, err error)
	// Put adds those keys that are not there and were not destroyed. Those that are there
	// stay as they are, unless replace says so.
	Put(ctx context.Context, list []Shared, replace bool) error
	// Claim adds a key as the one of its name when none of that name is claimed, and
	// answers the one that is.
	Claim(ctx context.Context, k Shared) (Shared, error)
	// Destroy destroys the keys of names and remembers that it did.
	Destroy(ctx context.Context, names []string) error
}

// shared lists all stored keys, and answers how many changes that includes.
func (r *Ring) shared(ctx context.Context) (list []Shared, version uint64, err error) {
	if err := r.Save(ctx); err != nil {
		return nil, 0, err
	}
	r.io.Lock()
	defer r.io.Unlock()
	if err := r.load(ctx); err != nil {
		return nil, 0, err
	}
	list, err = r.doc.shared()
	return list, r.saved.Load(), err
}

func (d document) shared() (list []Shared, err error) {
	for _, e := range d.Keys {
		s, err := e.shared(d.Master)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func (e entry) shared(master string) (s Shared, err error) {
	s.Name, s.Master = e.Name, master
	if s.ID, err = parseID(e.ID); err != nil {
		return s, fmt.Errorf("%w: key %q: %w", ErrDamaged, e.Name, err)
	}
	s.Sealed, err = json.Marshal(e)
	return s, err
}

// errForeign: the nodes do not have the same master key.
var errForeign = errors.New("another node's keys are wrapped with another master key; all nodes need the same one")

// learn takes keys of other nodes, and stores them. A claimed one becomes the newest of
// its name, others the oldest. While the ring is locked they wait as they are.
func (r *Ring) learn(ctx context.Context, list []Shared) error {
	r.io.Lock()
	defer r.io.Unlock()
	if err := r.load(ctx); err != nil {
		return err
	}
	var failed error
	changed := false
	for _, s := range list {
		var e entry
		if err := json.Unmarshal(s.Sealed, &e); err != nil || e.Name != s.Name || e.ID != s.ID.String() {
			failed = fmt.Errorf("%w: a shared key %q", ErrDamaged, s.Name)
			continue
		}
		new, err := r.learnOne(e, s)
		failed = errors.Join(failed, err)
		changed = changed || new
	}
	if changed {
		r.made.Add(1)
		failed = errors.Join(failed, r.store(ctx))
	}
	return failed
}

// learnOne tells whether that changed anything. r.io held.
func (r *Ring) learnOne(e entry, s Shared) (changed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := r.keys[s.Name]
	at := slices.IndexFunc(keys, func(k Key) bool { return k.ID == s.ID })
	switch {
	case at >= 0 && (!s.Claimed || at == len(keys)-1):
		return false, nil
	case at >= 0:
		k := keys[at]
		r.keys[s.Name] = append(slices.Delete(slices.Clone(keys), at, at+1), k)
		return true, nil
	case s.Master != r.doc.Master && r.doc.Master != "":
		return false, fmt.Errorf("%w: %w", ErrMaster, errForeign)
	case !r.unlocked:
		if r.doc.has(s.Name, s.ID) {
			return false, nil
		}
		r.doc.Keys = append(slices.Clone(r.doc.Keys), e)
		return true, nil
	}
	k, err := r.wrapping.unwrap(e)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrMaster, err)
	}
	if s.Claimed {
		r.keys[s.Name] = append(slices.Clone(keys), k)
	} else {
		r.keys[s.Name] = append([]Key{k}, keys...)
	}
	return true, nil
}

// SharedIn lists the keys in a storage; it needs neither the master key nor the lock.
func SharedIn(ctx context.Context, s Storage) (list []Shared, err error) {
	doc, err := read(ctx, s.Load)
	if err != nil {
		return nil, err
	}
	return doc.shared()
}
