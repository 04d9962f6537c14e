package postgres

import (
	"context"
	"flag"
	"testing"

	"clirgate/rules"
)

var subscribers = flag.Int("subscribers", 100_000, "subscribers of the benchmarks")

// What a change waits for: one transaction, its round trips included. The test
// server does not wait for the disk.
func BenchmarkPut(b *testing.B) {
	ctx := context.Background()
	s := open(b, server.Database(b)).Rules()
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		if _, err := s.Put(ctx, rules.Subscriber{Number: rules.KeyNumber(31600000000 + i), ACR: true}, rules.Unsaid(), by); err != nil {
			b.Fatal(err)
		}
	}
}

// fill writes subscribers in batches as an import does.
func fill(b *testing.B, s rules.Store) {
	b.Helper()
	const batch = 20_000
	for from := 0; from < *subscribers; from += batch {
		writes := make([]rules.Write, 0, batch)
		for i := from; i < min(from+batch, *subscribers); i++ {
			n := rules.KeyNumber(31600000000 + int64(i*7919%100_000_000))
			writes = append(writes, rules.Write{Number: n, After: &rules.Subscriber{Number: n, CLIR: rules.CLIRPermanent}, Match: rules.Whatever()})
		}
		if _, err := s.Write(context.Background(), writes, by); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		fill(b, open(b, server.Database(b)).Rules())
	}
	b.ReportMetric(float64(*subscribers)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// Start-up: every rule from the server into force.
func BenchmarkLoad(b *testing.B) {
	s := open(b, server.Database(b)).Rules()
	fill(b, s)
	table := new(rules.Table)
	service := rules.NewService(s, table)
	for b.Loop() {
		if err := service.Load(context.Background()); err != nil || table.Snapshot().Len() != *subscribers {
			b.Fatalf("%d loaded: %v", table.Snapshot().Len(), err)
		}
	}
	b.ReportMetric(float64(*subscribers)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
}
