package trace_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

var ctx = context.Background()

// vault is a vault in memory with a clock of its own.
type vault struct {
	*trace.Vault
	store tracetest.Store
	keys  keyring.Memory
	now   time.Time
}

func newVault(t testing.TB) *vault {
	v := &vault{now: start.Add(time.Hour)}
	v.Vault = trace.NewVault(&v.store, newKeys(t, &v.keys), func() time.Time { return v.now })
	return v
}

// call records one call at a time.
func (v *vault) call(t testing.TB, at time.Time, change func(*trace.Record)) *trace.Record {
	t.Helper()
	r := tracetest.Record(at)
	if change != nil {
		change(r)
	}
	if err := v.Append([]trace.Entry{{ID: r.ID, Value: v.AppendSealed(nil, r)}}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (v *vault) search(t testing.TB, q trace.Query) (n int) {
	t.Helper()
	if q.To.IsZero() {
		q.To = v.now
	}
	if err := v.Search(ctx, q, func(*trace.Record) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecorderSeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		r := trace.NewRecorder(v, trace.Options{})
		rec := record()
		var c call
		r.Begin(rec, &c)
		_ = r.Close()
		c.want(t, nil, time.Now(), 0)
		stored := v.store.All()
		if len(stored) != 1 || !stored[0].Closed() {
			t.Fatal("not sealed")
		}
		n := 0
		if err := v.Scan(time.Time{}, time.Now().Add(time.Hour), func(got *trace.Record) bool {
			n++
			return same(got, rec)
		}); err != nil || n != 1 {
			t.Errorf("%d records, %v", n, err)
		}
	})
}

// A key that cannot be stored: calls go on, and what was written then is kept once it
// can be.
func TestRecordsWaitForTheirKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t)
		r := trace.NewRecorder(v, trace.Options{})
		v.keys.Fail(errors.New("disk full"))
		var c call
		r.Begin(record(), &c)
		synctest.Wait()
		c.want(t, trace.ErrStore, time.Now(), 0)
		if len(v.store.All()) != 0 {
			t.Error("record stored without its key")
		}
		v.keys.Fail(nil)
		time.Sleep(2 * time.Second)
		if len(v.store.All()) != 1 {
			t.Error("record lost")
		}
		_ = r.Close()
	})
}

func TestSearchAsksForBasisAndNumber(t *testing.T) {
	v := newVault(t)
	rec := v.call(t, start, nil)
	v.call(t, start, func(r *trace.Record) { r.Withheld = false })
	v.call(t, start, func(r *trace.Record) { r.Bases = trace.BasisTransmission })
	for _, q := range []trace.Query{{Basis: trace.BasisNuisance}, {Caller: rec.Calling}, {}} {
		if err := v.Search(ctx, q, func(*trace.Record) bool { return true }); !errors.Is(err, trace.ErrQuery) {
			t.Errorf("%v", err)
		}
	}
	for _, c := range []struct {
		q    trace.Query
		want int
	}{
		{trace.Query{Caller: rec.Calling, Basis: trace.BasisNuisance}, 2},
		{trace.Query{Caller: rec.Calling, Basis: trace.BasisNuisance, OnlyWithheld: true}, 1},
		{trace.Query{Called: rec.Called, Basis: trace.BasisTransmission}, 3},
		{trace.Query{Called: rec.Calling, Basis: trace.BasisTransmission}, 0},
	} {
		if n := v.search(t, c.q); n != c.want {
			t.Errorf("found %d, want %d", n, c.want)
		}
	}
}

func TestSearchIsBounded(t *testing.T) {
	v := newVault(t)
	var all []trace.ID
	for i := range 5 {
		all = append(all, v.call(t, start.Add(time.Duration(i)*time.Second), nil).ID)
	}
	q := trace.Query{Caller: tracetest.Record(start).Calling, To: v.now, Basis: trace.BasisNuisance, Limit: 3}
	var got []trace.ID
	err := v.Search(ctx, q, func(r *trace.Record) bool { got = append(got, r.ID); return true })
	slices.Reverse(got)
	if !errors.Is(err, trace.ErrMore) || !slices.Equal(got, all[2:]) {
		t.Errorf("%d records, %v", len(got), err)
	}
	got, q.Oldest, q.Limit = nil, true, 5
	err = v.Search(ctx, q, func(r *trace.Record) bool { got = append(got, r.ID); return true })
	if err != nil || !slices.Equal(got, all) {
		t.Errorf("%d records, %v", len(got), err)
	}
	if err := v.Search(ctx, q, func(*trace.Record) bool { return false }); err != nil {
		t.Errorf("stopped: %v", err)
	}
}

// NV5: a record of 2025-11-23T10:00Z, 12 months.
func TestRetention(t *testing.T) {
	v := newVault(t)
	at := time.Date(2025, 11, 23, 10, 0, 0, 0, time.UTC)
	rec := v.call(t, at, nil)
	if err := v.Append([]trace.Entry{{ID: rec.ID, Value: trace.AppendUpdate(nil, rec)}}); err != nil {
		t.Fatal(err)
	}
	backup := v.AppendSealed(nil, rec)
	v.call(t, at.AddDate(0, 0, 1), nil)
	q := trace.Query{Caller: rec.Calling, Basis: trace.BasisNuisance, From: at.Add(-time.Hour), To: at.Add(time.Hour)}
	for _, c := range []struct {
		now            string
		found, dropped int
	}{
		{"2026-11-22T23:59:00Z", 1, 0},
		{"2026-11-23T09:59:59Z", 1, 0},
		{"2026-11-23T10:00:00Z", 0, 0}, // expired: not found, though it is there until midnight
		{"2026-11-24T00:00:00Z", 0, 1},
		{"2026-11-24T00:00:00Z", 0, 0},
	} {
		v.now, _ = time.Parse(time.RFC3339, c.now)
		dropped, err := v.Purge(ctx, trace.Months(12))
		n := 0
		for _, d := range dropped {
			n += d.Records
			if d.Keys != 1 {
				t.Errorf("%s: %d keys destroyed", c.now, d.Keys)
			}
		}
		if found := v.search(t, q); err != nil || n != c.dropped || found != c.found {
			t.Errorf("%s: %d dropped, %d found, %v; want %d and %d", c.now, n, found, err, c.dropped, c.found)
		}
	}
	if left := v.store.All(); len(left) != 1 {
		t.Errorf("%d records left", len(left))
	}
	var copied trace.Record // from a backup: opens no more
	if _, err := trace.Decode(backup, &copied); err != nil || newKeys(t, &v.keys).Open(&copied) == nil {
		t.Error("opened after its key was destroyed")
	}
}

func TestRetentionByService(t *testing.T) {
	v := newVault(t)
	r := trace.NewRecorder(v, trace.Options{Service: func(r *trace.Record) trace.Service {
		if r.Ingress == "voip" {
			return trace.ServiceInternet
		}
		return trace.ServiceOf(r)
	}})
	months := trace.Retention{12, 6, 1}
	r.SetRetentions(months)
	for i, want := range map[string]string{"phones": "2027-11-23", "voip": "2027-05-23", "texts": "2026-12-23"} {
		rec := tracetest.Record(start)
		rec.Ingress, rec.Expires = i, time.Time{}
		if i == "texts" {
			rec.Method = "MESSAGE"
		}
		r.Begin(rec, nil)
		if got := rec.Expires.Format(time.DateOnly); got != want {
			t.Errorf("%s expires %s, want %s", i, got, want)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  string
		left int
	}{{"2026-12-23", 3}, {"2026-12-24", 2}, {"2027-05-24", 1}, {"2027-11-24", 0}} {
		v.now, _ = time.Parse(time.DateOnly, c.now)
		if _, err := v.Purge(ctx, months); err != nil {
			t.Fatal(err)
		}
		if n := len(v.store.All()); n != c.left {
			t.Errorf("%s: %d left, want %d", c.now, n, c.left)
		}
	}
}

func TestKeysGoEvenWhenDeletingFails(t *testing.T) {
	v := newVault(t)
	v.call(t, start, nil)
	v.now = start.AddDate(2, 0, 0)
	broken := errors.New("broken disk")
	v.store.Fail(broken)
	dropped, err := v.Purge(ctx, trace.Months(12))
	if !errors.Is(err, broken) || len(dropped) != 1 || dropped[0].Keys != 1 {
		t.Errorf("%v, %v", dropped, err)
	}
	if err := v.Vault.Scan(time.Time{}, v.now, func(*trace.Record) bool { return true }); !errors.Is(err, trace.ErrSealed) {
		t.Errorf("still opens: %v", err)
	}
}
