// Package token is who may use the admin API: bearer tokens, their roles, and
// where they are kept. A token is shown once, when it is made; what is kept is
// its SHA-256, which is enough because a token is 256 random bits.
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Role is what a token may do (DESIGN 6.3).
type Role string

const (
	// All may do what every role may, and nothing else: a scraper of metrics.
	All          Role = "all"
	NOC          Role = "noc"
	Investigator Role = "investigator"
	Supervisor   Role = "supervisor"
	Privacy      Role = "privacy"
	Billing      Role = "billing"
	// Admin lists and takes back tokens, and makes those of Delegable roles. It sees nothing
	// else.
	Admin Role = "admin"
)

// Roles lists them all.
func Roles() []Role {
	return []Role{All, NOC, Investigator, Supervisor, Privacy, Billing, Admin}
}

// Delegable are the roles whose tokens may be made over the API. The others see who called,
// or guard those who do: two persons must agree to a disclosure, and whoever could make a
// token of either role from afar would be both. Their tokens are made where the gateway
// runs.
func Delegable() []Role { return []Role{All, NOC, Billing} }

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	if !slices.Contains(Roles(), Role(s)) {
		names := make([]string, 0, len(Roles()))
		for _, r := range Roles() {
			names = append(names, string(r))
		}
		return "", fmt.Errorf("role %q is unknown: one of %s", s, strings.Join(names, ", "))
	}
	return Role(s), nil
}

// Hash is the SHA-256 of a token as it is sent.
type Hash [sha256.Size]byte

// HashOf hashes a token.
func HashOf(plain []byte) Hash { return sha256.Sum256(plain) }

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// Record is a token as it is kept.
type Record struct {
	ID      string // public name of the token, for lists and revocation
	Hash    Hash
	Role    Role
	Name    string // of its holder
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not revoked
}

// prefix lets secret scanners find a token that got into the wrong place.
const prefix = "clirgate_"

// Own tells whether a token can only be one of the gateway's own.
func Own(plain string) bool { return strings.HasPrefix(plain, prefix) }

// New makes a token for a holder. plain is shown once and not kept; the record
// is what a Store keeps. A zero expires never ends.
func New(role Role, name string, expires time.Time) (plain string, r Record) {
	var secret [32]byte
	var id [6]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	_, _ = rand.Read(id[:])
	plain = prefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return plain, Record{
		ID: hex.EncodeToString(id[:]), Hash: HashOf([]byte(plain)), Role: role, Name: name,
		Created: time.Now().UTC().Truncate(time.Second), Expires: expires.UTC().Truncate(time.Second),
	}
}

// maxName bounds a holder's name, in bytes.
const maxName = 64

// Check answers what is wrong with a record; stores refuse such records.
func (r *Record) Check() error {
	if _, err := ParseRole(string(r.Role)); err != nil {
		return err
	}
	bad := func(c rune) bool {
		return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("._@-", c))
	}
	if r.Name == "" || len(r.Name) > maxName || strings.ContainsFunc(r.Name, bad) {
		return fmt.Errorf("name of a token: 1 to %d letters, digits or any of . _ @ -", maxName)
	}
	return nil
}

// Actor names the holder in the history of changes: "noc:alice".
func (r *Record) Actor() string { return string(r.Role) + ":" + r.Name }

// Valid answers nil, ErrExpired or ErrRevoked.
func (r *Record) Valid(now time.Time) error {
	switch {
	case !r.Revoked.IsZero() && !now.Before(r.Revoked):
		return ErrRevoked
	case !r.Expires.IsZero() && !now.Before(r.Expires):
		return ErrExpired
	}
	return nil
}

// State is Valid in a word: valid, expired or revoked.
func (r *Record) State(now time.Time) string {
	switch err := r.Valid(now); {
	case errors.Is(err, ErrRevoked):
		return "revoked"
	case err != nil:
		return "expired"
	}
	return "valid"
}

var (
	// ErrNotFound: no such token.
	ErrNotFound = errors.New("token: not found")
	// ErrExpired: its time is over.
	ErrExpired = errors.New("token: expired")
	// ErrRevoked: it was taken back.
	ErrRevoked = errors.New("token: revoked")
	// ErrNoRole: who sent it is known, but may do nothing here.
	ErrNoRole = errors.New("token: no role")
	// ErrUnavailable: the store cannot be reached or does not answer. Wrapped
	// around the cause.
	ErrUnavailable = errors.New("token: store unavailable")
)

// Store keeps tokens. Implementations pass store/storetest.
type Store interface {
	// AddToken keeps a new token.
	AddToken(ctx context.Context, r Record) error
	// TokenByHash answers a token, also an expired or revoked one, or ErrNotFound.
	TokenByHash(ctx context.Context, h Hash) (Record, error)
	// Tokens lists all, oldest first.
	Tokens(ctx context.Context) ([]Record, error)
	// RevokeToken takes a token back at a time: ErrNotFound when there is none.
	// One that is revoked already keeps its time.
	RevokeToken(ctx context.Context, id string, at time.Time) error
}
