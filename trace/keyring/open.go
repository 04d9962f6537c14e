package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// OpenAt opens the ring in a file as a gateway does, for which no key ring is a reason
// to stop calls. It answers a ring that works whenever it can, and together with it an
// error to raise the alarm with:
//
//   - ErrMaster: the master key cannot be had now; Save asks again.
//   - ErrDamaged: file and copy cannot be read; they were moved aside, as the error
//     says, and a new ring begun. What the old keys sealed opens again when they are
//     restored.
//
// Without a ring: ErrLocked, or the disk's error.
func OpenAt(ctx context.Context, path string, m Master, now time.Time) (*Ring, error) {
	r, err := openAt(ctx, path, m)
	if !errors.Is(err, ErrDamaged) {
		return r, err
	}
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"", copySuffix} {
		if moveErr := os.Rename(path+suffix, aside+suffix); moveErr != nil && !errors.Is(moveErr, fs.ErrNotExist) {
			return nil, errors.Join(err, fmt.Errorf("keyring: cannot move damaged keys: %w", moveErr))
		}
	}
	r, again := openAt(ctx, path, m)
	return r, errors.Join(fmt.Errorf("moved to %s, a new ring begun: %w", aside, err), again)
}

func openAt(ctx context.Context, path string, m Master) (*Ring, error) {
	s, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	return Open(ctx, s, m)
}
