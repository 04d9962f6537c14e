package keyringtest_test

import (
	"testing"

	"clirgate/store/storetest"
	"clirgate/trace/keyring/keyringtest"
)

func TestShelf(t *testing.T) { storetest.Shelf(t, new(keyringtest.Shelf)) }
