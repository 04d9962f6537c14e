// Package postgres keeps rules, tokens and the audit log in PostgreSQL, shared by
// several gateways. Beyond plain SQL it uses only LISTEN and NOTIFY, and works
// without them where the server has none.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// DB is an open database, safe for concurrent use. It outlives the server: when
// that is away calls fail with the sentinels of their packages, and work again
// when it is back.
type DB struct {
	url     string
	pool    *pgxpool.Pool
	ships   *pgxpool.Pool // of what is shipped: searches must not keep it waiting
	notices bool          // the server knows NOTIFY
}

const (
	maxConns       = 8
	maxShips       = 2
	connectTimeout = 5 * time.Second
)

// Open connects to postgres://user@host1,host2/db and brings the schema up to
// date. Of several hosts the one that takes writes is used.
func Open(ctx context.Context, url string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("store address: %w", err)
	}
	config.MaxConns = maxConns
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if len(config.ConnConfig.Fallbacks) > 0 && config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	// A search of a month has a branch for each partition. Compiling those takes seconds,
	// running them milliseconds. A server that knows no such setting needs none.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, _ = conn.Exec(ctx, "SET jit = off")
		return nil
	}
	db := &DB{url: url}
	if db.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	ships := config.Copy()
	ships.MaxConns = maxShips
	if db.ships, err = pgxpool.NewWithConfig(ctx, ships); err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := db.prepare(ctx); err != nil {
		_ = db.Close() // nothing was done
		return nil, fmt.Errorf("store: %w", err)
	}
	return db, nil
}

func (db *DB) prepare(ctx context.Context) error {
	if err := db.migrate(ctx); err != nil {
		return err
	}
	return db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'pg_notify')").Scan(&db.notices)
}

// Close closes the database; everything answered is on disk already.
func (db *DB) Close() error {
	db.ships.Close()
	db.pool.Close()
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

// migrate lets one node at a time change the schema.
func (db *DB) migrate(ctx context.Context) (err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	std := stdlib.OpenDBFromPool(db.pool)
	defer func() { err = errors.Join(err, std.Close()) }()
	p, err := goose.NewProvider(goose.DialectPostgres, std, files, goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return fmt.Errorf("schema version %d is newer than this program's %d: use the newer clirgate", have, want)
	}
	return nil
}

// change runs f in one transaction that holds the row of heads: all changes come
// one after the other, in the order of what they are numbered with. What f
// answers is answered as it is; an error of the database is wrapped in
// unavailable.
func (db *DB) change(ctx context.Context, unavailable error, f func(pgx.Tx, heads) error) error {
	var own error
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		h, err := lockHeads(ctx, tx)
		if err != nil {
			return err
		}
		own = f(tx, h)
		return own
	})
	if own != nil {
		return own
	}
	return wrap(unavailable, err)
}

func wrap(unavailable, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", unavailable, err)
}

func unix(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	s := t.Unix()
	return &s
}
