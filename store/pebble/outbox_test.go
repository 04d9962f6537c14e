package pebble

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
	"clirgate/trace/outbox"
)

// Power fails right after batches were shipped: what is not on disk is gone, what is in
// the journal is taken over anew, and nothing that was shipped comes a second time.
func TestOutboxAfterPowerLoss(t *testing.T) {
	disk := vfs.NewCrashableMem()
	dir := t.TempDir()
	if err := disk.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for at := dir; ; at = filepath.Dir(at) { // the directory itself survives
		if err := syncDir(disk, at); err != nil {
			t.Fatal(err)
		}
		if at == "/" {
			break
		}
	}
	open := func() *Store {
		s, err := Open(dir, Options{Outbox: true, fs: disk})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	shipped := map[trace.ID]int{}
	marks := map[outbox.Epoch]uint64{}
	ship := func() {
		t.Helper()
		epochs, err := s.Epochs()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range epochs {
			err := s.Batches(e, marks[e], func(b outbox.Batch) bool {
				marks[e] = b.Seq
				for _, entry := range b.Entries {
					shipped[entry.ID]++
				}
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now()
	const rounds, batches = 5, 4
	for round := range rounds {
		for i := range batches {
			id := trace.NewID(now.Add(time.Duration(round*batches+i) * time.Millisecond))
			r := &trace.Record{ID: id, Method: "INVITE", Start: now, Expires: now.Add(time.Hour)}
			if err := s.Append([]trace.Entry{{ID: id, Value: trace.AppendRecord(nil, r)}}); err != nil {
				t.Fatal(err)
			}
			if i == 1 || round%2 == 0 {
				ship()
			}
		}
		after := disk.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		disk = after
		s = open()
		ship()
	}
	for id, n := range shipped {
		if n != 1 {
			t.Errorf("%s was shipped %d times", id, n)
		}
	}
	if len(shipped) != rounds*batches {
		t.Errorf("%d of %d shipped", len(shipped), rounds*batches)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
