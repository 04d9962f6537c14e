package pebble

import (
	"context"
	"flag"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

var (
	many = flag.Int("records", 200_000, "records that BenchmarkSearch and BenchmarkPurge work on")
	kept = flag.String("records-dir", "", "directory where BenchmarkSearch keeps its database for the next run")
)

const searchDays = 30

// filled is a data directory with many records of the last thirty days, each number
// calling and being called about a hundred times.
func filled(b *testing.B, path string, days int) *dataDir {
	b.Helper()
	_, err := os.Stat(filepath.Join(path, "records"))
	d := openData(b, path)
	if err == nil {
		return d
	}
	begin := time.Now().AddDate(0, 0, -days).Truncate(24 * time.Hour)
	fill(b, d, begin, days, *many)
	return d
}

// fill adds n records, spread over days.
func fill(b *testing.B, d *dataDir, begin time.Time, days, n int) {
	b.Helper()
	step := time.Duration(days) * 24 * time.Hour / time.Duration(n)
	var batch []trace.Entry
	r := tracetest.Record(begin)
	r.DivertedFrom = 0
	for i := range n {
		r.Start = begin.Add(time.Duration(i) * step)
		r.ID, r.Expires = trace.NewID(r.Start), trace.Expiry(r.Start, 12)
		r.Calling, r.Called = anyNumber(), anyNumber()
		batch = append(batch, trace.Entry{ID: r.ID, Value: d.AppendSealed(nil, r)})
		if len(batch) == 5000 || i == n-1 {
			if err := d.Append(batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

func anyNumber() numbering.Number {
	n := uint64(31_600_000_000) + rand.Uint64N(uint64(*many/100+1))
	return numbering.Number(uint64(numbering.International)<<60 | 11<<56 | n)
}

// BenchmarkSearch looks for the calls of one number in thirty days, or in one:
//
//	go test ./store/pebble -run xxx -bench Search -records 20000000 -records-dir /var/tmp/records
func BenchmarkSearch(b *testing.B) {
	path := *kept
	if path == "" {
		path = b.TempDir()
	}
	d := filled(b, path, searchDays)
	defer d.close(b)
	b.Logf("%.0f bytes a record", float64(size(b, filepath.Join(path, "records")))/float64(*many))
	for name, days := range map[string]int{"month": searchDays + 1, "day": 1} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			found, used := 0, cpu(b)
			for b.Loop() {
				began := time.Now()
				to := began.AddDate(0, 0, -rand.IntN(searchDays-days/2))
				q := trace.Query{Called: anyNumber(), From: to.AddDate(0, 0, -days), To: to, Basis: trace.BasisNuisance, OnlyWithheld: true}
				err := d.Search(context.Background(), q, func(*trace.Record) bool { found++; return true })
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			b.ReportMetric(float64((cpu(b)-used).Microseconds())/1000/float64(len(took)), "cpu-ms")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(found)/float64(len(took)), "found/op")
		})
	}
}

// BenchmarkPurge is the expiry of one day of many records that have long settled, with the
// day after it in the same database, while calls go on: append-ms is what they wait for
// their records.
func BenchmarkPurge(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		path := b.TempDir()
		d := openData(b, path)
		begin := time.Now().AddDate(0, 0, -2).Truncate(24 * time.Hour)
		fill(b, d, begin, 1, *many)
		fill(b, d, begin.AddDate(0, 0, 1), 1, *many/10)
		if err := d.records.eng.db.Compact(b.Context(), []byte{0}, []byte{0xff}, false); err != nil {
			b.Fatal(err)
		}
		before := size(b, path)
		now := trace.NextDrop(trace.Expiry(begin.Add(24*time.Hour-1), 12))
		v := trace.NewVault(d.records, trace.NewKeys(d.ring), func() time.Time { return now })
		waits := calling(b, d)
		used := cpu(b)
		b.StartTimer()
		dropped, err := v.Purge(context.Background(), trace.Months(12))
		b.StopTimer()
		if err != nil || len(dropped) != 1 || dropped[0].Records != *many {
			b.Fatalf("%+v, %v", dropped, err)
		}
		b.ReportMetric(float64((cpu(b) - used).Milliseconds()), "cpu-ms")
		took := waits()
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "append-p50-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "append-max-ms")
		d.close(b)
		b.ReportMetric(float64(size(b, path))/float64(before), "left")
		b.StartTimer()
	}
}

// calling appends a record every few milliseconds until the function it answers is called,
// which tells how long each took, in order of length.
func calling(b *testing.B, d *dataDir) (end func() []time.Duration) {
	stop, done := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var took []time.Duration
		for {
			r := tracetest.Record(time.Now())
			began := time.Now()
			if err := d.Append([]trace.Entry{{ID: r.ID, Value: d.AppendSealed(nil, r)}}); err != nil {
				b.Error(err)
			}
			took = append(took, time.Since(began))
			select {
			case <-stop:
				done <- took
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() []time.Duration {
		close(stop)
		took := <-done
		slices.Sort(took)
		return took
	}
}

func size(b *testing.B, path string) (n int64) {
	b.Helper()
	err := filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // tidied away meanwhile
		}
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
