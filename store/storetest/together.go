package storetest

import (
	"context"
	"testing"

	"clirgate/audit"
)

// Together is a store of casework and the audit log beside it: what is changed and what
// tells of it are one transaction.
type Together[S any] struct {
	Store S
	Log   audit.Log
	// NoLog makes the log impossible to write until mend is called.
	NoLog func(t *testing.T) (mend func())
	Close func() error
}

// SQLNoLog takes the log's table away. exec runs a statement in the store's engine.
func SQLNoLog(exec func(statement string) error) func(t *testing.T) (mend func()) {
	run := func(t *testing.T, statement string) {
		t.Helper()
		if err := exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return func(t *testing.T) func() {
		t.Helper()
		run(t, "ALTER TABLE audit RENAME TO audit_away")
		return func() { run(t, "ALTER TABLE audit_away RENAME TO audit") }
	}
}

// told is how many entries a log has, all of them where they belong.
func told(t *testing.T, l audit.Log) uint64 {
	t.Helper()
	head, err := audit.VerifyLog(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	return head.Seq
}

// tells fails unless f adds want entries to the log.
func tells(t *testing.T, l audit.Log, want int, what string, f func()) {
	t.Helper()
	before := told(t, l)
	f()
	if got := told(t, l) - before; got != uint64(want) {
		t.Errorf("%s: %d entries, want %d", what, got, want)
	}
}
