package postgres

import (
	"context"
	"testing"

	"clirgate/store/storetest"
	"clirgate/trace"
)

func TestRecords(t *testing.T) {
	url := server.Database(t)
	storetest.Records(t, func(t *testing.T) trace.Store {
		db, err := Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		return closing{db.Records(nil), db}
	})
}

// closing is a store that closes its database.
type closing struct {
	*Records
	db *DB
}

func (c closing) Close() error { return c.db.Close() }

func TestSink(t *testing.T) {
	db := open(t, server.Database(t))
	storetest.Sink(t, db.Records(nil), func() (n int) {
		err := db.pool.QueryRow(context.Background(), "SELECT (SELECT count(*) FROM records) + (SELECT count(*) FROM record_updates)").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	})
}
