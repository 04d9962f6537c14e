package pebble

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

var errTest = errors.New("of the test")

// What could not be taken over, by whoever it was, is still in the journal alone: nothing
// may be taken over after it, or it would be lost.
func TestFailingToTakeOverLosesNothing(t *testing.T) {
	now := start
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{rest: never, Now: func() time.Time { return now }})
	write(t, s, start, 10)
	s.eng.pending.frames[frameHeadLen] ^= 1
	if n, err := count(s); err == nil {
		t.Fatalf("%d records read although they could not be taken over", n)
	}
	if err := s.Append([]trace.Entry{entry(start)}); err == nil {
		t.Error("a batch was taken after one that was lost")
	}
	now = now.Add(reopenLast)
	write(t, s, start.Add(time.Hour), 10)
	wantCount(t, s, 20)
	if len(s.Damaged()) > 0 {
		t.Errorf("set aside: %v", s.Damaged())
	}
}

// The reason why a half is not free is told once; nobody waits for it to be told again.
func TestHalfThatCannotBeFreed(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{rest: never})
	e := s.eng
	e.freed = make(chan error, 1)
	e.freed <- errTest
	if err := e.turn(); !errors.Is(err, errTest) {
		t.Errorf("turned: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("closing waits for ever")
	}
}

// A database that fails again as soon as it is opened is opened less and less often; one
// that has worked is opened again at once.
func TestReopeningRests(t *testing.T) {
	now := start
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{Now: func() time.Time { return now }})
	fail := func() (rest time.Duration) {
		s.eng.fail(errTest)
		if err := s.Append([]trace.Entry{entry(start)}); !errors.Is(err, errTest) {
			t.Fatalf("append: %v", err)
		}
		rest = s.retry.Sub(now)
		now = s.retry
		if err := s.Append([]trace.Entry{entry(start)}); err != nil {
			t.Fatalf("append after a rest of %s: %v", rest, err)
		}
		return rest
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if rest := fail(); rest != want*time.Second {
			t.Errorf("rests %s, want %d s", rest, want)
		}
	}
	now = now.Add(reopenLast + 1)
	if rest := fail(); rest != reopenFirst {
		t.Errorf("rests %s after it has worked", rest)
	}
}

// Either half of the journal may be the newer one.
func TestSalvageTakesTheNewerHalf(t *testing.T) {
	r := tracetest.Record(start)
	update := func(status int) trace.Entry {
		return trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, &trace.Record{ID: r.ID, Status: status})}
	}
	newer := appendFrame(nil, 2, []trace.Entry{update(486)})
	older := appendFrame(nil, 1, []trace.Entry{{ID: r.ID, Value: trace.AppendRecord(nil, r)}, update(180)})
	for name, halves := range map[string][2][]byte{"first": {newer, older}, "second": {older, newer}} {
		dir := t.TempDir()
		b := make([]byte, 8<<10)
		copy(b, halves[0])
		copy(b[len(b)/2:], halves[1])
		if err := os.WriteFile(filepath.Join(dir, journalFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{})
		if _, err := Salvage(t.Context(), dir, start, s.Append); err != nil {
			t.Fatal(err)
		}
		status := 0
		if err := s.Scan(start, start.Add(time.Second), func(r *trace.Record) bool { status = r.Status; return true }); err != nil {
			t.Fatal(err)
		}
		if status != 486 {
			t.Errorf("%s half is the newer one: status %d", name, status)
		}
	}
}
