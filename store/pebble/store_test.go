package pebble

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/store/storetest"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func mustOpen(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	if o.half == 0 {
		o.half = 64 << 10
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// write appends n records, one a second from at on, in batches of ten.
func write(t *testing.T, s *Store, at time.Time, n int) {
	t.Helper()
	var batch []trace.Entry
	for i := range n {
		r := tracetest.Record(at.Add(time.Duration(i) * time.Second))
		batch = append(batch, trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)})
		if len(batch) == 10 || i == n-1 {
			if err := s.Append(batch); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
}

func count(s *Store) (n int, err error) {
	err = s.Scan(time.Time{}, start.AddDate(10, 0, 0), func(*trace.Record) bool { n++; return true })
	return n, err
}

func wantCount(t *testing.T, s *Store, want int) {
	t.Helper()
	if n, err := count(s); n != want || err != nil {
		t.Errorf("%d records, %v; want %d", n, err, want)
	}
}

func TestSuite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	storetest.Records(t, func(t *testing.T) trace.Store {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Damaged()) != 0 {
			t.Errorf("damaged: %v", s.Damaged())
		}
		return s
	})
}

func TestDirectoryIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	mustOpen(t, dir, Options{})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{})
	for _, o := range []Options{{}, {ReadOnly: true}} {
		if _, err := Open(dir, o); !errors.Is(err, ErrLocked) {
			t.Errorf("opened twice: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir, Options{})
}

func TestReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	if _, err := Open(dir, Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened nothing: %v", err)
	}
	s := mustOpen(t, dir, Options{})
	write(t, s, start, 20)
	_ = s.Close()
	s = mustOpen(t, dir, Options{ReadOnly: true})
	wantCount(t, s, 20)
	if err := s.Append(nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("appended: %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{})
	write(t, s, start, 10)
	err := s.Scan(start, start.Add(time.Hour), func(*trace.Record) bool {
		go s.Close() // waits for this scan, which ends early
		for s.ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		return true
	})
	if err != nil {
		t.Errorf("scan that was cut short: %v", err)
	}
	if err := s.Append(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := count(s); !errors.Is(err, ErrClosed) {
		t.Errorf("scan: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("close: %v", err)
	}
}

func TestDropDays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{})
	write(t, s, start, 30)
	write(t, s, start.AddDate(0, 1, 0), 30)
	first := trace.DayOf(start) + 1
	for i, want := range []int{30, 0, 0} { // again and again does no harm
		if n, err := s.DropDays(t.Context(), trace.ServiceTelephony, first); n != want || err != nil {
			t.Errorf("time %d: %d records, %v", i, n, err)
		}
		wantCount(t, s, 30)
	}
	write(t, s, start, 5) // late, as of a salvage
	if n, err := s.DropDays(t.Context(), trace.ServiceTelephony, first); n != 5 || err != nil {
		t.Errorf("late ones: %d records, %v", n, err)
	}
	_ = s.Close()
	wantCount(t, mustOpen(t, dir, Options{}), 30)
}

// Closing does not wait for a clean-up that goes on in the background.
func TestCloseEndsDropDays(t *testing.T) {
	for range 20 {
		s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{})
		write(t, s, start, 20)
		done := make(chan error, 1)
		go func() {
			_, err := s.DropDays(context.Background(), trace.ServiceTelephony, trace.DayOf(start)+1)
			done <- err
		}()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
			t.Errorf("clean-up: %v", err)
		}
	}
}

// alarms collects what an operator is told.
type alarms struct {
	mu  sync.Mutex
	all []string
}

func (a *alarms) add(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, fmt.Sprint(err))
}

func (a *alarms) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.all, "\n")
}

// A disk that is full for a while: batches are refused, nothing dies, and when there is
// room again records are kept again and the old ones are all there.
func TestFullDisk(t *testing.T) {
	var told alarms
	disk := newFence(vfs.Default)
	lockable := struct{ vfs.FS }{disk}
	now := start
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{fs: lockable, Alarm: told.add, Now: func() time.Time { return now }})
	write(t, s, start, 50)

	for round := 1; round <= 3; round++ {
		disk.shut(syscall.ENOSPC)
		e := entry(start.Add(time.Duration(round) * time.Hour))
		for range 3 {
			if err := s.Append([]trace.Entry{e}); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("round %d: append to a full disk: %v", round, err)
			}
			if s.Failed() == nil {
				t.Errorf("round %d: does not say that it fails", round)
			}
			now = now.Add(5 * time.Second)
		}
		disk.shut(nil)
		now = now.Add(2 * time.Minute)
		if err := s.Append([]trace.Entry{e}); err != nil {
			t.Fatalf("round %d: append with room again: %v", round, err)
		}
		wantCount(t, s, 50+round)
	}
	if s.Failed() != nil || len(s.Damaged()) != 0 {
		t.Errorf("failed %v, damaged %v", s.Failed(), s.Damaged())
	}
	if !strings.Contains(told.String(), "no space left") || !strings.HasSuffix(told.String(), "<nil>") {
		t.Errorf("alarms:\n%s", &told)
	}
}

func TestFullDiskAtStart(t *testing.T) {
	disk := newFence(vfs.Default)
	disk.shut(syscall.ENOSPC)
	dir := filepath.Join(t.TempDir(), "records")
	_, err := Open(dir, Options{fs: struct{ vfs.FS }{disk}})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("opened: %v", err)
	}
	disk.shut(nil)
	_ = mustOpen(t, dir, Options{}).Close() // and nothing was left locked

	disk.shut(syscall.ENOSPC)
	now := start
	s := mustOpen(t, dir, Options{fs: struct{ vfs.FS }{disk}, Persist: true, Now: func() time.Time { return now }})
	if !errors.Is(s.Failed(), syscall.ENOSPC) {
		t.Errorf("persistent store does not say that it fails: %v", s.Failed())
	}
	disk.shut(nil)
	now = now.Add(reopenFirst)
	if err := s.Append([]trace.Entry{entry(start)}); err != nil {
		t.Errorf("append with room again: %v", err)
	}
}

func entry(at time.Time) trace.Entry {
	r := tracetest.Record(at)
	return trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)}
}
