package rules

import (
	"context"
	"errors"
	"time"

	"clirgate/numbering"
)

var (
	// ErrNotFound: no such subscriber.
	ErrNotFound = errors.New("rules: no such subscriber")
	// ErrStale: the subscriber is at another revision than the one asked for,
	// or is there although it was not to be.
	ErrStale = errors.New("rules: subscriber was changed meanwhile")
	// ErrPrecondition: an existing subscriber is changed only by whoever says
	// which revision he means.
	ErrPrecondition = errors.New("rules: subscriber exists, revision to replace is missing")
	// ErrUnavailable: the store cannot be reached or does not answer. Wrapped
	// around the cause.
	ErrUnavailable = errors.New("rules: store unavailable")
)

// Match says what must be there for a change to be made.
type Match struct {
	kind     matchKind
	revision uint64
}

type matchKind uint8

const (
	matchUnsaid matchKind = iota
	matchAbsent
	matchRevision
	matchAny
)

// Unsaid asks for nothing: the change is made only if no subscriber is there.
func Unsaid() Match { return Match{} }

// Absent asks that no subscriber is there.
func Absent() Match { return Match{kind: matchAbsent} }

// At asks that the subscriber is at this revision.
func At(revision uint64) Match { return Match{kind: matchRevision, revision: revision} }

// Any asks that the subscriber is there, at whichever revision.
func Any() Match { return Match{kind: matchAny} }

// Check answers nil when the change may be made to a subscriber that exists at
// a revision, or does not exist. Stores call it inside the transaction.
func (m Match) Check(exists bool, revision uint64) error {
	switch m.kind {
	case matchUnsaid:
		if exists {
			return ErrPrecondition
		}
	case matchAbsent:
		if exists {
			return ErrStale
		}
	case matchRevision:
		if !exists || m.revision != revision {
			return ErrStale
		}
	case matchAny:
		if !exists {
			return ErrStale
		}
	}
	return nil
}

// By says who makes a change, and why.
type By struct {
	Actor  string // role and name of the token: "noc:alice"
	Reason string // may be empty
}

// Change is one entry of the history.
type Change struct {
	Revision      uint64
	Time          time.Time
	By            By
	Number        numbering.Number
	Before, After *Subscriber // nil: was not, is not there
}

// Store keeps subscribers durably. Every change is one transaction with its
// entry in the history and gets the next revision; a change that was answered
// survives the loss of power. Errors are the sentinels of this package, wrapped
// around their cause. Implementations pass store/storetest.
type Store interface {
	// Get answers a subscriber and its revision, or ErrNotFound.
	Get(ctx context.Context, n numbering.Number) (Subscriber, uint64, error)
	// Put writes a subscriber whole and answers its new revision.
	Put(ctx context.Context, s Subscriber, m Match, by By) (uint64, error)
	// Delete removes a subscriber: ErrNotFound when there is none.
	Delete(ctx context.Context, n numbering.Number, m Match, by By) (uint64, error)
	// All calls each for every subscriber of one consistent state, in no order,
	// and answers that state's revision. Notes are left out.
	All(ctx context.Context, each func(Subscriber)) (uint64, error)
	// Changes answers the changes after a revision, oldest first, at most limit.
	Changes(ctx context.Context, after uint64, limit int) ([]Change, error)
}
