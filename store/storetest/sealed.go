package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

var (
	alice = numbering.New(numbering.International, []byte("31201112233"))
	bob   = numbering.New(numbering.International, []byte("31204445566"))
	carol = numbering.New(numbering.International, []byte("31207778899"))
)

// sealed is the part of the suite that needs sealed records: finding and dropping.
func sealed(t *testing.T, s trace.EntryStore) {
	ring, err := keyring.Open(context.Background(), new(keyring.Memory), keyring.Fixed{7})
	if err != nil {
		t.Fatal(err)
	}
	keys := trace.NewKeys(ring)
	start := time.Date(2027, 2, 3, 22, 0, 0, 0, time.UTC)
	var want []*trace.Record
	for i := range 8 { // four on the day of start, then one every half hour of the next
		r := tracetest.Record(start.Add(time.Duration(i) * 30 * time.Minute))
		r.Calling, r.Called, r.DivertedFrom = alice, bob, 0
		switch i {
		case 1:
			r.Called, r.DivertedFrom = carol, bob
		case 2:
			r.Service = trace.ServiceMessage
		case 5:
			r.Calling = carol
		}
		want = append(want, r)
		put(t, s, []trace.Entry{{ID: r.ID, Value: keys.AppendSealed(nil, r)}})
	}
	update := &trace.Record{ID: want[1].ID, End: start.Add(time.Hour), Status: 480}
	put(t, s, []trace.Entry{{ID: update.ID, Value: trace.AppendUpdate(nil, update)}})
	want[1].End, want[1].Status = update.End, update.Status

	now := start.AddDate(0, 0, 2)
	v := trace.NewVault(s, keys, func() time.Time { return now })
	for _, c := range []struct {
		name string
		q    trace.Query
		want []int
	}{
		{"caller", trace.Query{Caller: alice}, []int{7, 6, 4, 3, 2, 1, 0}},
		{"called", trace.Query{Called: bob, Oldest: true}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"both", trace.Query{Caller: carol, Called: bob}, []int{5}},
		{"window", trace.Query{Caller: alice, From: want[2].Start, To: want[6].Start, Oldest: true}, []int{2, 3, 4}},
		{"nobody", trace.Query{Called: alice}, nil},
	} {
		t.Run("find "+c.name, func(t *testing.T) {
			if c.q.To.IsZero() {
				c.q.To = now
			}
			c.q.Basis = trace.BasisNuisance
			var got []int
			err := v.Search(t.Context(), c.q, func(r *trace.Record) bool {
				i := slices.IndexFunc(want, func(w *trace.Record) bool { return w.ID == r.ID })
				if i < 0 || string(trace.AppendRecord(nil, r)) != string(trace.AppendRecord(nil, want[i])) {
					t.Errorf("record %d differs", i)
				}
				got = append(got, i)
				return true
			})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("found %v, %v; want %v", got, err, c.want)
			}
		})
	}
	t.Run("find ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		seen := 0
		err := v.Search(ctx, trace.Query{Caller: alice, To: now, Basis: trace.BasisNuisance}, func(*trace.Record) bool {
			seen++
			cancel()
			return true
		})
		if seen != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d records after the end, %v", seen, err)
		}
	})
	t.Run("drop", func(t *testing.T) { dropDays(t, s, trace.DayOf(start)) })
}

// dropDays expects three telephony records and one message on day d, and four telephony
// records on the next.
func dropDays(t *testing.T, s trace.EntryStore, d trace.Day) {
	t.Helper()
	if _, err := s.DropDays(t.Context(), trace.ServiceTelephony, d); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		service       trace.Service
		first         trace.Day
		dropped, left int
	}{
		{trace.ServiceTelephony, d, 0, 8},
		{trace.ServiceTelephony, d + 1, 3, 5},
		{trace.ServiceTelephony, d + 1, 0, 5},
		{trace.ServiceMessage, d + 2, 1, 4},
		{trace.ServiceTelephony, d + 2, 4, 0},
	} {
		n, err := s.DropDays(t.Context(), c.service, c.first)
		left := 0
		if err := s.Scan(d.Start(), (d + 3).Start(), func(*trace.Record) bool { left++; return true }); err != nil {
			t.Error(err)
		}
		if n != c.dropped || left != c.left || err != nil {
			t.Errorf("%s before %s: %d dropped, %d left, %v; want %d and %d", c.service, c.first, n, left, err, c.dropped, c.left)
		}
	}
}
