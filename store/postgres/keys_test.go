package postgres

import (
	"testing"

	"clirgate/store/storetest"
)

func TestShelf(t *testing.T) { storetest.Shelf(t, open(t, server.Database(t)).Keys()) }
