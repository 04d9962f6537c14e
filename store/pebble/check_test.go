package pebble

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// A database that is whole is found whole, and every kind of key that is wrong is seen.
func TestCheck(t *testing.T) {
	d := openData(t, t.TempDir())
	defer d.close(t)
	all := d.calls(t, 20)
	check := func() Checked {
		t.Helper()
		shown := 0
		c, err := d.records.Check(t.Context(), func(*trace.Record) { shown++ }, func(Looked) {})
		if err != nil || shown != c.Records {
			t.Fatal(shown, err)
		}
		return c
	}
	if c := check(); !c.Whole() || c.Records != 20 || c.Updates != 20 || c.Lone != 0 {
		t.Fatalf("%+v", c)
	}
	db, id := d.records.eng.db, all[0].ID
	record := appendRecordKey(nil, trace.ServiceTelephony, id)
	value, closer, err := db.Get(record)
	if err != nil {
		t.Fatal(err)
	}
	value = append([]byte(nil), value...)
	_ = closer.Close()
	var filed [][]byte
	for f := range (trace.Entry{ID: id, Value: value}).Filed() {
		filed = append(filed, append(appendFiled(nil, f), id[:]...))
	}
	for name, c := range map[string]struct {
		harm func(*pebble.Batch) error
		want func(Checked) bool
	}{
		"no record":     {func(b *pebble.Batch) error { return b.Delete(record, nil) }, func(c Checked) bool { return c.Dangling == 3 && c.Lone == 1 }},
		"no search key": {func(b *pebble.Batch) error { return b.Delete(filed[1], nil) }, func(c Checked) bool { return c.Unfiled == 1 }},
		"cut short":     {func(b *pebble.Batch) error { return b.Set(record, value[:30], nil) }, func(c Checked) bool { return c.Unreadable == 1 }},
		"another's":     {func(b *pebble.Batch) error { return b.Set(appendRecordKey(nil, 0, all[1].ID), value, nil) }, func(c Checked) bool { return c.Unreadable == 1 }},
		"no update":     {func(b *pebble.Batch) error { return b.Set(appendUpdateKey(nil, id, 1), value, nil) }, func(c Checked) bool { return c.Unreadable == 1 }},
		"count":         {func(b *pebble.Batch) error { return b.Delete(appendShelf(nil, prefixCount, shelf{0, id.Day()}), nil) }, nil},
		"search key":    {func(b *pebble.Batch) error { return b.Set([]byte("c?"), nil, nil) }, func(c Checked) bool { return c.Unreadable == 1 }},
	} {
		snapshot := filepath.Join(t.TempDir(), "records")
		if err := db.Checkpoint(snapshot, pebble.WithFlushedWAL()); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, snapshot, Options{})
		b := s.eng.db.NewBatch()
		if err := c.harm(b); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if c.want == nil { // counts are read when a database is opened
			_ = s.Close()
			s = mustOpen(t, snapshot, Options{})
			c.want = func(c Checked) bool { return c.Miscounted == 1 }
		}
		got, err := s.Check(t.Context(), func(*trace.Record) {}, func(Looked) {})
		if err != nil || got.Whole() || !c.want(got) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		_ = s.Close()
	}
}

// A check tells how far it is, and can be broken off.
func TestCheckTellsHowFarItIs(t *testing.T) {
	d := openData(t, t.TempDir())
	defer d.close(t)
	d.calls(t, 20)
	var seen []Looked
	if _, err := d.records.Check(t.Context(), func(*trace.Record) {}, func(l Looked) { seen = append(seen, l) }); err != nil {
		t.Fatal(err)
	}
	want := []Looked{{"records", 0, 20}, {"updates", 0, 0}, {"search keys of callers", 0, 20}, {"search keys of called numbers", 0, 40}}
	if !slices.Equal(seen, want) {
		t.Errorf("%v", seen)
	}
	ctx, end := context.WithCancel(t.Context())
	shown := 0
	c, err := d.records.Check(ctx, func(*trace.Record) {
		if shown++; shown == 7 {
			end()
		}
	}, func(Looked) {})
	if !errors.Is(err, context.Canceled) || c.Records != 7 {
		t.Errorf("%+v, %v", c, err)
	}
}
