package admin

import (
	"errors"
	"testing"

	"clirgate/trace"
)

// A scan ends when it is late, and says so; one that is done in time does not.
func TestWithin(t *testing.T) {
	for _, c := range []struct {
		records, lateAt, read int
		late                  bool
	}{{10, 0, 10, false}, {5000, 9999, 5000, false}, {5000, 2000, 1999, true}} {
		read, given := 0, 0
		err := within(func() bool { return given >= c.lateAt }, func(yield func(*trace.Record) bool) error {
			for given = 1; given <= c.records && yield(nil); given++ {
			}
			return nil
		}, func(*trace.Record) bool { read++; return true })
		if errors.Is(err, errLate) != c.late || read != c.read {
			t.Errorf("%+v: read %d, %v", c, read, err)
		}
	}
}
