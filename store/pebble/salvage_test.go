package pebble

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// salvaged is how many records a new store has after the salvage of dir into it.
func salvaged(t *testing.T, dir string) (n int, what Salvaged) {
	t.Helper()
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{})
	what, err := Salvage(t.Context(), dir, start, s.Append)
	if err != nil {
		t.Fatal(err)
	}
	if n, err = count(s); err != nil {
		t.Error(err)
	}
	return n, what
}

// One flipped byte anywhere loses at most what stands next to it.
func TestSalvageReadsPastDamage(t *testing.T) {
	const records = 3000
	sample := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, sample, Options{})
	write(t, s, start, records/2)
	if err := s.eng.db.Flush(); err != nil { // half in a table, half in the log
		t.Fatal(err)
	}
	write(t, s, start.AddDate(0, 0, 1), records/2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(sample)
	if err != nil {
		t.Fatal(err)
	}
	logs := map[string]int{}
	for _, f := range numbered(files, ".log") {
		logs[f.name] = lostToABlock(t, filepath.Join(sample, f.name), f.number)
	}
	dir := filepath.Join(t.TempDir(), "records")
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []int64{1, 40, 60, 98} {
			if info.Size() == 0 {
				continue
			}
			at := info.Size() * part / 100
			flip(t, filepath.Join(dir, f.Name()), at)
			n, what := readable(t, dir)
			flip(t, filepath.Join(dir, f.Name()), at) // back
			// What one flip may cost: a block of a log, a block of a table, or, where a
			// table's own directory is hit, that table.
			least := records - logs[f.Name()]
			if filepath.Ext(f.Name()) == ".sst" {
				least = records - 100
				if part == 98 {
					least = records / 2
				}
			}
			if n < least {
				t.Errorf("%s at %d%%: %d of %d records saved, not %d, %+v", f.Name(), part, n, records, least, what)
			}
		}
	}
}

// readable is how many records salvage finds in dir.
func readable(t *testing.T, dir string) (n int, what Salvaged) {
	t.Helper()
	found := map[trace.ID]bool{}
	what, err := Salvage(t.Context(), dir, start, func(entries []trace.Entry) error {
		for _, e := range entries {
			if e.Kind() == 0 {
				found[e.ID] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(found), what
}

// lostToABlock is the most that damage to a block of a log costs: the records of all
// batches that reach into it.
func lostToABlock(t *testing.T, path string, number uint64) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := make([]int, len(b)/logBlock+1)
	r := logReader(record.NewReader, bytes.NewReader(b), number)
	for {
		first := r.Offset()
		part, err := r.Next()
		if err != nil { // the end: nothing is damaged yet
			return slices.Max(blocks)
		}
		repr, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		var found salvage
		found.ctx, found.take = t.Context(), func([]trace.Entry) error { return nil }
		found.addBatch(repr)
		for at := first / logBlock; at <= (r.Offset()-1)/logBlock; at++ {
			blocks[at] += found.Records
		}
	}
}

// However much there is to be taken over, it is so piece by piece.
func TestTakenOverInSmallBatches(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{rest: never, half: 4 << 20})
	write(t, s, start, 3000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range numbered(files, ".log") {
		if n := lostToABlock(t, filepath.Join(dir, f.name), f.number); n > 500 {
			t.Errorf("%s: damage to one block costs %d records", f.name, n)
		}
	}
}

// A record past its retention does not come back, though the damaged database still
// holds it.
func TestSalvageLeavesTheExpired(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{})
	write(t, s, start.AddDate(-1, 0, -7), 10)
	short := tracetest.Record(start.AddDate(0, -2, 0))
	short.Expires = trace.Expiry(short.Start, 1)
	old := tracetest.Record(start.AddDate(-1, 0, -7))
	if err := s.Append([]trace.Entry{
		{ID: short.ID, Value: trace.AppendRecord(nil, short)}, {ID: old.ID, Value: trace.AppendUpdate(nil, old)},
	}); err != nil {
		t.Fatal(err)
	}
	write(t, s, start.Add(-3600e9), 5)
	_ = s.Close()
	if n, what := salvaged(t, dir); n != 5 || what.Expired != 12 || what.Updates != 0 {
		t.Errorf("%d records, %+v", n, what)
	}
}

func TestSalvageStops(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{})
	write(t, s, start, 2*salvageBatch)
	_ = s.Close()
	full := errors.New("disk full")
	if _, err := Salvage(t.Context(), dir, start, func([]trace.Entry) error { return full }); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Salvage(ended, dir, start, func([]trace.Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := Salvage(t.Context(), dir+"x", start, nil); err == nil || !strings.Contains(err.Error(), "cannot read") {
		t.Errorf("%v", err)
	}
}
