package pebble

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clirgate/trace"
)

// One flipped byte anywhere: the database is refused and set aside, or a search says
// that it cannot read all, or every record is still there. Never is one missing in
// silence.
func TestFlippedByteHidesNothing(t *testing.T) {
	const records = 300
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
	setAside, refused, unharmed := 0, 0, 0
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []int64{1, 25, 50, 75, 98} {
			at := info.Size() * part / 100
			if info.Size() == 0 {
				continue
			}
			dir := filepath.Join(t.TempDir(), "records")
			if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
				t.Fatal(err)
			}
			flip(t, filepath.Join(dir, f.Name()), at)
			s, err := Open(dir, Options{})
			if err != nil {
				t.Errorf("%s at %d%%: no store at all: %v", f.Name(), part, err)
				continue
			}
			n, scanErr := count(s)
			switch {
			case len(s.Damaged()) > 0:
				setAside++
				if n != 0 {
					t.Errorf("%s at %d%%: %d records in a new database", f.Name(), part, n)
				}
				if _, err := os.Stat(filepath.Join(s.Damaged()[0], f.Name())); err != nil {
					t.Errorf("%s at %d%%: not set aside: %v", f.Name(), part, err)
				}
			case scanErr != nil:
				refused++
			case n != records:
				t.Errorf("%s at %d%%: %d of %d records, and nobody is told", f.Name(), part, n, records)
			default:
				unharmed++
			}
			if err := s.Append([]trace.Entry{entry(start.AddDate(0, 0, 2))}); err != nil {
				t.Errorf("%s at %d%%: cannot go on: %v", f.Name(), part, err)
			}
			_ = s.Close()
		}
	}
	t.Logf("%d set aside, %d searches refused, %d unharmed", setAside, refused, unharmed)
	if setAside == 0 {
		t.Error("damage never seen")
	}
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 0x10
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedTwiceInOneSecond(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	var told alarms
	for range 2 {
		s := mustOpen(t, dir, Options{})
		write(t, s, start, 50)
		_ = s.Close()
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		info, _ := os.Stat(logs[len(logs)-1])
		flip(t, logs[len(logs)-1], info.Size()/2)
		if err := os.Remove(filepath.Join(dir, journalFile)); err != nil { // it would heal that
			t.Fatal(err)
		}
		s = mustOpen(t, dir, Options{Alarm: told.add})
		if len(s.Damaged()) != 1 {
			t.Fatalf("set aside: %v", s.Damaged())
		}
		wantCount(t, s, 0)
		_ = s.Close()
	}
	aside, _ := filepath.Glob(dir + ".damaged-*")
	if len(aside) != 2 || strings.Count(told.String(), "moved to") != 2 {
		t.Errorf("aside: %v\nalarms: %s", aside, &told)
	}
}
