package sqlite

import (
	"context"
	"database/sql"
	"flag"
	"testing"

	"clirgate/rules"
)

var subscribers = flag.Int("subscribers", 100_000, "subscribers of the start-up benchmark")

// What a change waits for: one transaction on disk.
func BenchmarkPut(b *testing.B) {
	ctx := context.Background()
	db, err := Open(ctx, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	b.ReportAllocs()
	i := int64(0)
	for b.Loop() {
		if _, err := db.Rules().Put(ctx, rules.Subscriber{Number: rules.KeyNumber(31600000000 + i), ACR: true}, rules.Unsaid(), rules.By{Actor: "noc:bench"}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// Start-up: every rule from disk into force.
func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	db, err := Open(ctx, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.write(ctx, rules.ErrUnavailable, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
			INSERT INTO subscribers (`+columns+`) SELECT 31600000000 + i, 1, '', NULL, NULL, NULL, 1 FROM n`, *subscribers)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	table := new(rules.Table)
	service := rules.NewService(db.Rules(), table)
	for b.Loop() {
		if err := service.Load(ctx); err != nil || table.Snapshot().Len() != *subscribers {
			b.Fatalf("%d loaded: %v", table.Snapshot().Len(), err)
		}
	}
	b.ReportMetric(float64(*subscribers)*float64(b.N)/b.Elapsed().Seconds(), "rules/s")
}
