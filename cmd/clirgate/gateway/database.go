package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"clirgate/admin/token"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/store/sqlite"
)

// database is the rules and tokens in SQLite, opened when first needed and tried again
// when that failed: calls do not wait for it.
type database struct {
	dir string

	mu     sync.Mutex
	db     *sqlite.DB
	closed bool
}

var errDatabaseClosed = errors.New("database closed")

func (d *database) open(ctx context.Context) (*sqlite.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errDatabaseClosed
	}
	if d.db == nil {
		db, err := sqlite.Open(ctx, d.dir)
		if err != nil {
			return nil, err
		}
		d.db = db
	}
	return d.db, nil
}

// Close closes the database if it was opened.
func (d *database) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.db == nil {
		return nil
	}
	return d.db.Close()
}

// Rules and Tokens are the stores kept in it.
func (d *database) Rules() rules.Store  { return ruleStore{d} }
func (d *database) Tokens() token.Store { return tokenStore{d} }

type ruleStore struct{ d *database }

func (s ruleStore) store(ctx context.Context) (rules.Store, error) {
	db, err := s.d.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", rules.ErrUnavailable, err)
	}
	return db.Rules(), nil
}

func (s ruleStore) Get(ctx context.Context, n numbering.Number) (rules.Subscriber, uint64, error) {
	st, err := s.store(ctx)
	if err != nil {
		return rules.Subscriber{}, 0, err
	}
	return st.Get(ctx, n)
}

func (s ruleStore) Put(ctx context.Context, sub rules.Subscriber, m rules.Match, by rules.By) (uint64, error) {
	st, err := s.store(ctx)
	if err != nil {
		return 0, err
	}
	return st.Put(ctx, sub, m, by)
}

func (s ruleStore) Delete(ctx context.Context, n numbering.Number, m rules.Match, by rules.By) (uint64, error) {
	st, err := s.store(ctx)
	if err != nil {
		return 0, err
	}
	return st.Delete(ctx, n, m, by)
}

func (s ruleStore) All(ctx context.Context, each func(rules.Subscriber)) (uint64, error) {
	st, err := s.store(ctx)
	if err != nil {
		return 0, err
	}
	return st.All(ctx, each)
}

func (s ruleStore) Changes(ctx context.Context, after uint64, limit int) ([]rules.Change, error) {
	st, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return st.Changes(ctx, after, limit)
}

func (s ruleStore) List(ctx context.Context, after numbering.Number, limit int) ([]rules.Versioned, error) {
	st, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return st.List(ctx, after, limit)
}

func (s ruleStore) Write(ctx context.Context, writes []rules.Write, by rules.By) (rules.Written, error) {
	st, err := s.store(ctx)
	if err != nil {
		return rules.Written{}, err
	}
	return st.Write(ctx, writes, by)
}

func (s ruleStore) Due(ctx context.Context, now time.Time, limit int) ([]rules.Versioned, error) {
	st, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return st.Due(ctx, now, limit)
}

func (s ruleStore) Revision(ctx context.Context) (uint64, error) {
	st, err := s.store(ctx)
	if err != nil {
		return 0, err
	}
	return st.Revision(ctx)
}

func (s ruleStore) History(ctx context.Context, q rules.Query) ([]rules.Change, error) {
	st, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return st.History(ctx, q)
}

type tokenStore struct{ d *database }

func (s tokenStore) store(ctx context.Context) (token.Store, error) {
	db, err := s.d.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", token.ErrUnavailable, err)
	}
	return db.Tokens(), nil
}

func (s tokenStore) AddToken(ctx context.Context, r token.Record) error {
	st, err := s.store(ctx)
	if err != nil {
		return err
	}
	return st.AddToken(ctx, r)
}

func (s tokenStore) TokenByHash(ctx context.Context, h token.Hash) (token.Record, error) {
	st, err := s.store(ctx)
	if err != nil {
		return token.Record{}, err
	}
	return st.TokenByHash(ctx, h)
}

func (s tokenStore) Tokens(ctx context.Context) ([]token.Record, error) {
	st, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return st.Tokens(ctx)
}

func (s tokenStore) RevokeToken(ctx context.Context, id string, at time.Time) error {
	st, err := s.store(ctx)
	if err != nil {
		return err
	}
	return st.RevokeToken(ctx, id, at)
}
