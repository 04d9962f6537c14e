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
