package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clirgate/rules"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// CopyName is the name of the rules' copy in the data directory. It is a file of its
// own: it may be lost, and what is written to it holds nobody up.
const CopyName = "rules-copy.db"

// Copy is the copy of a shared store's rules, a rules.CopyStore.
type Copy struct{ db *DB }

// OpenCopy opens the copy in a directory. One that is damaged is begun anew.
func OpenCopy(ctx context.Context, dir string) (*Copy, error) {
	c, err := openCopy(ctx, dir)
	var damaged *sqlite.Error
	if errors.As(err, &damaged) && (damaged.Code()&0xff == sqlite3.SQLITE_NOTADB || damaged.Code()&0xff == sqlite3.SQLITE_CORRUPT) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(filepath.Join(dir, CopyName+suffix)) // what stays shows in the next attempt
		}
		c, err = openCopy(ctx, dir)
	}
	return c, err
}

func openCopy(ctx context.Context, dir string) (*Copy, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	db := &DB{path: filepath.Join(dir, CopyName)}
	if err := private(db.path); err != nil {
		return nil, fmt.Errorf("rules' copy: %w", err)
	}
	var err error
	if db.writer, err = sql.Open("sqlite", db.source("journal_mode(WAL)", "synchronous(NORMAL)")); err != nil {
		return nil, fmt.Errorf("rules' copy: %w", err)
	}
	db.writer.SetMaxOpenConns(1)
	_, err = db.writer.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS pieces (id INTEGER PRIMARY KEY, piece BLOB NOT NULL);
		CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, pieces INTEGER NOT NULL, saved INTEGER NOT NULL)`)
	if err != nil {
		return nil, errors.Join(db.explain(err), db.Close())
	}
	return &Copy{db}, nil
}

// Close closes the file.
func (c *Copy) Close() error { return c.db.Close() }

// Save implements rules.CopyStore.
func (c *Copy) Save(ctx context.Context, head rules.CopyHead, whole bool, pieces func(yield func(id int, piece []byte) bool)) error {
	return c.db.write(ctx, rules.ErrUnavailable, func(tx *sql.Tx) (err error) {
		if whole {
			if _, err = tx.ExecContext(ctx, "DELETE FROM pieces"); err != nil {
				return c.db.explain(err)
			}
		}
		put, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO pieces (id, piece) VALUES (?, ?)")
		if err != nil {
			return c.db.explain(err)
		}
		defer put.Close() // with the transaction
		for id, piece := range pieces {
			if _, err = put.ExecContext(ctx, id, piece); err != nil {
				return c.db.explain(err)
			}
		}
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO head (one, revision, pieces, saved) VALUES (1, ?, ?, ?)",
			int64(head.Revision), head.Pieces, head.Saved.UnixMilli())
		return err
	})
}

// Load implements rules.CopyStore.
func (c *Copy) Load(ctx context.Context, each func(piece []byte) error) (head rules.CopyHead, err error) {
	var ms int64
	err = c.db.writer.QueryRowContext(ctx, "SELECT revision, pieces, saved FROM head").Scan(&head.Revision, &head.Pieces, &ms)
	if errors.Is(err, sql.ErrNoRows) {
		return head, rules.ErrNotFound
	}
	if err != nil {
		return head, c.db.explain(err)
	}
	head.Saved = time.UnixMilli(ms).UTC()
	rows, err := c.db.writer.QueryContext(ctx, "SELECT piece FROM pieces")
	if err != nil {
		return head, c.db.explain(err)
	}
	defer rows.Close() // rows.Err tells what went wrong
	var piece sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&piece); err != nil {
			return head, c.db.explain(err)
		}
		if err := each(piece); err != nil {
			return head, err
		}
	}
	return head, rows.Err()
}
