package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
)

// Cases and Bills are the stores of cases and of the shielding list, opened when they are
// needed. With a shared store the keys go before what they seal, and other nodes' keys
// are fetched before what those sealed is read.
func (g *Gateway) Cases() casework.Store { return caseStore{g} }

// Bills is the store of the shielding list.
func (g *Gateway) Bills() bills.Store { return billStore{g} }

var errNoSharedKeys = errors.New("the keys that all nodes use are not there yet")

// shareKeys has this node's keys and the others' exchanged.
func (g *Gateway) shareKeys(ctx context.Context) error {
	if g.shipping == nil {
		return nil
	}
	if !g.shipping.keys.claimed.Load() {
		return errNoSharedKeys
	}
	return g.shipping.keys.Sync(ctx)
}

type caseStore struct{ g *Gateway }

func askCases[T any](ctx context.Context, s caseStore, ask func(casework.Store) (T, error)) (answer T, err error) {
	if err := s.g.shareKeys(ctx); err != nil {
		return answer, fmt.Errorf("%w: %w", casework.ErrUnavailable, err)
	}
	return with(ctx, s.g.database, casework.ErrUnavailable, func(st Store) (T, error) { return ask(st.Cases()) })
}

func (s caseStore) Save(ctx context.Context, c casework.Change) error {
	_, err := askCases(ctx, s, func(st casework.Store) (struct{}, error) { return struct{}{}, st.Save(ctx, c) })
	return err
}

func (s caseStore) Get(ctx context.Context, kind casework.Kind, id string) (casework.Row, error) {
	return askCases(ctx, s, func(st casework.Store) (casework.Row, error) { return st.Get(ctx, kind, id) })
}

func (s caseStore) List(ctx context.Context, f casework.Filter, each func(casework.Row) bool) error {
	_, err := askCases(ctx, s, func(st casework.Store) (struct{}, error) { return struct{}{}, st.List(ctx, f, each) })
	return err
}

func (s caseStore) Document(ctx context.Context, owner string, n int) (casework.Document, error) {
	return askCases(ctx, s, func(st casework.Store) (casework.Document, error) { return st.Document(ctx, owner, n) })
}

func (s caseStore) Documents(ctx context.Context, owner string) ([]casework.Document, error) {
	return askCases(ctx, s, func(st casework.Store) ([]casework.Document, error) { return st.Documents(ctx, owner) })
}

func (s caseStore) Expired(ctx context.Context, now time.Time) ([]string, error) {
	return askCases(ctx, s, func(st casework.Store) ([]string, error) { return st.Expired(ctx, now) })
}

func (s caseStore) Delete(ctx context.Context, ids []string, tell []audit.Entry) error {
	_, err := askCases(ctx, s, func(st casework.Store) (struct{}, error) { return struct{}{}, st.Delete(ctx, ids, tell) })
	return err
}

type billStore struct{ g *Gateway }

func askBills[T any](ctx context.Context, s billStore, ask func(bills.Store) (T, error)) (answer T, err error) {
	if err := s.g.shareKeys(ctx); err != nil {
		return answer, fmt.Errorf("%w: %w", bills.ErrUnavailable, err)
	}
	return with(ctx, s.g.database, bills.ErrUnavailable, func(st Store) (T, error) { return ask(st.Bills()) })
}

func (s billStore) Save(ctx context.Context, c bills.Change) error {
	_, err := askBills(ctx, s, func(st bills.Store) (struct{}, error) { return struct{}{}, st.Save(ctx, c) })
	return err
}

func (s billStore) All(ctx context.Context, each func(bills.Row) bool) error {
	_, err := askBills(ctx, s, func(st bills.Store) (struct{}, error) { return struct{}{}, st.All(ctx, each) })
	return err
}

func (s billStore) Find(ctx context.Context, number [16]byte) (r bills.Row, ok bool, err error) {
	r, err = askBills(ctx, s, func(st bills.Store) (found bills.Row, err error) {
		found, ok, err = st.Find(ctx, number)
		return found, err
	})
	return r, ok, err
}
