//go:build !linux

package pebble

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func setDirect(vfs.File, bool) error { return errors.ErrUnsupported }

func notDirect(error) bool { return false }
