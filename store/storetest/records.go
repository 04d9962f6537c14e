package storetest

import (
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// Records is the suite every trace.Store must pass. open opens the same store again
// after it was closed.
func Records(t *testing.T, open func(t *testing.T) trace.Store) {
	s := open(t)
	start := time.Date(2026, 11, 23, 23, 59, 58, 0, time.FixedZone("", 3600))
	var want []*trace.Record
	var batch []trace.Entry
	for i := range 10 { // the last ones fall into the next day
		r := tracetest.Record(start.Add(time.Duration(i) * 30 * time.Minute))
		want = append(want, r)
		batch = append(batch, trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)})
	}
	// Not in order of time, and in two batches.
	put(t, s, batch[5:])
	put(t, s, batch[:5])
	put(t, s, nil)

	t.Run("order", func(t *testing.T) {
		expect(t, s, start, start.Add(24*time.Hour), want)
	})
	t.Run("window", func(t *testing.T) {
		expect(t, s, want[3].Start, want[7].Start, want[3:7])
		expect(t, s, start.Add(-time.Hour), start, nil)
		expect(t, s, time.Time{}, start.AddDate(100, 0, 0), want)
		expect(t, s, start.Add(time.Hour), start, nil)
	})
	t.Run("stop", func(t *testing.T) {
		seen := 0
		err := s.Scan(start, start.Add(24*time.Hour), func(*trace.Record) bool { seen++; return seen < 3 })
		if err != nil || seen != 3 {
			t.Errorf("stopped after %d, %v", seen, err)
		}
	})
	t.Run("again", func(t *testing.T) {
		put(t, s, batch[2:4])
		expect(t, s, start, start.Add(24*time.Hour), want)
	})
	t.Run("updates", func(t *testing.T) {
		end := want[2].Start.Add(time.Hour)
		answer := want[2].Start.Add(time.Second)
		for _, u := range []*trace.Record{{ID: want[2].ID, Answer: answer}, {ID: want[2].ID, End: end, Status: 486}, {ID: want[2].ID, Mark: trace.MarkCode, Marked: end}} {
			put(t, s, []trace.Entry{{ID: u.ID, Value: trace.AppendUpdate(nil, u)}})
		}
		want[2].Answer, want[2].End, want[2].Status = answer, end, 486
		want[2].Mark, want[2].Marked = trace.MarkCode, end
		expect(t, s, start, start.Add(24*time.Hour), want)
	})
	t.Run("reopen", func(t *testing.T) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t)
		expect(t, s, start, start.Add(24*time.Hour), want)
	})
	if es, ok := s.(trace.EntryStore); ok {
		sealed(t, es)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func put(t *testing.T, s trace.Store, batch []trace.Entry) {
	t.Helper()
	if err := s.Append(batch); err != nil {
		t.Fatal(err)
	}
}

// expect compares by encoded form, which holds every field.
func expect(t *testing.T, s trace.Store, from, to time.Time, want []*trace.Record) {
	t.Helper()
	var got []*trace.Record
	if err := s.Scan(from, to, func(r *trace.Record) bool { got = append(got, r); return true }); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if string(trace.AppendRecord(nil, got[i])) != string(trace.AppendRecord(nil, want[i])) ||
			string(trace.AppendUpdate(nil, got[i])) != string(trace.AppendUpdate(nil, want[i])) {
			t.Errorf("record %d differs", i)
		}
	}
}
