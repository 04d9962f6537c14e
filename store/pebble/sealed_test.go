package pebble

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// dataDir is a data directory with a vault in it, and its master key.
type dataDir struct {
	path    string
	ring    *keyring.Ring
	records *Store
	*trace.Vault
}

func openData(t testing.TB, path string) *dataDir {
	t.Helper()
	d, err := openDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func openDir(path string) (*dataDir, error) {
	storage, err := keyring.OpenFile(filepath.Join(path, "keyring"))
	if err != nil {
		return nil, err
	}
	ring, err := keyring.Open(context.Background(), storage, keyring.File(filepath.Join(path, "keys", "master")))
	if err != nil {
		return nil, err
	}
	s, err := Open(filepath.Join(path, "records"), Options{})
	if err != nil {
		return nil, errors.Join(err, ring.Close())
	}
	return &dataDir{path, ring, s, trace.NewVault(s, trace.NewKeys(ring), nil)}, nil
}

func (d *dataDir) close(t testing.TB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.ring.Close(); err != nil {
		t.Error(err)
	}
}

// calls records n calls, one waited for and ended each.
func (d *dataDir) calls(t testing.TB, n int) (all []*trace.Record) {
	t.Helper()
	r := trace.NewRecorder(d, trace.Options{Failed: func(_ int, err error) { t.Error(err) }})
	for i := range n {
		rec := tracetest.Record(time.Now().Add(-time.Duration(n-i) * time.Millisecond))
		all = append(all, rec)
		r.Begin(rec, nil)
		r.Finish(&trace.Record{ID: rec.ID, Status: 200, End: rec.End})
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return all
}

// every reads every byte under a directory.
func every(t testing.TB, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // the database has just tidied it away
			return nil
		}
		all = append(append(append(all, b...), '\n'), path...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// DESIGN D7: no byte of the data directory tells a number, in any spelling, before and
// after the database has tidied itself, and no Call-ID or address either.
func TestStolenDiskTellsNothing(t *testing.T) {
	d := openData(t, t.TempDir())
	defer d.close(t)
	calls := d.calls(t, 500)
	r := calls[0]
	look := func(when string) {
		t.Helper()
		all := every(t, d.path)
		if !bytes.Contains(all, []byte("phones")) {
			t.Errorf("%s: the records are not there at all", when)
		}
		for _, n := range []numbering.Number{r.Calling, r.Shown, r.Asserted[0], r.Called, r.DivertedFrom} {
			for _, spelling := range tracetest.Spellings(n) {
				if bytes.Contains(all, spelling) {
					t.Errorf("%s: a number in clear, in %d bytes", when, len(spelling))
				}
			}
		}
		for _, text := range []string{"a84b4c76e66710", "pc33.example", "aabbccddeeff", "192.0.2.7"} {
			if bytes.Contains(all, []byte(text)) {
				t.Errorf("%s: %s in clear", when, text)
			}
		}
	}
	look("after calls")
	if err := d.records.eng.db.Flush(); err != nil {
		t.Fatal(err)
	}
	look("after a flush")
	if _, err := d.Purge(t.Context(), trace.Months(12)); err != nil {
		t.Fatal(err)
	}
	look("after a purge")
}

// The test above finds what is there to be found.
func TestSpellingsAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, path, Options{})
	write(t, s, start, 1) // not sealed
	all := every(t, path)
	if n := tracetest.Record(start).Calling; !contains(all, tracetest.Spellings(n)) {
		t.Error("a number in clear is not seen")
	}
}

func contains(all []byte, spellings [][]byte) bool {
	for _, s := range spellings {
		if bytes.Contains(all, s) {
			return true
		}
	}
	return false
}

// The master key is rotated while calls are recorded: nothing is lost, and the old
// master key opens nothing.
func TestRotationWhileRunning(t *testing.T) {
	path := t.TempDir()
	d := openData(t, path)
	first := d.calls(t, 20)
	old, err := os.ReadFile(filepath.Join(path, "keys", "master"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			if err := d.ring.Rotate(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}()
	second := d.calls(t, 200)
	<-done
	d.close(t)

	d = openData(t, path)
	q := trace.Query{Caller: first[0].Calling, To: time.Now(), Basis: trace.BasisNuisance, Oldest: true}
	n := 0
	err = d.Search(t.Context(), q, func(r *trace.Record) bool { n++; return r.Called == first[0].Called })
	if want := len(first) + len(second); n != want || err != nil {
		t.Errorf("found %d of %d, %v", n, want, err)
	}
	d.close(t)

	thief := filepath.Join(t.TempDir(), "master")
	if err := os.WriteFile(thief, old, 0o600); err != nil {
		t.Fatal(err)
	}
	stolen := keyring.ReadFile(filepath.Join(path, "keyring"))
	if _, err := keyring.Open(t.Context(), stolen, keyring.File(thief)); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Errorf("the old master key: %v", err)
	}
}

// A purge leaves nothing of a day on disk, search keys and updates included.
func TestPurgedDayLeavesTheDisk(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{})
	ring, err := keyring.Open(t.Context(), new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	now := start
	v := trace.NewVault(s, trace.NewKeys(ring), func() time.Time { return now })
	var batch []trace.Entry
	for i := range 100 {
		r := tracetest.Record(start.Add(time.Duration(i) * time.Second))
		batch = append(batch, trace.Entry{ID: r.ID, Value: v.AppendSealed(nil, r)})
		batch = append(batch, trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, r)})
	}
	if err := v.Append(batch); err != nil {
		t.Fatal(err)
	}
	now = trace.NextDrop(start.AddDate(1, 0, 0))
	dropped, err := v.Purge(t.Context(), trace.Months(12))
	if err != nil || len(dropped) != 1 || dropped[0].Records != 100 || dropped[0].Keys != 1 {
		t.Errorf("%+v, %v", dropped, err)
	}
	it, err := s.eng.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if it.Key()[0] != sequenceKey[0] {
			t.Errorf("a key of kind %c is left", it.Key()[0])
		}
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	_ = v.Close()
}

// Counts outlive the process.
func TestCountsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "records")
	s := mustOpen(t, dir, Options{})
	write(t, s, start, 25)
	_ = s.Close()
	s = mustOpen(t, dir, Options{})
	write(t, s, start.Add(time.Hour), 5)
	n, err := s.DropDays(t.Context(), trace.ServiceTelephony, trace.DayOf(start)+1)
	if n != 30 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}
