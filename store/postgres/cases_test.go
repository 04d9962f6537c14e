package postgres

import (
	"context"
	"testing"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/store/storetest"
)

func together[S any](t *testing.T, url string, part func(*DB) S) storetest.Together[S] {
	t.Helper()
	db, err := Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(statement string) error { _, err := db.pool.Exec(context.Background(), statement); return err }
	return storetest.Together[S]{Store: part(db), Log: db.Audit(), NoLog: storetest.SQLNoLog(exec), Close: db.Close}
}

func TestCases(t *testing.T) {
	url := server.Database(t)
	storetest.Cases(t, func(t *testing.T) (c storetest.CaseStore) {
		c.Together = together(t, url, func(db *DB) casework.Store {
			c.Rule, c.Shielded = db.Rules().Get, db.Bills().Find
			return db.Cases()
		})
		return c
	})
}

func TestBills(t *testing.T) {
	b := together[bills.Store](t, server.Database(t), (*DB).Bills)
	defer b.Close()
	storetest.Bills(t, b)
}
