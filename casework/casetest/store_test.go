package casetest_test

import (
	"testing"

	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/store/storetest"
)

func TestStore(t *testing.T) {
	var s casetest.Store
	storetest.Cases(t, func(*testing.T) (casework.Store, func() error) {
		return &s, func() error { return nil }
	})
}
