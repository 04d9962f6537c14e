package gateway

import (
	"context"
	"fmt"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Rules is the rules in the store.
func (d *database) Rules() rules.Store { return ruleStore{d} }

// ruleStore is a rules.Store that is opened when it is needed.
type ruleStore struct{ d *database }

func askRules[T any](ctx context.Context, s ruleStore, ask func(rules.Store) (T, error)) (T, error) {
	return with(ctx, s.d, rules.ErrUnavailable, func(st Store) (T, error) { return ask(st.Rules()) })
}

func (s ruleStore) Get(ctx context.Context, n numbering.Number) (sub rules.Subscriber, revision uint64, err error) {
	revision, err = askRules(ctx, s, func(st rules.Store) (at uint64, err error) {
		sub, at, err = st.Get(ctx, n)
		return at, err
	})
	return sub, revision, err
}

func (s ruleStore) List(ctx context.Context, after numbering.Number, limit int) ([]rules.Versioned, error) {
	return askRules(ctx, s, func(st rules.Store) ([]rules.Versioned, error) { return st.List(ctx, after, limit) })
}

func (s ruleStore) Put(ctx context.Context, sub rules.Subscriber, m rules.Match, by rules.By) (uint64, error) {
	return askRules(ctx, s, func(st rules.Store) (uint64, error) { return st.Put(ctx, sub, m, by) })
}

func (s ruleStore) Delete(ctx context.Context, n numbering.Number, m rules.Match, by rules.By) (uint64, error) {
	return askRules(ctx, s, func(st rules.Store) (uint64, error) { return st.Delete(ctx, n, m, by) })
}

func (s ruleStore) Write(ctx context.Context, writes []rules.Write, by rules.By) (rules.Written, error) {
	return askRules(ctx, s, func(st rules.Store) (rules.Written, error) { return st.Write(ctx, writes, by) })
}

func (s ruleStore) Would(ctx context.Context, writes []rules.Write) (rules.Written, error) {
	return askRules(ctx, s, func(st rules.Store) (rules.Written, error) { return st.Would(ctx, writes) })
}

func (s ruleStore) Due(ctx context.Context, now time.Time, limit int) ([]rules.Versioned, error) {
	return askRules(ctx, s, func(st rules.Store) ([]rules.Versioned, error) { return st.Due(ctx, now, limit) })
}

func (s ruleStore) All(ctx context.Context, each func(rules.Subscriber)) (uint64, error) {
	return askRules(ctx, s, func(st rules.Store) (uint64, error) { return st.All(ctx, each) })
}

func (s ruleStore) Revision(ctx context.Context) (uint64, error) {
	return askRules(ctx, s, func(st rules.Store) (uint64, error) { return st.Revision(ctx) })
}

func (s ruleStore) Changes(ctx context.Context, after uint64, limit int) ([]rules.Change, error) {
	return askRules(ctx, s, func(st rules.Store) ([]rules.Change, error) { return st.Changes(ctx, after, limit) })
}

func (s ruleStore) History(ctx context.Context, q rules.Query) ([]rules.Change, error) {
	return askRules(ctx, s, func(st rules.Store) ([]rules.Change, error) { return st.History(ctx, q) })
}

// Nodes is where the gateways of a shared store see each other; nil for a local one.
func (d *database) Nodes() rules.NodeStore {
	if d.shared == nil {
		return nil
	}
	return nodeStore{d}
}

// Listener tells of changes; nil where polling does.
func (d *database) Listener() rules.Listener {
	if d.shared == nil {
		return nil
	}
	return nodeStore{d}
}

type nodeStore struct{ d *database }

func (s nodeStore) Beat(ctx context.Context, node string, revision uint64) error {
	db, err := s.d.shared.get(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", rules.ErrUnavailable, err)
	}
	return db.Nodes().Beat(ctx, node, revision)
}

func (s nodeStore) Nodes(ctx context.Context) ([]rules.Node, error) {
	db, err := s.d.shared.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", rules.ErrUnavailable, err)
	}
	return db.Nodes().Nodes(ctx)
}

func (s nodeStore) Listen(ctx context.Context, told func()) error {
	db, err := s.d.shared.get(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", rules.ErrUnavailable, err)
	}
	return db.Listen(ctx, told)
}
