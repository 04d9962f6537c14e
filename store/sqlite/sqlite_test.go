package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/rules"
	"clirgate/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func backend[S any](of func(*DB) S, db func(S) *DB) storetest.Backend[S] {
	return storetest.Backend[S]{
		Open: func(t *testing.T) S { return of(open(t, filepath.Join(t.TempDir(), "data"))) },
		Reopen: func(t *testing.T, s S) S {
			if err := db(s).Close(); err != nil {
				t.Fatal(err)
			}
			return of(open(t, filepath.Dir(db(s).path)))
		},
		Break: func(t *testing.T, s S) {
			if err := db(s).Close(); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestRules(t *testing.T) {
	storetest.Rules(t, backend((*DB).Rules, func(s rules.Store) *DB { return s.(rulesStore).DB }))
}

func TestTokens(t *testing.T) {
	storetest.Tokens(t, backend((*DB).Tokens, func(s token.Store) *DB { return s.(tokenStore).DB }))
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data dir?#%")
	db := open(t, dir)
	if _, err := db.Rules().Put(context.Background(), rules.Subscriber{Number: rules.KeyNumber(31612345678)}, rules.Unsaid(), rules.By{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 { // the database, its log, its shared memory
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestRelativeDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	open(t, "data %41")
	if _, err := os.Stat(filepath.Join("data %41", FileName)); err != nil {
		t.Error(err)
	}
}

// What is promised of durability rests on these.
func TestPragmas(t *testing.T) {
	db := open(t, t.TempDir())
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := db.writer.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", pragma, got, want, err)
		}
	}
	if _, err := db.reader.Exec("DELETE FROM subscribers"); err == nil {
		t.Error("a reader writes")
	}
	rows, err := db.reader.Query("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name IN ('subscribers', 'changes', 'tokens', 'audit', 'audit_head')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	strict := 0
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(text, "STRICT") {
			strict++
		}
	}
	if err := rows.Err(); err != nil || strict != 5 {
		t.Errorf("%d of 5 tables are STRICT (%v)", strict, err)
	}
}

func TestTwoProcesses(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	a, b := open(t, dir), open(t, dir)
	_, r := token.New(token.NOC, "alice", time.Time{})
	if err := b.Tokens().AddToken(ctx, r); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Tokens().TokenByHash(ctx, r.Hash); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	f := func(name, want string, prepare func(t *testing.T, dir string)) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			prepare(t, dir)
			db, err := Open(ctx, dir)
			if err == nil {
				_ = db.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v: does not say %q", err, want)
			}
		})
	}
	write := func(t *testing.T, dir string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, FileName), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f("no database", "is damaged, or no SQLite database", func(t *testing.T, dir string) {
		write(t, dir, bytes.Repeat([]byte("no database "), 1000))
	})
	f("damaged schema", "is damaged", func(t *testing.T, dir string) {
		damage(t, dir, 0)
	})
	f("a directory in its place", "is a directory", func(t *testing.T, dir string) {
		if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
			t.Fatal(err)
		}
	})
	f("newer schema", "use the newer clirgate", func(t *testing.T, dir string) {
		db := open(t, dir)
		if _, err := db.writer.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Damage further inside is met when the rules are read.
func TestDamagedPagesAreReported(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	db := open(t, dir)
	for i := range 200 {
		if _, err := db.Rules().Put(ctx, rules.Subscriber{Number: rules.KeyNumber(31612340000 + int64(i)), Note: strings.Repeat("n", 400)}, rules.Unsaid(), rules.By{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, dir, 40)
	_, err := open(t, dir).Rules().All(ctx, func(rules.Subscriber) {})
	if !errors.Is(err, rules.ErrUnavailable) || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("%v", err)
	}
}

// damage overwrites the pages of a database from one on, the header apart.
func damage(t *testing.T, dir string, page int) {
	t.Helper()
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err != nil {
		if err := open(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const pageSize = 4096
	if len(data) <= page*pageSize {
		t.Fatalf("%d bytes, no page %d", len(data), page)
	}
	for i := max(page*pageSize, 100); i < len(data); i++ {
		data[i] = 0xa5
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	storetest.Changes(t, backend((*DB).Rules, func(s rules.Store) *DB { return s.(rulesStore).DB }),
		func(s rules.Store) audit.Log { return s.(rulesStore).Audit() })
}

func TestAudit(t *testing.T) {
	of := func(l audit.Log) *DB { return l.(auditLog).DB }
	storetest.Audit(t, backend((*DB).Audit, of), func(t *testing.T, l audit.Log, statement string) {
		if _, err := of(l).writer.Exec(statement); err != nil {
			t.Fatal(err)
		}
	})
}
