package postgres

import (
	"context"
	"errors"

	"clirgate/trace/keyring"
	"github.com/jackc/pgx/v5"
)

// ErrKeys: the shelf of keys cannot be reached or does not answer. Wrapped around the
// cause.
var ErrKeys = errors.New("keys: shared store unavailable")

// Keys is the database as a shelf of keys.
func (db *DB) Keys() keyring.Shelf { return keyShelf{db} }

type keyShelf struct{ *DB }

func (s keyShelf) After(ctx context.Context, serial uint64) (list []keyring.Shared, now uint64, err error) {
	if err := s.pool.QueryRow(ctx, "SELECT serial FROM shared_keys_head").Scan(&now); err != nil || now == serial {
		return nil, now, wrap(ErrKeys, err)
	}
	rows, err := s.pool.Query(ctx, "SELECT name, id, master, claimed, sealed FROM shared_keys WHERE serial > $1 AND serial <= $2 ORDER BY serial, name, id", serial, now)
	if err != nil {
		return nil, serial, wrap(ErrKeys, err)
	}
	list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (keyring.Shared, error) { return scanKey(row) })
	return list, now, wrap(ErrKeys, err)
}

func scanKey(row pgx.Row) (k keyring.Shared, err error) {
	var id []byte
	err = row.Scan(&k.Name, &id, &k.Master, &k.Claimed, &k.Sealed)
	copy(k.ID[:], id)
	return k, err
}

// changeKeys runs f in a transaction with the next serial number.
func (s keyShelf) changeKeys(ctx context.Context, f func(tx pgx.Tx, serial uint64) error) error {
	return wrap(ErrKeys, pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var serial uint64
		if err := tx.QueryRow(ctx, "UPDATE shared_keys_head SET serial = serial + 1 RETURNING serial").Scan(&serial); err != nil {
			return err
		}
		return f(tx, serial)
	}))
}

const addKey = "INSERT INTO shared_keys (name, id, serial, master, claimed, sealed) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name, id) DO "

func (s keyShelf) Put(ctx context.Context, list []keyring.Shared, replace bool) error {
	query := addKey + "NOTHING"
	if replace {
		query = addKey + "UPDATE SET serial = EXCLUDED.serial, master = EXCLUDED.master, sealed = EXCLUDED.sealed WHERE shared_keys.sealed IS NOT NULL"
	}
	return s.changeKeys(ctx, func(tx pgx.Tx, serial uint64) error {
		var b pgx.Batch
		for _, k := range list {
			b.Queue(query, k.Name, k.ID[:], serial, k.Master, false, k.Sealed)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
}

func (s keyShelf) Claim(ctx context.Context, k keyring.Shared) (claimed keyring.Shared, err error) {
	err = s.changeKeys(ctx, func(tx pgx.Tx, serial uint64) error {
		claimed, err = scanKey(tx.QueryRow(ctx, "SELECT name, id, master, claimed, sealed FROM shared_keys WHERE name = $1 AND claimed", k.Name))
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		claimed = k
		claimed.Claimed = true
		_, err := tx.Exec(ctx, addKey+"UPDATE SET serial = EXCLUDED.serial, claimed = true", k.Name, k.ID[:], serial, k.Master, true, k.Sealed)
		return err
	})
	return claimed, err
}

func (s keyShelf) Destroy(ctx context.Context, names []string) error {
	return s.changeKeys(ctx, func(tx pgx.Tx, serial uint64) error {
		_, err := tx.Exec(ctx, "UPDATE shared_keys SET sealed = NULL, serial = $1 WHERE name = ANY ($2::text[]) AND sealed IS NOT NULL", serial, names)
		return err
	})
}
