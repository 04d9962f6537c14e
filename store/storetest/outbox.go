package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/outbox"
	"clirgate/trace/tracetest"
)

// Sink is the suite every outbox.Sink must pass. count answers how many entries it holds,
// those held twice twice.
func Sink(t *testing.T, s outbox.Sink, count func() int) {
	ctx := context.Background()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	e, other := trace.NewID(now), trace.NewID(now)
	batch := func(n int) (list []trace.Entry) {
		for i := range n {
			r := tracetest.Record(now.Add(time.Duration(i) * time.Second))
			list = append(list, trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)},
				trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, r)})
		}
		return list
	}
	total := 0
	for _, c := range []struct {
		name     string
		epoch    outbox.Epoch
		from, to uint64
		records  int
		err      error
	}{
		{"first", e, 0, 3, 2, nil},
		{"next", e, 3, 4, 1, nil},
		{"again", e, 3, 4, 1, outbox.ErrMoved},
		{"ahead", e, 5, 6, 1, outbox.ErrMoved},
		{"other epoch", other, 0, 1, 1, nil},
		{"nothing but the mark", e, 4, 9, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Mark(ctx, "gw1", c.epoch); err != nil {
				t.Fatal(err)
			}
			list := batch(c.records)
			err := s.Ship(ctx, "gw1", c.epoch, c.from, c.to, list)
			if !errors.Is(err, c.err) || err == nil != (c.err == nil) {
				t.Errorf("%v, want %v", err, c.err)
			}
			if err == nil {
				total += len(list)
				if mark, err := s.Mark(ctx, "gw1", c.epoch); mark != c.to || err != nil {
					t.Errorf("mark %d, %v", mark, err)
				}
			}
			if n := count(); n != total {
				t.Errorf("%d entries, want %d", n, total)
			}
		})
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Ship(ended, "gw1", e, 9, 10, batch(1)); err == nil {
		t.Error("shipped although the time was over")
	}
	if mark, err := s.Mark(ctx, "gw1", e); mark != 9 || err != nil || count() != total {
		t.Errorf("mark %d, %v, %d entries", mark, err, count())
	}
}
