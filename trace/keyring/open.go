package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// OpenAt opens the ring in a file as a gateway does, for which no key ring is a reason
// to stop calls. It answers a ring that works whenever it can, and together with it an
// error to raise the alarm with:
//
//   - ErrMaster: the master key cannot be had now; Unlock asks again.
//   - ErrDamaged: file and copy cannot be read; they were moved aside, as the error
//     says, and a new ring begun. What the old keys sealed opens again when they are
//     restored.
//   - the disk's: nothing can be stored now; Save and Unlock try again.
//
// Only ErrLocked comes without a ring.
func OpenAt(ctx context.Context, path string, m Master, now time.Time) (*Ring, error) {
	r, err := openAt(ctx, path, m)
	if !errors.Is(err, ErrDamaged) {
		return r, err
	}
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"", copySuffix} {
		if moveErr := os.Rename(path+suffix, aside+suffix); moveErr != nil && !errors.Is(moveErr, fs.ErrNotExist) {
			return openLate(path, m), errors.Join(err, fmt.Errorf("keyring: cannot move damaged keys: %w", moveErr))
		}
	}
	r, again := openAt(ctx, path, m)
	return r, errors.Join(fmt.Errorf("moved to %s, a new ring begun: %w", aside, err), again)
}

func openAt(ctx context.Context, path string, m Master) (*Ring, error) {
	s, err := OpenFile(path)
	if errors.Is(err, ErrLocked) {
		return nil, err
	}
	if err != nil {
		return openLate(path, m), err
	}
	r, err := Open(ctx, s, m)
	if r == nil && !errors.Is(err, ErrDamaged) {
		return openLate(path, m), err
	}
	return r, err
}

// openLate is a ring whose file cannot be used yet.
func openLate(path string, m Master) *Ring {
	return &Ring{storage: &lateFile{path: path}, master: m, keys: make(map[string][]Key)}
}

// lateFile is a file storage that is opened when it is first needed.
type lateFile struct {
	path string

	mu sync.Mutex
	s  Storage
}

func (f *lateFile) open() (Storage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.s != nil {
		return f.s, nil
	}
	s, err := OpenFile(f.path)
	if err != nil {
		return nil, err
	}
	f.s = s
	return s, nil
}

func (f *lateFile) Load(ctx context.Context) ([]byte, error) {
	s, err := f.open()
	if err != nil {
		return nil, err
	}
	return s.Load(ctx)
}

func (f *lateFile) Save(ctx context.Context, b []byte) error {
	s, err := f.open()
	if err != nil {
		return err
	}
	return s.Save(ctx, b)
}

func (f *lateFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.s == nil {
		return nil
	}
	return f.s.Close()
}
