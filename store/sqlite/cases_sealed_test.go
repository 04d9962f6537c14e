package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/caseaudit"
	"clirgate/casework/casetest"
	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// A whole case in the database, and no byte of the database or the key ring beside it
// tells who complained, about whom, and of which number.
func TestCasesTellNothing(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	storage, err := keyring.OpenFile(filepath.Join(dir, "keyring"))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(ctx, storage, keyring.File(filepath.Join(dir, "keys", "master")))
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	db, err := Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	now := time.Now()
	v := trace.NewVault(new(tracetest.Store), trace.NewKeys(ring), nil)
	r := tracetest.Record(now.Add(-time.Hour))
	if err := v.Append([]trace.Entry{{ID: r.ID, Value: v.AppendSealed(nil, r)}}); err != nil {
		t.Fatal(err)
	}
	ivo := casework.Actor{Name: "ivo"}
	book := casetest.Book{r.Calling: {Name: "Piet Plaag", Address: "Dorpsstraat 1"}}
	log := caseaudit.New(db.Audit(), ring)
	s := casework.New(db.Cases(), v, book, log, ring, casework.Options{})
	c, err := s.Open(ctx, ivo, casework.Claim{
		Claimant: casework.Party{Name: "Klaas Klager", Address: "Kerkplein 7", Postcode: "9876 ZX", Town: "Verweg"},
		Number:   r.Called, Nuisance: "hijgt elke nacht", Periods: []casework.Period{{From: r.Start}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() (*casework.Case, error){
		func() (*casework.Case, error) { return s.Search(ctx, ivo, c.ID) },
		func() (*casework.Case, error) { return s.Select(ctx, ivo, c.ID, 1, "matches") },
		func() (*casework.Case, error) { return s.Warn(ctx, ivo, c.ID) },
		func() (*casework.Case, error) { return s.Close(ctx, ivo, c.ID, "done") },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	list := bills.New(db.Bills(), log, ring)
	if err := list.Put(ctx, ivo, bills.Entry{Number: r.Called, From: 20000}); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Document(ctx, ivo, c.ID, 2); err != nil || !bytes.Contains(d.Body, []byte("Piet Plaag")) {
		t.Fatalf("the letter itself: %v", err)
	}

	all := everything(t, dir)
	if !bytes.Contains(all, []byte(c.ID)) {
		t.Error("the case is not there at all")
	}
	for _, n := range []numbering.Number{r.Calling, r.Called, r.Shown} {
		for _, spelling := range tracetest.Spellings(n) {
			if bytes.Contains(all, spelling) {
				t.Errorf("a number in clear, in %d bytes", len(spelling))
			}
		}
	}
	for _, secret := range []string{"Klaas", "Klager", "Kerkplein", "9876 ZX", "Verweg", "hijgt", "Piet", "Plaag", "Dorpsstraat", "matches"} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("%q in clear", secret)
		}
	}
}

// everything is every byte of the files in a directory, names included.
func everything(t *testing.T, dir string) (all []byte) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, b...), f.Name()...)
	}
	return all
}
