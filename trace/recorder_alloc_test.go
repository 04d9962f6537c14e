//go:build !race

package trace_test

import (
	"testing"
	"time"

	"clirgate/trace"
)

// Allocations are counted without the race detector, which makes some of its own.
func TestBeginDoesNotAllocate(t *testing.T) {
	r := trace.NewRecorder(nullStore{}, trace.Options{Window: time.Nanosecond})
	defer r.Close()
	rec, d := record(), make(done)
	if n := testing.AllocsPerRun(1000, func() { r.Begin(rec, d); <-d }); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
}
