package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
)

// Pebble takes damage near the end of a log for a write cut short by a crash, and opens
// without a word, without what was acknowledged after it. So batches are counted twice:
// in the database, each batch with its number, and in a small file beside it, written
// when the batch is down. A database that knows of fewer batches than the file has lost
// some. The file is not synced: after power loss it may lag, never lead.

// errLost: acknowledged batches are missing.
var errLost = errors.New("records: acknowledged records are missing from the database")

const ackedFile = "ACKNOWLEDGED"

// sequenceKey holds the number of the last batch.
var sequenceKey = []byte{'m'}

type acked struct{ f *os.File }

func openAcked(dir string) (acked, error) {
	f, err := os.OpenFile(filepath.Join(dir, ackedFile), os.O_RDWR|os.O_CREATE, 0o600)
	return acked{f}, err
}

// set notes that batch seq is down. Failing is harmless: the file lags then.
func (a acked) set(seq uint64) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], seq)
	binary.BigEndian.PutUint64(b[8:], ^seq)
	_, _ = a.f.WriteAt(b[:], 0)
}

// readAcked is the number of the last batch acknowledged; 0: not known.
func readAcked(dir string) uint64 {
	b, err := os.ReadFile(filepath.Join(dir, ackedFile))
	if err != nil || len(b) != 16 {
		return 0
	}
	seq := binary.BigEndian.Uint64(b)
	if binary.BigEndian.Uint64(b[8:]) != ^seq {
		return 0
	}
	return seq
}

// sequence is the number of the last batch in db.
func sequence(db *pebble.DB) (uint64, error) {
	v, closer, err := db.Get(sequenceKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("records: cannot read the last batch's number: %w", err)
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: batch number of %d bytes", errLost, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

// verify opens the database in dir to read only, so that it stays as it is for salvage
// when batches are missing.
func verify(dir string, o Options) error {
	known := readAcked(dir)
	if known == 0 {
		return nil
	}
	o.ReadOnly = true
	e, err := openEngine(dir, o)
	if errors.Is(err, pebble.ErrDBDoesNotExist) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: all of them: %w", errLost, err)
	}
	if err != nil {
		return err
	}
	seq := e.seq
	if err := e.close(); err != nil {
		return err
	}
	if seq < known {
		return fmt.Errorf("%w: the last %d batches", errLost, known-seq)
	}
	return nil
}
