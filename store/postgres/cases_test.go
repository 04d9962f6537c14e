package postgres

import (
	"context"
	"testing"

	"clirgate/casework"
	"clirgate/store/storetest"
)

func TestCases(t *testing.T) {
	url := server.Database(t)
	storetest.Cases(t, func(t *testing.T) (casework.Store, func() error) {
		db, err := Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		return db.Cases(), db.Close
	})
}

func TestBills(t *testing.T) { storetest.Bills(t, open(t, server.Database(t)).Bills()) }
