package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// lockFile is the one Pebble itself uses, so that its own tools respect it too.
const lockFile = "LOCK"

// acquire makes the directory and locks it. The lock is the store's, not one
// database's, so that a failed database can be opened again beside what is left of it.
func (s *Store) acquire() error {
	if s.o.ReadOnly {
		if _, err := s.o.fs.Stat(s.dir); err != nil {
			return fmt.Errorf("records: cannot open %s: %w", s.dir, err)
		}
	} else if err := s.o.fs.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("records: cannot make %s: %w", s.dir, err)
	}
	lock, err := s.o.fs.Lock(filepath.Join(s.dir, lockFile))
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EROFS) {
			return fmt.Errorf("records: cannot lock %s: %w", s.dir, err)
		}
		return fmt.Errorf("%w: %s: %w", ErrLocked, s.dir, err)
	}
	s.lock = lock
	return nil
}

// open opens the database, setting a damaged one aside first.
func (s *Store) open() (*engine, error) {
	if s.lock == nil {
		if err := s.acquire(); err != nil {
			return nil, err
		}
	}
	if s.o.ReadOnly {
		return openEngine(s.dir, s.o)
	}
	err := s.failed
	if !errors.Is(err, pebble.ErrCorruption) { // else it was found damaged while in use
		var eng *engine
		if eng, err = openVerified(s.dir, s.o); err == nil || !isDamage(err) {
			return eng, err
		}
	}
	aside, moveErr := s.setAside()
	if moveErr != nil {
		return nil, errors.Join(err, moveErr)
	}
	s.damaged = append(s.damaged, aside)
	s.o.Alarm(fmt.Errorf("records: damaged database moved to %s, a new one begun: %w", aside, err))
	return openEngine(s.dir, s.o)
}

// setAside renames the directory and begins an empty one.
func (s *Store) setAside() (string, error) {
	aside := s.freeName(s.dir + ".damaged-" + s.o.Now().UTC().Format("20060102T150405Z"))
	// The lock file moves too: it is released, and taken anew in the new directory.
	if err := s.lock.Close(); err != nil {
		return "", fmt.Errorf("records: cannot unlock damaged database: %w", err)
	}
	s.lock = nil
	if err := s.o.fs.Rename(s.dir, aside); err != nil {
		return "", fmt.Errorf("records: cannot move damaged database: %w", err)
	}
	return aside, s.acquire()
}

func (s *Store) freeName(name string) string {
	try := name
	for i := 2; ; i++ {
		if _, err := s.o.fs.Stat(try); err != nil {
			return try
		}
		try = fmt.Sprintf("%s-%d", name, i)
	}
}

// isDamage tells a database that cannot be read from a disk that cannot be used now.
// A file that is missing is damage: the directory itself was made before.
func isDamage(err error) bool {
	if errors.Is(err, pebble.ErrCorruption) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errLost) {
		return true
	}
	var errno syscall.Errno
	return !errors.As(err, &errno) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, errAbandoned)
}
