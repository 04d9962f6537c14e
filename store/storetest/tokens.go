package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"clirgate/admin/token"
)

// Tokens runs the suite of token.Store.
func Tokens(t *testing.T, b Backend[token.Store]) {
	ctx := context.Background()
	add := func(t *testing.T, s token.Store, role token.Role, name string, expires time.Time) (string, token.Record) {
		t.Helper()
		plain, r := token.New(role, name, expires)
		if err := s.AddToken(ctx, r); err != nil {
			t.Fatal(err)
		}
		return plain, r
	}

	t.Run("found by the hash of what is sent", func(t *testing.T) {
		s := b.Open(t)
		plain, want := add(t, s, token.NOC, "alice", time.Now().Add(time.Hour))
		_, other := add(t, s, token.All, "scraper", time.Time{})
		if got, err := s.TokenByHash(ctx, token.HashOf([]byte(plain))); err != nil || got != want {
			t.Errorf("%+v, want %+v (%v)", got, want, err)
		}
		if got, err := s.TokenByHash(ctx, other.Hash); err != nil || got != other {
			t.Errorf("%+v, want %+v (%v)", got, other, err)
		}
		if _, err := s.TokenByHash(ctx, token.HashOf([]byte(plain+"x"))); !errors.Is(err, token.ErrNotFound) {
			t.Errorf("unknown token: %v", err)
		}
		if list, err := s.Tokens(ctx); err != nil || len(list) != 2 {
			t.Errorf("%+v (%v)", list, err)
		}
	})

	t.Run("revoked once", func(t *testing.T) {
		s := b.Open(t)
		_, r := add(t, s, token.Billing, "bob", time.Time{})
		at := time.Unix(2e9, 0).UTC()
		for range 2 {
			if err := s.RevokeToken(ctx, r.ID, at); err != nil {
				t.Fatal(err)
			}
			if got, err := s.TokenByHash(ctx, r.Hash); err != nil || !got.Revoked.Equal(time.Unix(2e9, 0)) {
				t.Errorf("%+v (%v)", got, err)
			}
			at = at.Add(time.Hour)
		}
		if err := s.RevokeToken(ctx, "nobody", at); !errors.Is(err, token.ErrNotFound) {
			t.Errorf("revoked nobody: %v", err)
		}
	})

	t.Run("refuses what is no token", func(t *testing.T) {
		s := b.Open(t)
		_, r := token.New("root", "eve", time.Time{})
		if err := s.AddToken(ctx, r); err == nil || errors.Is(err, token.ErrUnavailable) {
			t.Errorf("unknown role: %v", err)
		}
		_, r = token.New(token.NOC, "", time.Time{})
		if err := s.AddToken(ctx, r); err == nil || errors.Is(err, token.ErrUnavailable) {
			t.Errorf("no name: %v", err)
		}
		if list, err := s.Tokens(ctx); err != nil || len(list) != 0 {
			t.Errorf("%+v (%v)", list, err)
		}
	})

	t.Run("survives", func(t *testing.T) {
		s := b.Open(t)
		_, want := add(t, s, token.Supervisor, "carol", time.Time{})
		s = b.Reopen(t, s)
		if got, err := s.TokenByHash(ctx, want.Hash); err != nil || got != want {
			t.Errorf("%+v (%v)", got, err)
		}
	})

	t.Run("unreachable", func(t *testing.T) {
		s := b.Open(t)
		_, r := add(t, s, token.NOC, "alice", time.Time{})
		b.Break(t, s)
		_, byHash := s.TokenByHash(ctx, r.Hash)
		_, list := s.Tokens(ctx)
		for _, err := range []error{byHash, list, s.RevokeToken(ctx, r.ID, time.Now()), s.AddToken(ctx, r)} {
			if !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}
	})
}
