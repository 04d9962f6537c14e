package casework

import (
	"context"
	"time"

	"clirgate/audit"
	"clirgate/rules"
)

// Kind tells cases, orders and requests apart.
type Kind string

const (
	KindCase    Kind = "case"
	KindOrder   Kind = "order"
	KindRequest Kind = "request"
)

// Row is a case or order as it is stored: what tells of nobody in clear, the rest
// sealed under a key of its own.
type Row struct {
	Kind     Kind
	ID       string
	Revision uint64 // 1 when it is new
	State    string
	Subject  [16]byte // keyed hash of the number it is about
	Created  time.Time
	Expires  time.Time // zero: not closed yet
	Sole     bool      // one row of a subject is so at a time
	Sealed   []byte
}

// Document is a letter or evidence, sealed as its row is.
type Document struct {
	Owner   string // ID of the case or order
	N       int    // from 1
	Kind    string
	Created time.Time
	Sealed  []byte
}

// Filter picks rows; zero fields pick all.
type Filter struct {
	Kind    Kind
	State   string
	Subject *[16]byte
}

// Change is what is written in one transaction: all of it or nothing.
type Change struct {
	Row       Row // replaces the one of Revision-1
	Documents []Document
	Also      Also
	Audit     []audit.Entry // what tells of it in the audit log, behind what tells of Also
}

// Also is what a correction puts right in the same store, in the transaction of the request
// that tells of it. Its zero value is nothing.
type Also struct {
	Rule     *RuleChange
	Shielded []Shielded
}

// RuleChange writes a subscriber whole, as rules.Store.Put does: with history and audit
// entry.
type RuleChange struct {
	Subscriber rules.Subscriber
	Match      rules.Match
	By         rules.By
}

// Shielded is a row of the shielding list of our own subscribers; it replaces the one of
// its number. See package bills.
type Shielded struct {
	Number      [16]byte
	From, Until int32
}

// Store keeps rows and documents, beside an audit log. Errors: ErrNotFound, ErrStale,
// ErrUnavailable.
type Store interface {
	// Save writes a change; ErrStale when the row of Revision-1 is not what is stored. A new
	// row that is Sole is not saved beside another (ErrStale); one that was not new so does
	// not become it. rules.ErrStale and rules.ErrPrecondition when the Match of Also.Rule
	// does not hold.
	Save(ctx context.Context, c Change) error
	Get(ctx context.Context, kind Kind, id string) (Row, error)
	// List yields rows, newest first, until each answers false.
	List(ctx context.Context, f Filter, each func(Row) bool) error
	Document(ctx context.Context, owner string, n int) (Document, error)
	// Documents lists them without what is sealed.
	Documents(ctx context.Context, owner string) ([]Document, error)
	// Expired lists the IDs of rows that expire at or before now.
	Expired(ctx context.Context, now time.Time) ([]string, error)
	// Delete deletes rows and their documents, in one transaction with what tells of it;
	// those not there do no harm.
	Delete(ctx context.Context, ids []string, tell []audit.Entry) error
}
