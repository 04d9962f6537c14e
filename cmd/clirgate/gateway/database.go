package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"

	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/cmd/clirgate/config"
	"clirgate/rules"
	"clirgate/store/postgres"
	"clirgate/store/sqlite"
)

// Store keeps rules with their history, tokens, the audit log and cases: SQLite in the data
// directory, or PostgreSQL for several gateways.
type Store interface {
	Rules() rules.Store
	Tokens() token.Store
	Audit() audit.Log
	Cases() casework.Store
	Bills() bills.Store
	io.Closer
}

// OpenStore opens the store that a configuration names.
func OpenStore(ctx context.Context, cfg *config.Config) (Store, error) {
	if cfg.Shared() {
		return postgres.Open(ctx, cfg.Store)
	}
	return sqlite.Open(ctx, cfg.Data)
}

// database is the node's own SQLite file, and the store, which is either that or a shared
// one. They are opened when first needed: calls do not wait for them.
type database struct {
	local  opener[*sqlite.DB]
	shared *opener[*postgres.DB] // nil: the store is local
	tokens knownTokens
}

func newDatabase(cfg *config.Config) *database {
	d := &database{local: opener[*sqlite.DB]{open: func(ctx context.Context) (*sqlite.DB, error) {
		return sqlite.Open(ctx, cfg.Data)
	}}}
	if cfg.Shared() {
		d.shared = &opener[*postgres.DB]{open: func(ctx context.Context) (*postgres.DB, error) {
			return postgres.Open(ctx, cfg.Store)
		}}
	}
	return d
}

// store is where rules, tokens and the audit log are.
func (d *database) store(ctx context.Context) (Store, error) {
	if d.shared == nil {
		db, err := d.local.get(ctx)
		if err != nil {
			return nil, err // no interface around a nil pointer
		}
		return db, nil
	}
	db, err := d.shared.get(ctx)
	if err != nil {
		return nil, err
	}
	return db, nil
}

// answers tells whether a shared store can be opened, without waiting long; of a local
// one its use tells.
func (d *database) answers(ctx context.Context) error {
	if d.shared == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := d.shared.get(ctx)
	return err
}

// Close closes what was opened.
func (d *database) Close() error {
	err := d.local.Close()
	if d.shared != nil {
		err = errors.Join(d.shared.Close(), err)
	}
	return err
}

// with opens the store and asks it something; that it cannot be opened is what the asker
// calls unavailable.
func with[T any](ctx context.Context, d *database, unavailable error, ask func(Store) (T, error)) (answer T, err error) {
	s, err := d.store(ctx)
	if err != nil {
		return answer, fmt.Errorf("%w: %w", unavailable, err)
	}
	return ask(s)
}
