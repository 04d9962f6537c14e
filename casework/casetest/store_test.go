package casetest_test

import (
	"errors"
	"testing"

	"clirgate/audit/audittest"
	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/store/storetest"
)

func TestStore(t *testing.T) {
	s := casetest.Store{Log: new(audittest.Log)}
	storetest.Cases(t, func(*testing.T) storetest.CaseStore {
		return storetest.CaseStore{Rule: s.Rule, Shielded: s.Shielded, Together: storetest.Together[casework.Store]{
			Store: &s, Log: s.Log,
			NoLog: func(*testing.T) func() {
				s.Log.Fail(errors.New("full"))
				return func() { s.Log.Fail(nil) }
			},
			Close: func() error { return nil },
		}}
	})
}
