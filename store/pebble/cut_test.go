package pebble

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// onDisk is how many records of each day stand in tables, deleted or not.
func onDisk(t *testing.T, dir string) map[trace.Day]int {
	t.Helper()
	ids := map[trace.ID]bool{}
	s := salvage{ctx: t.Context(), now: start, take: func(list []trace.Entry) error {
		for _, e := range list {
			ids[e.ID] = true
		}
		return nil
	}}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tables {
		s.table(path) // one that was deleted meanwhile holds nothing
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	days := map[trace.Day]int{}
	for id := range ids {
		days[id.Day()]++
	}
	return days
}

// settledInOneTable is a store whose records lie at the bottom, several days in a table.
func settledInOneTable(t *testing.T, dir string, days, each int) *Store {
	t.Helper()
	s := mustOpen(t, dir, Options{})
	for d := range days {
		write(t, s, start.AddDate(0, 0, d), each)
	}
	if err := s.eng.settle(); err != nil {
		t.Fatal(err)
	}
	if err := s.eng.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	return s
}

// What has expired leaves the disk, also where it shares a table with what is kept, and
// what is kept stays.
func TestDroppedDaysLeaveTheDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := settledInOneTable(t, dir, 3, 40)
	today := trace.DayOf(start)
	if got := onDisk(t, dir); len(got) != 3 || got[today] != 40 {
		t.Fatalf("before: %v", got)
	}
	if n, err := s.DropDays(t.Context(), trace.ServiceTelephony, today+1); n != 40 || err != nil {
		t.Fatalf("%d records, %v", n, err)
	}
	wantCount(t, s, 80)
	expectOnDisk(t, dir, today+1, 2)
	if c, err := s.Check(t.Context(), func(*trace.Record) {}, func(Looked) {}); err != nil || !c.Whole() {
		t.Errorf("%+v, %v", c, err)
	}
	_ = s.Close()
	wantCount(t, mustOpen(t, dir, Options{}), 80)
}

// A deletion that a crash cut short is finished by the next one, though no key is left.
func TestDroppedDaysLeaveTheDiskAfterACrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := settledInOneTable(t, dir, 2, 40)
	today := trace.DayOf(start)
	for _, prefix := range []byte{prefixRecord, prefixCount} {
		at := pebble.KeyRange{Start: []byte{prefix}, End: appendShelf(nil, prefix, shelf{0, today + 1})}
		if err := s.eng.db.Excise(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Close()
	if got := onDisk(t, dir); got[today] != 40 {
		t.Fatalf("before: %v", got)
	}
	s = mustOpen(t, dir, Options{})
	if n, err := s.DropDays(t.Context(), trace.ServiceTelephony, today+1); n != 0 || err != nil {
		t.Fatalf("%d records, %v", n, err)
	}
	wantCount(t, s, 40)
	expectOnDisk(t, dir, today+1, 1)
}

// expectOnDisk waits for tables nobody needs to be removed, which happens in the background.
func expectOnDisk(t *testing.T, dir string, first trace.Day, days int) {
	t.Helper()
	var got map[trace.Day]int
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got = onDisk(t, dir); got[first-1] == 0 {
			break
		}
	}
	if len(got) != days || got[first-1] != 0 {
		t.Errorf("on the disk: %v, want %d days from %d", got, days, first)
	}
}
