package pebble

import (
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
)

// smallDisk has no room for more when full: what is there already, like the journal, can
// still be written over.
type smallDisk struct {
	vfs.FS
	full atomic.Bool
}

func (d *smallDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.growing(d.FS.Create(name, c))
}

func (d *smallDisk) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.growing(d.FS.ReuseForWrite(old, name, c))
}

func (d *smallDisk) growing(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return growing{f, d}, nil
}

type growing struct {
	vfs.File
	disk *smallDisk
}

func (g growing) Write(b []byte) (int, error) {
	if g.disk.full.Load() {
		return 0, syscall.ENOSPC
	}
	return g.File.Write(b)
}

// The database takes batches over from the journal without waiting for the disk, and
// panics when its log cannot be written. Calls go on, and what was acknowledged is kept.
func TestDiskFullBehindTheJournal(t *testing.T) {
	disk := &smallDisk{FS: vfs.Default}
	now := start
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"),
		Options{fs: disk, half: 64 << 10, rest: time.Millisecond, Now: func() time.Time { return now }})
	kept := 0
	for round := range 3 {
		disk.full.Store(true)
		for give := time.Now().Add(time.Minute); ; kept++ {
			if time.Now().After(give) {
				t.Fatalf("round %d: %d records kept on a full disk", round, kept)
			}
			at := start.Add(time.Duration(round)*time.Hour + time.Duration(kept)*time.Millisecond)
			if err := s.Append([]trace.Entry{entry(at)}); err != nil {
				break
			}
		}
		if s.Failed() == nil {
			t.Errorf("round %d: does not say that it fails", round)
		}
		disk.full.Store(false)
		now = now.Add(2 * time.Minute)
		write(t, s, start.Add(time.Duration(round+10)*time.Hour), 1)
		kept++
		wantCount(t, s, kept)
	}
	if len(s.Damaged()) != 0 {
		t.Errorf("set aside: %v", s.Damaged())
	}
}
