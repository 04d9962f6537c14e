package sqlite

import (
	"testing"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/store/storetest"
)

func together[S any](t *testing.T, dir string, part func(*DB) S) storetest.Together[S] {
	t.Helper()
	db, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(statement string) error { _, err := db.writer.Exec(statement); return err }
	return storetest.Together[S]{Store: part(db), Log: db.Audit(), NoLog: storetest.SQLNoLog(exec), Close: db.Close}
}

func TestCases(t *testing.T) {
	dir := t.TempDir()
	storetest.Cases(t, func(t *testing.T) (c storetest.CaseStore) {
		c.Together = together(t, dir, func(db *DB) casework.Store {
			c.Rule, c.Shielded = db.Rules().Get, db.Bills().Find
			return db.Cases()
		})
		return c
	})
}

func TestBills(t *testing.T) {
	b := together[bills.Store](t, t.TempDir(), (*DB).Bills)
	defer b.Close()
	storetest.Bills(t, b)
}
