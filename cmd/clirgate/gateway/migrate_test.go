package gateway_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/casetest"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/cmd/clirgate/migrate"
	"clirgate/store/postgres"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
)

// From one machine to three: a gateway with a local store runs and takes calls while all
// it keeps is brought to a shared store; it is restarted with that, and another comes.
func TestMigrate(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Common(t).Database(t)
	dir := t.TempDir()
	more := "trace: {master_key: " + filepath.Join(dir, "master") + "}\n"
	local := strings.Replace(calling(t, "gw1", "local", more), "\"local\"", "local", 1)
	one, _ := start(t, local, filepath.Join(dir, "1"))
	key := newToken(t, one)
	total := 0
	calls := func(g *gateway.Gateway, n int) {
		place(t, g, n)
		total += n
	}
	put := func(g *gateway.Gateway, number string) {
		t.Helper()
		if r := do(t, g, key, "PUT", "/v1/subscribers/"+number, permanent); r.status != 201 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	run := func() migrate.Done {
		t.Helper()
		done, err := migrate.Run(ctx, parse(t, local, filepath.Join(dir, "1")), url)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	ivo := casework.Actor{Name: "ivo"}
	cases := func(g *gateway.Gateway) *casework.Service {
		return casework.New(g.Cases(), g.Search(), casetest.Book{}, new(casetest.Audit), g.Ring(), casework.Options{})
	}
	calls(one, 5)
	put(one, "+31612340001")
	put(one, "+31612340002")
	c, err := cases(one).Open(ctx, ivo, casework.Claim{
		Claimant: casework.Party{Name: "Klaas Klager", Address: "Kerkplein 7", Postcode: "9876 ZX", Town: "Verweg"},
		Number:   number("31201234567"), Nuisance: "hijgt", Periods: []casework.Period{{From: time.Now().Add(-time.Minute)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	list := bills.New(one.Bills(), new(casetest.Audit), one.Ring())
	if err := list.Put(ctx, ivo, bills.Entry{Number: number("31201234567"), From: 20000}); err != nil {
		t.Fatal(err)
	}

	// While it runs, and again, and after more.
	done := run()
	if done.Changes != 2 || done.Entries == 0 || done.Tokens != 1 || done.Keys == 0 || done.Cases != 1 || done.Shielded != 1 || !done.RecordsWait || done.Live {
		t.Errorf("%+v", done)
	}
	if done := run(); done != (migrate.Done{RecordsWait: true}) {
		t.Errorf("again: %+v", done)
	}
	calls(one, 5)
	put(one, "+31612340003")
	if done := run(); done.Changes != 1 || done.Cases != 0 || done.Tokens != 0 {
		t.Errorf("after more: %+v", done)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}

	// Restarted with the shared store, and another beside it.
	one, _ = start(t, calling(t, "gw1", url, more), filepath.Join(dir, "1"))
	two, _ := start(t, calling(t, "gw2", url, more), filepath.Join(dir, "2"))
	for i, g := range []*gateway.Gateway{one, two} {
		calls(g, 2)
		if class(t, g, key, "+31612340003") != "W" || class(t, g, key, "+31612340004") != "N" {
			t.Errorf("rules on node %d", i)
		}
	}
	eventually(t, "all records, of before and after, opened on the new node", func() bool {
		n := map[trace.ID]int{}
		err := two.Search().Search(ctx, trace.Query{
			Called: number("31201234567"), From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Basis: trace.BasisTransmission,
		}, func(r *trace.Record) bool { n[r.ID]++; return true })
		return err == nil && len(n) == total
	})
	eventually(t, "the case on the new node", func() bool {
		got, err := cases(two).Get(ctx, ivo, c.ID)
		return err == nil && got.Claim.Claimant.Name == "Klaas Klager"
	})
	list = bills.New(two.Bills(), new(casetest.Audit), two.Ring())
	if entries, err := list.Entries(ctx); err != nil || len(entries) != 1 || entries[0].Number != number("31201234567") {
		t.Errorf("%v, %v", entries, err)
	}

	// The history goes on where it was, and can be verified from its beginning.
	put(two, "+31612340004")
	var st admin.Status
	do(t, two, key, "GET", "/v1/status", "").into(t, &st)
	db, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if head, err := audit.VerifyLog(ctx, db.Audit()); err != nil || head.Seq == 0 || st.Rules.Revision != 4 {
		t.Errorf("%+v, %v, revision %d", head, err, st.Rules.Revision)
	}
	if done := run(); !done.Live || done.Changes+done.Entries+done.Cases+done.Shielded != 0 {
		t.Errorf("after it went on: %+v", done)
	}
	// Another machine's directory does not fit.
	if _, err := migrate.Run(ctx, parse(t, literal, t.TempDir()), url); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	other, _ := start(t, literal, filepath.Join(dir, "3"))
	key = newToken(t, other)
	put(other, "+31612340009")
	if _, err := migrate.Run(ctx, parse(t, literal, filepath.Join(dir, "3")), url); !errors.Is(err, migrate.ErrOther) {
		t.Errorf("%v", err)
	}
}

// Where no gateway runs, the records are brought over at once, each once.
func TestMigrateRecords(t *testing.T) {
	ctx := context.Background()
	url := pgtest.Common(t).Database(t)
	dir := t.TempDir()
	local := strings.Replace(calling(t, "gw1", "local", ""), "\"local\"", "local", 1)
	g, _ := start(t, local, dir)
	place(t, g, 5)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{10, 0} { // five records, and their five statuses
		if done, err := migrate.Run(ctx, parse(t, local, dir), url); err != nil || done.RecordsWait || done.Records != want {
			t.Errorf("%+v, %v; want %d", done, err, want)
		}
	}
	g, _ = start(t, calling(t, "gw1", url, ""), dir)
	place(t, g, 2)
	eventually(t, "the records of before and after", func() bool { return len(ids(t, g.Search())) == 7 })
	for id, n := range ids(t, g.Search()) {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
}
