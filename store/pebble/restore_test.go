package pebble

import (
	"path/filepath"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// What Salvage finds comes in any order, more than once, and beside what is there already.
func TestRestoreKeepsTheLaterUpdate(t *testing.T) {
	rec := tracetest.Record(start)
	ended := func(after time.Duration, status int) trace.Entry {
		u := trace.Record{ID: rec.ID, End: start.Add(after), Status: status}
		return trace.Entry{ID: rec.ID, Value: trace.AppendUpdate(nil, &u)}
	}
	record := trace.Entry{ID: rec.ID, Value: trace.AppendRecord(nil, rec)}
	first, second, third := ended(time.Second, 480), ended(2*time.Second, 486), ended(3*time.Second, 487)
	for name, c := range map[string]struct {
		there   []trace.Entry
		batches [][]trace.Entry
		want    int
	}{
		"in order":               {nil, [][]trace.Entry{{record, first}, {second, third}}, 487},
		"later one first":        {nil, [][]trace.Entry{{record, third}, {first}, {second}}, 487},
		"in one batch":           {nil, [][]trace.Entry{{third, first, record, second}}, 487},
		"later one there":        {[]trace.Entry{record, third}, [][]trace.Entry{{record, first}, {second}}, 487},
		"earlier one there":      {[]trace.Entry{record, first}, [][]trace.Entry{{third, record}}, 487},
		"the same one once more": {[]trace.Entry{record, second}, [][]trace.Entry{{record, second}, {second}}, 486},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, filepath.Join(t.TempDir(), "records"), Options{})
			if err := s.Append(c.there); err != nil {
				t.Fatal(err)
			}
			for _, b := range c.batches {
				if err := s.Restore(b); err != nil {
					t.Fatal(err)
				}
			}
			n, status := 0, 0
			if err := s.Scan(start, start.Add(time.Minute), func(r *trace.Record) bool {
				n, status = n+1, r.Status
				return true
			}); err != nil {
				t.Fatal(err)
			}
			if n != 1 || status != c.want {
				t.Errorf("%d records, status %d, want 1, %d", n, status, c.want)
			}
		})
	}
}
