package trace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/trace/keyring"
)

// Keys seals and opens identities with the key of their day and service. A key is made
// when the first record of a day needs it, and is stored, wrapped by the master key,
// before that record is.
type Keys struct {
	ring    *keyring.Ring
	current [services]atomic.Pointer[dayKey]

	mu    sync.Mutex
	known map[slot][]*dayKey // derived already
}

// slot is what a key is of.
type slot struct {
	day     Day
	service Service
}

const keyPrefix = "records/"

// name of the slot's keys in the ring.
func (s slot) name() string { return keyPrefix + s.day.String() + "/" + s.service.String() }

// slotOf reads a name; false: the key is not of records.
func slotOf(name string) (slot, bool) {
	rest, ours := strings.CutPrefix(name, keyPrefix)
	day, service, _ := strings.Cut(rest, "/")
	t, errDay := time.Parse(time.DateOnly, day)
	s, errService := ParseService(service)
	return slot{DayOf(t), s}, ours && errDay == nil && errService == nil
}

// NewKeys uses a ring, which stays the caller's to close, later.
func NewKeys(ring *keyring.Ring) *Keys {
	return &Keys{ring: ring, known: make(map[slot][]*dayKey)}
}

// AppendSealed appends r in its sealed form. It never waits for a disk.
func (k *Keys) AppendSealed(dst []byte, r *Record) []byte {
	s := r.Service
	if s >= services {
		s = ServiceTelephony
	}
	day := r.ID.Day()
	key := k.current[s].Load()
	if key == nil || key.day != day {
		key = k.sealing(slot{day, s})
	}
	return key.appendSealed(dst, r)
}

// sealing is the key that seals records of a slot.
func (k *Keys) sealing(at slot) *dayKey {
	made := k.ring.Make(at.name())
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.derived(at, made)
	if cur := k.current[at.service].Load(); cur == nil || cur.day < at.day {
		k.current[at.service].Store(key)
	}
	return key
}

// of lists the keys of a slot; more than one where the master key came late, or nodes
// share the ring.
func (k *Keys) of(at slot) (keys []*dayKey) {
	list := k.ring.Get(at.name())
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range list {
		keys = append(keys, k.derived(at, key))
	}
	return keys
}

// derived finds or derives a slot's key. k.mu held.
func (k *Keys) derived(at slot, key keyring.Key) *dayKey {
	for _, d := range k.known[at] {
		if d.id == key.ID {
			return d
		}
	}
	d := newDayKey(key, at)
	k.known[at] = append(k.known[at], d)
	return d
}

// Save stores keys made since the last one.
func (k *Keys) Save() error { return k.ring.Save(context.Background()) }

// Open fills in the identities of a closed record; an open one stays as it is.
func (k *Keys) Open(r *Record) error {
	if !r.Closed() {
		return nil
	}
	id := r.keyID()
	for _, key := range k.of(slot{r.ID.Day(), r.Service}) {
		if key.id == id {
			return key.open(r)
		}
	}
	if err := k.locked(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrSealed, errNoKey)
}

// locked tells that stored keys wait for the master key.
func (k *Keys) locked() error {
	if k.ring.Locked() {
		return fmt.Errorf("%w: %w", ErrSealed, keyring.ErrMaster)
	}
	return nil
}

// destroy forgets the keys of a service's days before first.
func (k *Keys) destroy(ctx context.Context, s Service, first Day) (int, error) {
	expired := func(at slot) bool { return at.service == s && at.day < first }
	n, err := k.ring.Destroy(ctx, func(name string) bool {
		at, ok := slotOf(name)
		return ok && expired(at)
	})
	if err != nil {
		return n, errors.Join(errDestroy, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for at := range k.known {
		if expired(at) {
			delete(k.known, at)
		}
	}
	if cur := k.current[s].Load(); cur != nil && cur.day < first {
		k.current[s].Store(nil)
	}
	return n, nil
}

var errDestroy = errors.New("trace: keys of expired days cannot be destroyed")
