package postgres

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

var recordsN = flag.Int("records", 100_000, "records of the benchmarks")

const (
	benchDays    = 31
	benchBatch   = 10_000
	benchNumbers = 100_000 // subscribers who call each other
)

// books is a store of sealed records.
type books struct {
	db   *DB
	keys *trace.Keys
	now  time.Time
}

func openBooks(b *testing.B, url string) *books {
	b.Helper()
	ring, err := keyring.Open(context.Background(), new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		b.Fatal(err)
	}
	return &books{open(b, url), trace.NewKeys(ring), time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
}

func benchNumber(i int) numbering.Number {
	return numbering.New(numbering.International, fmt.Appendf(nil, "3161%07d", i))
}

// sealed is n records of a day, one in every so many with an update.
func (s *books) sealed(random *rand.Rand, day, n, every int) []trace.Entry {
	list := make([]trace.Entry, 0, 2*n)
	for i := range n {
		r := tracetest.Record(s.now.AddDate(0, 0, -day).Truncate(24 * time.Hour).Add(time.Duration(random.Int64N(int64(24 * time.Hour)))))
		r.Calling, r.Called, r.DivertedFrom = benchNumber(random.IntN(benchNumbers)), benchNumber(random.IntN(benchNumbers)), 0
		list = append(list, trace.Entry{ID: r.ID, Value: s.keys.AppendSealed(nil, r)})
		if i%every == 0 {
			list = append(list, trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, r)})
		}
	}
	return list
}

// load ships n records, spread over the days, as two nodes do.
func (s *books) load(b *testing.B, n int) {
	b.Helper()
	ctx := context.Background()
	var days []trace.Day
	for d := range trace.Day(benchDays) {
		days = append(days, trace.DayOf(s.now)-d)
	}
	if err := s.db.Records(nil).make(ctx, days); err != nil {
		b.Fatal(err)
	}
	const batch = benchBatch
	var group sync.WaitGroup
	for node := range 2 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(node), 0))
			r, epoch, seq := s.db.Records(func() time.Time { return s.now }), trace.NewID(time.Now()), uint64(0)
			if _, err := r.Mark(ctx, "gw", epoch); err != nil {
				b.Error(err)
			}
			for at := node * batch; at < n; at += 2 * batch {
				day := at * benchDays / n
				if err := r.Ship(ctx, "gw", epoch, seq, seq+1, s.sealed(random, day, min(batch, n-at), 10)); err != nil {
					b.Error(err)
					return
				}
				seq++
			}
		})
	}
	group.Wait()
	if _, err := s.db.pool.Exec(ctx, "ANALYZE"); err != nil {
		b.Error(err)
	}
}

// What one node ships: transactions of 500 records and 500 updates each, with the mark. "pair": the
// server has a synchronous standby.
func BenchmarkShip(b *testing.B) {
	for _, c := range []struct {
		name string
		url  func(testing.TB) string
	}{
		{"alone", server.Database},
		{"pair", func(tb testing.TB) string { return pgtest.StartPair(tb).Database(tb) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := context.Background()
			s := openBooks(b, c.url(b))
			r, epoch := s.db.Records(func() time.Time { return s.now }), trace.NewID(time.Now())
			random := rand.New(rand.NewPCG(1, 0))
			const rows = 1000
			batch := s.sealed(random, 0, rows/2, 1)
			if _, err := r.Mark(ctx, "gw1", epoch); err != nil {
				b.Fatal(err)
			}
			for seq := uint64(0); b.Loop(); seq++ {
				if err := r.Ship(ctx, "gw1", epoch, seq, seq+1, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// A search by number among -records records of 31 days: over 30 days, and over one.
func BenchmarkRecordsSearch(b *testing.B) {
	s := openBooks(b, server.Database(b))
	began := time.Now()
	s.load(b, *recordsN)
	b.Logf("%d records loaded in %v", *recordsN, time.Since(began).Round(time.Second))
	v := trace.NewVault(s.db.Records(func() time.Time { return s.now }), s.keys, func() time.Time { return s.now })
	for _, days := range []int{1, 30} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			random := rand.New(rand.NewPCG(2, 0))
			var times []time.Duration
			found := 0
			for b.Loop() {
				q := trace.Query{Called: benchNumber(random.IntN(benchNumbers)), To: s.now, From: s.now.AddDate(0, 0, -days), Basis: trace.BasisNuisance}
				began := time.Now()
				if err := v.Search(context.Background(), q, func(*trace.Record) bool { found++; return true }); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(found)/float64(len(times)), "found")
		})
	}
	b.Run("size", func(b *testing.B) {
		var bytes int64
		err := s.db.pool.QueryRow(context.Background(),
			"SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('records')").Scan(&bytes)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(bytes)/float64(*recordsN), "bytes/record")
	})
	// The expiry of a day: one partition among many, whatever it holds.
	b.Run("drop", func(b *testing.B) {
		r := s.db.Records(func() time.Time { return s.now })
		oldest := (*recordsN - 1) / benchBatch * benchBatch * benchDays / *recordsN
		first := trace.DayOf(s.now) - trace.Day(oldest) + 1
		began, dropped := time.Now(), 0
		for b.Loop() {
			n, err := r.DropDays(context.Background(), trace.ServiceTelephony, first)
			if err != nil {
				b.Fatal(err)
			}
			if n > 0 {
				b.Logf("%d records dropped in %v", n, time.Since(began).Round(time.Millisecond))
			}
			dropped += n
		}
		if dropped == 0 {
			b.Error("nothing to drop")
		}
	})
}
