package bulk

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"testing"

	"clirgate/rules"
	"clirgate/store/sqlite"
)

var batchSize = flag.Int("batch", 0, "rows of one change in the import benchmark")

var rows = flag.Int("rows", 100_000, "rows of the import benchmarks; the figures are told for 1 million and more")

// randomRows is an import file whose numbers come in no order.
func randomRows(count int) []byte {
	var b bytes.Buffer
	b.WriteString("number,clir,clip,acr,tir,override,shield_on_bills,note,until\n")
	clir := [...]string{"none", "permanent", "temporary-restricted", "temporary-allowed"}
	for i := range count {
		// 7919 is prime to 10^8: every number once.
		fmt.Fprintf(&b, "+316%08d,%s,true,%t,none,false,false,,\n", i*7919%100_000_000, clir[i%4], i%4 == 0)
	}
	return b.Bytes()
}

// From CSV to disk and into force: empty store, then the same rows changed.
func BenchmarkImport(b *testing.B) {
	ctx := context.Background()
	file := randomRows(*rows)
	for b.Loop() {
		db, err := sqlite.Open(ctx, b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		s := rules.NewService(db.Rules(), new(rules.Table))
		if err := s.Load(ctx); err != nil {
			b.Fatal(err)
		}
		p, err := Import(ctx, s, bytes.NewReader(file), Options{Format: CSV, Plan: plan, Batch: *batchSize}, nil)
		if err != nil || s.Table().Snapshot().Len() != *rows {
			b.Fatalf("%+v, %d in force, %v", p, s.Table().Snapshot().Len(), err)
		}
		b.ReportMetric(p.Rate(), "rows/s")
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// Reading and checking alone.
func BenchmarkDryRun(b *testing.B) {
	file := randomRows(*rows)
	for b.Loop() {
		p, err := Import(context.Background(), newMemory(), bytes.NewReader(file), Options{Format: CSV, Plan: plan, DryRun: true}, nil)
		if err != nil || p.Bad != 0 {
			b.Fatal(p, err)
		}
		b.ReportMetric(p.Rate(), "rows/s")
	}
}

func BenchmarkExport(b *testing.B) {
	m := newMemory()
	if _, err := Import(context.Background(), m, bytes.NewReader(randomRows(exportPage-1)), Options{Format: CSV, Plan: plan}, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Export(context.Background(), m, io.Discard, CSV, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(m.subs)*b.N)/b.Elapsed().Seconds(), "rows/s")
}
