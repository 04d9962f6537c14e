package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"clirgate/admin/token"
	"clirgate/store/postgres"
	"clirgate/store/postgres/pgtest"
)

// A token is made in the store that the configuration names; one that is away is said so,
// without a password.
func TestTokenInSharedStore(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	file := filepath.Join(t.TempDir(), "clirgate.yaml")
	write(t, file, right+"node: gw1\nstore: "+url+"\n")
	t.Setenv("PGPASSWORD", "geheim")
	out, errs, err := run(t, "token", "create", "--config", file, "--role", "noc", "--name", "alice")
	if err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	ctx := context.Background()
	db, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	r, err := db.Tokens().TokenByHash(ctx, token.HashOf([]byte(strings.TrimSpace(out))))
	if err != nil || r.Name != "alice" || r.Role != token.NOC {
		t.Errorf("%+v, %v", r, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	out, errs, err = run(t, "token", "create", "--config", file, "--role", "noc", "--name", "bob")
	if err == nil || out != "" || !strings.Contains(errs, "connect") || strings.Contains(errs, "geheim") {
		t.Errorf("%v: %q, %q", err, out, errs)
	}
}
