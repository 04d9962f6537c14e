package token

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNew(t *testing.T) {
	plain, r := New(NOC, "alice", time.Time{})
	other, o := New(NOC, "alice", time.Time{})
	if plain == other || r.ID == o.ID || r.Hash.Equal(o.Hash) {
		t.Error("two tokens are the same")
	}
	if len(plain) < len(prefix)+43 || !strings.HasPrefix(plain, prefix) || !HashOf([]byte(plain)).Equal(r.Hash) {
		t.Errorf("token of %d bytes", len(plain))
	}
	if r.Check() != nil || r.Actor() != "noc:alice" || !r.Expires.IsZero() || strings.Contains(r.ID, plain) {
		t.Errorf("%+v", r)
	}
}

func TestCheck(t *testing.T) {
	for _, r := range []Record{{Role: "root", Name: "a"}, {Role: NOC}, {Role: NOC, Name: "a b"}, {Role: NOC, Name: "a\n"}, {Role: NOC, Name: strings.Repeat("a", 65)}} {
		if r.Check() == nil {
			t.Errorf("%+v taken", r)
		}
	}
	for _, role := range Roles() {
		if back, err := ParseRole(string(role)); err != nil || back != role {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestValid(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		r    Record
		want error
	}{
		{Record{}, nil},
		{Record{Expires: now.Add(time.Second)}, nil},
		{Record{Expires: now}, ErrExpired},
		{Record{Revoked: now, Expires: now}, ErrRevoked},
		{Record{Revoked: now.Add(time.Hour)}, nil},
	} {
		if got := c.r.Valid(now); !errors.Is(got, c.want) {
			t.Errorf("%+v: %v", c.r, got)
		}
	}
}
