package sqlite

import (
	"testing"

	"clirgate/casework"
	"clirgate/store/storetest"
)

func TestCases(t *testing.T) {
	dir := t.TempDir()
	storetest.Cases(t, func(t *testing.T) (casework.Store, func() error) {
		db, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return db.Cases(), db.Close
	})
}

func TestBills(t *testing.T) {
	db, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.Bills(t, db.Bills())
}
