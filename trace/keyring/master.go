package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// Master yields the key that wraps all others.
type Master interface {
	// Key is the key in force. Errors never hold any of it.
	Key(ctx context.Context) ([Size]byte, error)
}

// Creator is a master key that can be made where there is none.
type Creator interface {
	// Create makes the key; one that is there already stays.
	Create(ctx context.Context) error
}

// Rotator is a master key that makes its own successor. It stays beside the key in
// force until Commit, so that a rotation cut short at any point loses neither.
type Rotator interface {
	Next(ctx context.Context) ([Size]byte, error)    // makes the successor durable
	Pending(ctx context.Context) ([Size]byte, error) // the successor, when there is one
	Commit(ctx context.Context) error                // puts it in force
}

// File is a master key in a file of mode 0600, as 64 hexadecimal digits. It belongs on
// another disk, or another machine's share, than what it protects.
type File string

var errMode = errors.New("file can be read by others than its owner: set mode 0600")

// Key reads the file.
func (f File) Key(context.Context) ([Size]byte, error) { return readKey(string(f)) }

func readKey(path string) (key [Size]byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return key, fmt.Errorf("master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return key, fmt.Errorf("master key %s: %w", path, errMode)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("master key: %w", err)
	}
	if key, err = parseKey(b); err != nil {
		return key, fmt.Errorf("master key %s: %w", path, err)
	}
	return key, nil
}

// Create makes file and directory (0700).
func (f File) Create(context.Context) error {
	if _, err := os.Stat(string(f)); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("master key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	_, err := writeKey(string(f))
	return err
}

func writeKey(path string) (key [Size]byte, err error) {
	_, _ = rand.Read(key[:]) // never fails
	text := append([]byte(hex.EncodeToString(key[:])), '\n')
	if err := renameio.WriteFile(path, text, 0o600, renameio.IgnoreUmask()); err != nil {
		return key, fmt.Errorf("master key: %w", err)
	}
	return key, nil
}

func (f File) next() string { return string(f) + ".next" }

// Next writes the successor beside the file. One that a rotation cut short has left is
// taken up.
func (f File) Next(ctx context.Context) ([Size]byte, error) {
	if key, err := f.Pending(ctx); err == nil {
		return key, nil
	}
	return writeKey(f.next())
}

// Pending reads the successor.
func (f File) Pending(context.Context) ([Size]byte, error) { return readKey(f.next()) }

// Commit renames it over the file.
func (f File) Commit(context.Context) error {
	if err := os.Rename(f.next(), string(f)); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	return syncDir(filepath.Dir(string(f)))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Command is a shell command that prints the master key: the client of an HSM or a
// vault. To rotate, have it print the new key, then rotate; keep the old one at hand
// until that succeeded.
type Command string

// commandTime bounds how long the command may take.
const commandTime = 10 * time.Second

// Key runs the command. Its output never becomes part of an error.
func (c Command) Key(ctx context.Context) (key [Size]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", string(c))
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return key, fmt.Errorf("master key command: %w", err)
	}
	if key, err = parseKey(out); err != nil {
		return key, fmt.Errorf("master key command: %w", err)
	}
	return key, nil
}

var errForm = errors.New("must be 32 bytes, as 64 hexadecimal digits or in base64")

func parseKey(text []byte) (key [Size]byte, err error) {
	text = bytes.TrimSpace(text)
	if b, err := hex.DecodeString(string(text)); err == nil && len(b) == Size {
		return [Size]byte(b), nil
	}
	if b, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(b) == Size {
		return [Size]byte(b), nil
	}
	return key, errForm
}
