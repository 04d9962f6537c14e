package privacy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// keyFile is the key ring on disk: JSON, mode 0600. It may be copied to, or mounted by,
// every gateway of a group.
type keyFile struct {
	Keys []keyEntry `json:"keys"`
}

type keyEntry struct {
	ID     byte      `json:"id"`
	From   time.Time `json:"from"`
	Secret []byte    `json:"secret"` // 64 bytes, base64
}

// LoadKeys reads the key ring at path (mode 0600), and makes one with a first key when
// there is none. maxCall is how long a call may last.
func LoadKeys(path string, maxCall time.Duration) (*KeyRing, error) {
	k := &KeyRing{path: path, maxCall: maxCall}
	err := k.Reload()
	if errors.Is(err, fs.ErrNotExist) {
		if err = createKeys(path); err == nil {
			err = k.Reload()
		}
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Reload reads the file again (after SIGHUP, or when another process rotated). On error
// the ring stays as it was.
func (k *KeyRing) Reload() error {
	if k.path == "" {
		return nil
	}
	k.change.Lock()
	defer k.change.Unlock()
	return k.reload()
}

func (k *KeyRing) reload() error {
	r, stamp, err := readKeys(k.path)
	if err != nil {
		return fmt.Errorf("key ring %s: %w", k.path, err)
	}
	k.ring.Store(r)
	k.stamp.Store(stamp)
	return nil
}

// Rotate makes a new key, for calls that begin from now on, destroys the keys that no
// call can need any more, and writes the file.
//
// Gateways that get the file by copy need it before the first call uses the new key:
// see RotateFrom.
func (k *KeyRing) Rotate(now time.Time) error { return k.RotateFrom(now, now) }

// RotateFrom is Rotate with a key that waits until from, so that the file can reach
// every gateway of a group before any of them uses the key.
func (k *KeyRing) RotateFrom(now, from time.Time) error {
	if from.Before(now) {
		return errors.New("key ring: a new key cannot begin in the past")
	}
	return k.rewrite(func(keys []*ringKey) ([]*ringKey, error) {
		if newest := keys[len(keys)-1]; newest.from.After(from) {
			return nil, fmt.Errorf("key %d begins later", newest.id)
		}
		id, ok := freeID(keys)
		if !ok {
			return nil, errors.New("all 255 key ids are in use")
		}
		return k.alive(append(keys, newKey(id, from)), now), nil
	})
}

// Prune destroys the keys that no call can need any more, and tells how many.
func (k *KeyRing) Prune(now time.Time) (destroyed int, err error) {
	have := k.ring.Load().keys
	if len(k.alive(have, now)) == len(have) {
		return 0, nil
	}
	err = k.rewrite(func(keys []*ringKey) ([]*ringKey, error) {
		left := k.alive(keys, now)
		destroyed = len(keys) - len(left)
		return left, nil
	})
	return destroyed, err
}

// rewrite changes the keys in memory and on disk, one process at a time.
func (k *KeyRing) rewrite(change func([]*ringKey) ([]*ringKey, error)) error {
	k.change.Lock()
	defer k.change.Unlock()
	if k.path != "" {
		unlock, err := lockDir(filepath.Dir(k.path))
		if err != nil {
			return fmt.Errorf("key ring %s: %w", k.path, err)
		}
		defer unlock()
		if err := k.reload(); err != nil {
			return err
		}
	}
	keys, err := change(slices.Clone(k.ring.Load().keys))
	if err != nil {
		return fmt.Errorf("key ring %s: %w", k.path, err)
	}
	r, err := newRing(keys)
	if err != nil {
		return fmt.Errorf("key ring %s: %w", k.path, err)
	}
	if k.path != "" {
		if err := renameio.WriteFile(k.path, encodeKeys(keys), 0o600, renameio.IgnoreUmask()); err != nil {
			return fmt.Errorf("key ring %s: %w", k.path, err)
		}
	}
	k.ring.Store(r)
	return nil
}

// alive leaves out the keys that were superseded longer ago than a call may last.
func (k *KeyRing) alive(keys []*ringKey, now time.Time) []*ringKey {
	r := ring{keys: keys}
	var left []*ringKey
	for i, key := range keys {
		if until := r.until(i, k.maxCall); until.IsZero() || until.After(now) {
			left = append(left, key)
		}
	}
	return left
}

// freeID is the id behind the newest key's, or the next free one.
func freeID(keys []*ringKey) (byte, bool) {
	used := [256]bool{0: true}
	for _, k := range keys {
		used[k.id] = true
	}
	id := keys[len(keys)-1].id
	for range used {
		if id++; !used[id] {
			return id, true
		}
	}
	return 0, false
}

func newKey(id byte, from time.Time) *ringKey {
	k := &ringKey{id: id, from: from.UTC()}
	rand.Read(k.secret[:])
	return k
}

func encodeKeys(keys []*ringKey) []byte {
	var f keyFile
	for _, k := range keys {
		f.Keys = append(f.Keys, keyEntry{ID: k.id, From: k.from, Secret: k.secret[:]})
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(err) // bytes, times and small numbers always encode
	}
	return append(b, '\n')
}

// readKeys reads the file at path; stamp is its modification time.
func readKeys(path string) (r *ring, stamp int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, 0, fmt.Errorf("mode %#o lets others read it: chmod 600", mode)
	}
	r, err = decodeKeys(file)
	return r, info.ModTime().UnixNano(), err
}

func decodeKeys(file io.Reader) (*ring, error) {
	var f keyFile
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, errors.New("is not a key ring") // the cause might quote a secret
	}
	var keys []*ringKey
	for _, e := range f.Keys {
		k := &ringKey{id: e.ID, from: e.From}
		if copy(k.secret[:], e.Secret) != len(k.secret) || len(e.Secret) != len(k.secret) {
			return nil, fmt.Errorf("key %d is not %d bytes long", e.ID, len(k.secret))
		}
		if bytes.Count(e.Secret, e.Secret[:1]) == len(e.Secret) {
			return nil, fmt.Errorf("key %d is not random", e.ID)
		}
		keys = append(keys, k)
	}
	return newRing(keys)
}

// createKeys writes a ring with a first key, unless another process is quicker.
func createKeys(path string) error {
	unlock, err := lockDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("key ring %s: %w", path, err)
	}
	defer unlock()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err // nil: it is there now
	}
	// The first key is for every call, also for those that began on a clock behind ours.
	first := newKey(1, time.Now().Add(-clockSkew).Truncate(time.Second))
	if err := renameio.WriteFile(path, encodeKeys([]*ringKey{first}), 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("key ring %s: %w", path, err)
	}
	return nil
}

// lockDir keeps other processes from changing key rings in dir until unlock is called.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		d.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return func() { d.Close() }, nil
}
