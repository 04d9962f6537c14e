package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/cmd/clirgate/gateway"
	"clirgate/numbering"
	"clirgate/store/pebble"
	"clirgate/trace"
)

// A database that is damaged is set aside with an alarm, calls go on with a new one, and
// what can be read of the old one is taken over while they do: sealed, filed, found.
func TestDamagedRecordsAreSalvaged(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	g, _ := start(t, literal, dir)
	const before = 40
	for range before {
		ask(t, g, "MESSAGE", message)
	}
	within(t, "all are kept", func() bool { all, _, _ := kept(g); return all == before })
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cfg := parse(t, literal, dir)
	if err := gateway.VerifyRecords(t.Context(), &out, cfg, filepath.Join(data, gateway.RecordsFolder), func(pebble.Looked) {}); err != nil ||
		!strings.Contains(out.String(), fmt.Sprintf("identities of %d records open, of 0 not", before)) {
		t.Errorf("%v\n%s", err, &out)
	}
	out.Reset()
	ctx, interrupt := context.WithCancel(t.Context())
	err := gateway.VerifyRecords(ctx, &out, cfg, filepath.Join(data, gateway.RecordsFolder), func(pebble.Looked) { interrupt() })
	if err == nil || !strings.Contains(out.String(), "verdict: none, it was interrupted") {
		t.Errorf("interrupted: %v\n%s", err, &out)
	}
	damage(t, filepath.Join(data, gateway.RecordsFolder))

	g, log := start(t, literal, dir)
	ask(t, g, "MESSAGE", message)
	within(t, "the next call is kept", func() bool { all, _, _ := kept(g); return all == 1 })
	if !strings.Contains(log.String(), "damaged database moved to") {
		t.Error("no alarm")
	}
	out.Reset()
	if err := gateway.Salvage(t.Context(), &out, cfg); err != nil || !strings.Contains(out.String(), "records.damaged-") {
		t.Fatalf("%v\n%s", err, &out)
	}
	ask(t, g, "MESSAGE", message)
	within(t, "both are there", func() bool { all, readable, err := kept(g); return all == before+2 && readable == all && err == nil })
	found := 0
	n := numbering.New(numbering.International, []byte("31612345678"))
	q := trace.Query{Caller: n, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Basis: trace.BasisNuisance}
	if err := g.Records().Search(t.Context(), q, func(*trace.Record) bool { found++; return true }); err != nil || found != before+2 {
		t.Errorf("%d found, %v", found, err)
	}
	if err := gateway.VerifyRecords(t.Context(), &out, cfg, filepath.Join(data, gateway.RecordsFolder), func(pebble.Looked) {}); err == nil {
		t.Error("verified beside a running gateway")
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := gateway.VerifyRecords(t.Context(), &out, cfg, filepath.Join(data, gateway.RecordsFolder), func(pebble.Looked) {}); err != nil || !strings.HasSuffix(out.String(), "\nverdict: whole\n") {
		t.Errorf("%v\n%s", err, &out)
	}
	aside, _ := filepath.Glob(filepath.Join(data, "records.salvaged-*"))
	if len(aside) != 1 {
		t.Fatalf("set aside: %v", aside)
	}
	out.Reset()
	if err := gateway.Salvage(t.Context(), &out, cfg); err != nil || !strings.Contains(out.String(), "no damaged database") {
		t.Errorf("a second time, without a gateway: %v\n%s", err, &out)
	}

	// What was set aside goes when everything in it has expired.
	old := filepath.Join(data, "records.salvaged-20200229T120000Z")
	if err := os.Rename(aside[0], old); err != nil {
		t.Fatal(err)
	}
	start(t, literal, dir)
	within(t, "the expired database is removed", func() bool { _, err := os.Stat(old); return os.IsNotExist(err) })
}

// damage cuts the place where the list of a database's files is: nothing opens it.
func damage(t *testing.T, dir string) {
	t.Helper()
	manifests, _ := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
	for _, path := range manifests {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] ^= 0x55
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
