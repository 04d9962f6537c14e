package postgres

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// A search of many days asks for several at once, and yields in order of time all the same,
// each once, whether a number was called or diverted from; and many searches at once do not
// wait for each other's connections for ever.
func TestFindOfManyDays(t *testing.T) {
	ring, err := keyring.Open(t.Context(), new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	v := trace.NewVault(open(t, server.Database(t)).Records(nil), trace.NewKeys(ring), func() time.Time { return now })
	number := tracetest.Record(now).Called
	var batch []trace.Entry
	var want []trace.ID
	for i := range 240 { // ten a day, of two services; more than waits of a part of the search
		r := tracetest.Record(now.Add(-time.Duration(240-i) * 144 * time.Minute))
		r.Service = trace.Services[i%2]
		r.Called, r.DivertedFrom = number, 0
		if i%3 == 0 {
			r.Called, r.DivertedFrom = r.Calling, number
		}
		batch = append(batch, trace.Entry{ID: r.ID, Value: v.AppendSealed(nil, r)})
		for minutes := range 4 {
			end := trace.Record{ID: r.ID, End: r.Start.Add(time.Duration(minutes) * time.Minute)}
			batch = append(batch, trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, &end)})
		}
		want = append(want, r.ID)
	}
	if err := v.Append(batch); err != nil {
		t.Fatal(err)
	}
	search := func(oldest bool, most int) (got []trace.ID) {
		q := trace.Query{Called: number, From: now.AddDate(0, 0, -30), To: now, Basis: trace.BasisNuisance, Oldest: oldest}
		err := v.Search(context.Background(), q, func(r *trace.Record) bool {
			got = append(got, r.ID)
			if !r.End.Equal(r.Start.Add(3 * time.Minute)) {
				t.Errorf("%s: ended %v", r.ID, r.End.Sub(r.Start))
			}
			return len(got) < most
		})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := search(true, len(want)+1); !slices.Equal(got, want) {
		t.Errorf("oldest first: %d of %d, or in another order", len(got), len(want))
	}
	newest := slices.Clone(want)
	slices.Reverse(newest)
	if got := search(false, 3); !slices.Equal(got, newest[:3]) {
		t.Errorf("the newest three: %v", got)
	}
	var all sync.WaitGroup
	for range 3 * maxConns {
		all.Go(func() {
			if got := search(false, len(want)+1); !slices.Equal(got, newest) {
				t.Errorf("newest first, many at once: %d of %d, or in another order", len(got), len(want))
			}
		})
	}
	all.Wait()
}

func TestByDays(t *testing.T) {
	var filed []trace.Filed
	for _, day := range []trace.Day{3, 1, 2, 2, 5, 2, 4} {
		filed = append(filed, trace.Filed{Day: day})
	}
	for newest, want := range map[bool][][]trace.Day{
		false: {{1, 2, 2, 2}, {3, 4}, {5}},
		true:  {{5, 4}, {3, 2, 2, 2}, {1}},
	} {
		var got [][]trace.Day
		for _, part := range byDays(filed, newest) {
			var days []trace.Day
			for _, f := range part {
				days = append(days, f.Day)
			}
			got = append(got, days)
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]trace.Day]) {
			t.Errorf("newest %v: %v", newest, got)
		}
	}
}
