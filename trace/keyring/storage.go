package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/google/renameio/v2"
)

// Storage keeps the wrapped keys as one blob.
type Storage interface {
	Load(ctx context.Context) ([]byte, error) // empty: nothing stored yet
	Save(ctx context.Context, b []byte) error // all or nothing, durable when it returns
	Close() error
}

// Copier is a storage with a second copy, for when the first is damaged: a ring that
// cannot be read takes every record with it.
type Copier interface {
	LoadCopy(ctx context.Context) ([]byte, error)
}

// ErrLocked: another process has the key ring open.
var ErrLocked = errors.New("keyring: in use by another process")

// OpenFile is a storage in a file of mode 0600 and a copy beside it (.copy), locked
// against other processes.
func OpenFile(path string) (Storage, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close() // nothing was written
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, path, err)
	}
	return &fileStorage{path, lock}, nil
}

type fileStorage struct {
	path string
	lock *os.File
}

func (s *fileStorage) Load(context.Context) ([]byte, error) { return load(s.path) }

const copySuffix = ".copy"

func (s *fileStorage) LoadCopy(context.Context) ([]byte, error) { return load(s.path + copySuffix) }

func load(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (s *fileStorage) Save(_ context.Context, b []byte) error {
	for _, path := range []string{s.path, s.path + copySuffix} {
		if err := renameio.WriteFile(path, b, 0o600, renameio.IgnoreUmask()); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(s.path)) // a destroyed key must not come back with the old name
}

func (s *fileStorage) Close() error { return s.lock.Close() }

// ReadFile is a storage that is read and never written: for a look beside a gateway
// that runs.
func ReadFile(path string) Storage { return readStorage(path) }

type readStorage string

var errReadOnly = errors.New("opened to read only")

func (s readStorage) Load(context.Context) ([]byte, error) { return load(string(s)) }
func (readStorage) Save(context.Context, []byte) error     { return errReadOnly }
func (readStorage) Close() error                           { return nil }

// Memory is a storage for tests and for what need not outlive the process.
type Memory struct {
	mu   sync.Mutex
	b    []byte
	fail error
}

// Fail makes Save answer err from now on; nil: work again.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Load answers what was saved last.
func (m *Memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]byte(nil), m.b...), nil
}

// Save keeps b.
func (m *Memory) Save(_ context.Context, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.b = append([]byte(nil), b...)
	return nil
}

// Close does nothing: what was saved can still be loaded.
func (m *Memory) Close() error { return nil }

// Fixed is a master key given as it is, for tests.
type Fixed [Size]byte

// Key is the key.
func (f Fixed) Key(context.Context) ([Size]byte, error) { return f, nil }
