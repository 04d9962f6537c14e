package postgres

import (
	"context"
	"os"
	"strings"
	"testing"

	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/rules"
	"clirgate/store/postgres/pgtest"
	"clirgate/store/storetest"
	"go.uber.org/goleak"
)

var server *pgtest.Server

func TestMain(m *testing.M) {
	code := pgtest.Main(m, func(s *pgtest.Server) { server = s })
	if err := goleak.Find(); code == 0 && err != nil {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

func open(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func backend[S any](of func(*DB) S, db func(S) *DB) storetest.Backend[S] {
	return storetest.Backend[S]{
		Open: func(t *testing.T) S { return of(open(t, server.Database(t))) },
		Reopen: func(t *testing.T, s S) S {
			if err := db(s).Close(); err != nil {
				t.Fatal(err)
			}
			return of(open(t, db(s).url))
		},
		Break: func(t *testing.T, s S) { _ = db(s).Close() },
	}
}

func ofRules(s rules.Store) *DB { return s.(rulesStore).DB }

func TestRules(t *testing.T) { storetest.Rules(t, backend((*DB).Rules, ofRules)) }

func TestTokens(t *testing.T) {
	storetest.Tokens(t, backend((*DB).Tokens, func(s token.Store) *DB { return s.(tokenStore).DB }))
}

func TestChanges(t *testing.T) {
	storetest.Changes(t, backend((*DB).Rules, ofRules), func(s rules.Store) audit.Log { return ofRules(s).Audit() })
}

func TestAudit(t *testing.T) {
	of := func(l audit.Log) *DB { return l.(auditLog).DB }
	storetest.Audit(t, backend((*DB).Audit, of), func(t *testing.T, l audit.Log, statement string) {
		if _, err := of(l).pool.Exec(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	url := server.Database(t)
	if _, err := Open(ctx, "postgres://%zz"); err == nil {
		t.Error("no address, and yet opened")
	}
	if _, err := Open(ctx, strings.Replace(url, "/t", "/nobody_t", 1)); err == nil || !strings.Contains(err.Error(), "nobody_t") {
		t.Errorf("no such database: %v", err)
	}
	db := open(t, url)
	if _, err := db.pool.Exec(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, url); err == nil || !strings.Contains(err.Error(), "use the newer clirgate") {
		t.Errorf("newer schema: %v", err)
	}
}

// Several nodes that start at once make the schema once.
func TestOpenedAtOnce(t *testing.T) {
	url := server.Database(t)
	errs := make(chan error)
	const nodes = 4
	for range nodes {
		go func() {
			db, err := Open(context.Background(), url)
			if err == nil {
				err = db.Close()
			}
			errs <- err
		}()
	}
	for range nodes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
