package postgres

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

func plain(at time.Time) trace.Entry {
	r := tracetest.Record(at)
	return trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)}
}

func partitionsOf(t *testing.T, db *DB, table string) (list []trace.Day) {
	t.Helper()
	days, err := daysOf(context.Background(), db.pool, table)
	if err != nil {
		t.Fatal(err)
	}
	for d := range days {
		list = append(list, d)
	}
	slices.Sort(list)
	return list
}

func TestPartitionsAhead(t *testing.T) {
	ctx := context.Background()
	db := open(t, server.Database(t))
	now := time.Date(2026, 12, 30, 23, 59, 0, 0, time.UTC)
	today := trace.DayOf(now)
	// Some nodes at once, and again.
	errs := make(chan error)
	const nodes = 4
	for range nodes {
		go func() {
			p, err := db.Records(func() time.Time { return now }).Maintain(ctx)
			errs <- errors.Join(err, p.Trouble())
		}()
	}
	for range nodes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, table := range tables() {
		days := partitionsOf(t, db, table)
		if len(days) != daysAhead+2 || days[0] != today-1 || days[len(days)-1] != today+daysAhead {
			t.Errorf("%s: %v", table, days)
		}
	}
	// Days later, with nobody to make any.
	now = now.AddDate(0, 0, daysAhead-1)
	r := db.Records(func() time.Time { return now })
	if _, err := db.pool.Exec(ctx, "ALTER TABLE record_updates RENAME TO aside"); err != nil {
		t.Fatal(err)
	}
	if p, err := r.Maintain(ctx); err == nil || p.Trouble() == nil {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := db.pool.Exec(ctx, "ALTER TABLE aside RENAME TO record_updates"); err != nil {
		t.Fatal(err)
	}
	if p, err := r.Maintain(ctx); err != nil || p.Ahead != daysAhead || p.Trouble() != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// A row that no partition was made for is kept and found, moved, and told of.
func TestDefaultPartition(t *testing.T) {
	ctx := context.Background()
	db := open(t, server.Database(t))
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	r := db.Records(func() time.Time { return now })
	late := now.AddDate(0, -2, 0)
	r.made[trace.DayOf(late)] = true // it thinks so
	e := plain(late)
	update := trace.Entry{ID: e.ID, Value: trace.AppendUpdate(nil, &trace.Record{ID: e.ID, Status: 486})}
	if err := r.Append([]trace.Entry{e, update}); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		var found []*trace.Record
		err := r.Scan(late.Add(-time.Hour), now, func(rec *trace.Record) bool { found = append(found, rec); return true })
		if err != nil || len(found) != 1 || found[0].ID != e.ID || found[0].Status != 486 {
			t.Errorf("%d found, %v", len(found), err)
		}
	}
	check()
	if p, err := r.Maintain(ctx); err != nil || p.Defaulted != 2 || p.Trouble() == nil {
		t.Errorf("%+v, %v", p, err)
	}
	check()
	if days := partitionsOf(t, db, recordsTable(trace.ServiceTelephony)); days[0] != trace.DayOf(late) {
		t.Errorf("%v", days)
	}
	if p, err := r.Maintain(ctx); err != nil || p.Defaulted != 0 || p.Trouble() != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestDropIsWholePartitions(t *testing.T) {
	ctx := context.Background()
	db := open(t, server.Database(t))
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	a, b := db.Records(func() time.Time { return now }), db.Records(func() time.Time { return now })
	for day := range 5 {
		for range 3 {
			if err := a.Append([]trace.Entry{plain(now.AddDate(0, 0, -day))}); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := trace.DayOf(now) - 1
	// Both nodes drop; what went is counted once.
	total := 0
	for _, r := range []*Records{a, b, a} {
		n, err := r.DropDays(ctx, trace.ServiceTelephony, first)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != 9 {
		t.Errorf("%d dropped", total)
	}
	for _, table := range []string{recordsTable(trace.ServiceTelephony), updatesTable} {
		if days := partitionsOf(t, db, table); len(days) != 2 || days[0] != first {
			t.Errorf("%s: %v", table, days)
		}
	}
	// One that comes late all the same finds its day again.
	if err := a.Append([]trace.Entry{plain(now.AddDate(0, 0, -4))}); err != nil {
		t.Fatal(err)
	}
	if n, err := b.DropDays(ctx, trace.ServiceTelephony, first); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// What was salvaged is added only where it is missing.
func TestRestore(t *testing.T) {
	ctx := context.Background()
	db := open(t, server.Database(t))
	r := db.Records(nil)
	now := time.Now()
	there, missing := plain(now), plain(now.Add(-24*time.Hour))
	end := trace.Entry{ID: there.ID, Value: trace.AppendUpdate(nil, &trace.Record{ID: there.ID, Status: 200})}
	if err := r.Append([]trace.Entry{there}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 0} {
		if n, err := r.Restore(ctx, "gw1", []trace.Entry{there, missing, end, missing}); n != want || err != nil {
			t.Errorf("%d added, %v; want %d", n, err, want)
		}
	}
	found := 0
	if err := r.Scan(now.Add(-48*time.Hour), now.Add(time.Hour), func(*trace.Record) bool { found++; return true }); err != nil || found != 2 {
		t.Errorf("%d found, %v", found, err)
	}
}

// An update that another of its kind was shipped before is added too, once, and what was
// told last of the call is what a reader sees, in whatever order salvage finds them.
func TestRestoreUpdatesOfOneKind(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	end := func(id trace.ID, minutes int) trace.Entry {
		return trace.Entry{ID: id, Value: trace.AppendUpdate(nil, &trace.Record{ID: id, End: now.Add(time.Duration(minutes) * time.Minute)})}
	}
	for _, c := range []struct {
		name           string
		shipped, found []int // ends, in minutes
		added, last    int
	}{
		{"a later one", []int{1}, []int{2}, 1, 2},
		{"one that was never shipped, as a later one replaced it", []int{2}, []int{1, 2}, 1, 2},
		{"between two", []int{1, 3}, []int{2}, 1, 3},
		{"later first", nil, []int{2, 1, 2}, 2, 2},
		{"all there", []int{1, 2}, []int{1, 2}, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t, server.Database(t)).Records(nil)
			call := plain(now)
			batch := []trace.Entry{call}
			for _, m := range c.shipped {
				batch = append(batch, end(call.ID, m))
			}
			if err := r.Append(batch); err != nil {
				t.Fatal(err)
			}
			var found []trace.Entry
			for _, m := range c.found {
				found = append(found, end(call.ID, m))
			}
			pieces := [][]trace.Entry{found}
			for i := range found {
				pieces = append(pieces, found[i:i+1]) // again, and one by one
			}
			added := 0
			for _, piece := range pieces {
				n, err := r.Restore(t.Context(), "gw1", piece)
				if err != nil {
					t.Fatal(err)
				}
				added += n
			}
			if added != c.added {
				t.Errorf("%d added, want %d", added, c.added)
			}
			want := now.Add(time.Duration(c.last) * time.Minute)
			seen := 0
			err := r.Scan(now.Add(-time.Hour), now.Add(time.Hour), func(rec *trace.Record) bool {
				if seen++; !rec.End.Equal(want) {
					t.Errorf("ended %v, want %v", rec.End, want)
				}
				return true
			})
			if err != nil || seen != 1 {
				t.Errorf("%d records, %v", seen, err)
			}
		})
	}
}

// A year and a month go by: each record is found until its retention is over, and then
// partition and key are gone within a day.
func TestRetention(t *testing.T) {
	ctx := context.Background()
	db := open(t, server.Database(t))
	ring, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{3})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 11, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	r := db.Records(clock)
	v := trace.NewVault(r, trace.NewKeys(ring), clock)
	var expiries []time.Time
	for month := range 14 { // 29 February among them
		rec := tracetest.Record(time.Date(2027, time.Month(11+month), 29, 23, 59, 0, 0, time.UTC))
		rec.Expires = trace.Expiry(rec.Start, 12)
		expiries = append(expiries, rec.Expires)
		if err := r.Append([]trace.Entry{{ID: rec.ID, Value: v.AppendSealed(nil, rec)}}); err != nil {
			t.Fatal(err)
		}
	}
	kept := len(expiries)
	for i, e := range expiries {
		now = e.Add(-time.Minute)
		if _, err := v.Purge(ctx, trace.Months(12)); err != nil || len(ring.Names()) != len(expiries)-i {
			t.Fatalf("at %v: %d keys, %v", now, len(ring.Names()), err)
		}
		now = trace.NextDrop(e.Add(24*time.Hour - 1))
		dropped, err := v.Purge(ctx, trace.Months(12))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dropped {
			kept -= d.Records
		}
		days := partitionsOf(t, db, recordsTable(trace.ServiceTelephony))
		if kept != len(expiries)-i-1 || len(days) != kept || len(ring.Names()) != kept {
			t.Fatalf("at %v: %d kept, %d partitions, %d keys", now, kept, len(days), len(ring.Names()))
		}
	}
	if left := partitionsOf(t, db, updatesTable); len(left) != 0 {
		t.Errorf("updates of %v left", left)
	}
}
