// Package sqlite keeps rules and tokens in one SQLite file: the embedded
// default store. A change that was answered is on disk (synchronous=FULL).
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FileName is the database's name in the data directory.
const FileName = "clirgate.db"

// DB is an open database. It is safe for concurrent use, also by other
// processes (the token command beside a running gateway).
type DB struct {
	path   string
	writer *sql.DB // one connection: SQLite has one writer
	reader *sql.DB
}

// readers bounds the connections that read.
const readers = 4

// writerCache lets the pages that a batch of an import changes stay in memory until it is
// committed (64 MiB; only what is used is taken). With SQLite's 2 MB they were written, and
// read again, several times.
const writerCache = "cache_size(-65536)"

// Open opens the database in a directory, makes both when they are not there
// (directory 0700, file 0600), and brings the schema up to date.
func Open(ctx context.Context, dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	db := &DB{path: filepath.Join(dir, FileName)}
	if err := private(db.path); err != nil {
		return nil, fmt.Errorf("database file: %w", err)
	}
	var err error
	if db.writer, err = sql.Open("sqlite", db.source("foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", writerCache)); err != nil {
		return nil, fmt.Errorf("database %s: %w", db.path, err)
	}
	db.writer.SetMaxOpenConns(1)
	if db.reader, err = sql.Open("sqlite", db.source("query_only(1)")); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", db.path, err), db.Close())
	}
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetMaxIdleConns(readers)
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(db.explain(err), db.Close())
	}
	return db, nil
}

// Close closes the database; everything answered is on disk already.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// private makes the file for its owner only, before SQLite would make it by the
// process's umask; the write-ahead log takes its mode from it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// busyTimeout bounds the wait for another process's transaction, in ms.
const busyTimeout = 5000

// source is the data source name. busy_timeout comes first, so that the other
// pragmas wait as well; _txlock makes every transaction BEGIN IMMEDIATE, so that
// one that writes never fails halfway for want of the lock.
func (db *DB) source(pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeout)}}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: db.path, OmitHost: true, RawQuery: q.Encode()}
	if !filepath.IsAbs(db.path) {
		u.Path, u.Opaque = "", (&url.URL{Path: db.path}).EscapedPath()
	}
	return u.String()
}

//go:embed migrations/*.sql
var migrations embed.FS

func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db.writer, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return fmt.Errorf("schema version %d is newer than this program's %d: use the newer clirgate", have, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

// explain says what an error of the database means for whoever runs it.
func (db *DB) explain(err error) error {
	mend := ""
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			mend = "is damaged, or no SQLite database: move it away, or put a backup in its place"
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
			mend = "cannot be opened for writing: check owner and mode of file and directory"
		case sqlite3.SQLITE_FULL:
			mend = "cannot grow: the disk is full"
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			mend = "is locked by another process"
		case sqlite3.SQLITE_IOERR:
			mend = "cannot be read or written: check the disk"
		}
	}
	if mend == "" {
		return fmt.Errorf("database %s: %w", db.path, err)
	}
	return fmt.Errorf("database %s %s: %w", db.path, mend, err)
}

// write runs f in one transaction. What f answers is answered as it is; an
// error of the database is explained and wrapped in unavailable.
func (db *DB) write(ctx context.Context, unavailable error, f func(*sql.Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return db.unavailable(unavailable, err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // fails only when the connection is gone, and with it the transaction
		return err
	}
	if err := tx.Commit(); err != nil {
		return db.unavailable(unavailable, err)
	}
	return nil
}

func (db *DB) unavailable(sentinel, err error) error {
	return fmt.Errorf("%w: %w", sentinel, db.explain(err))
}
