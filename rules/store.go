package rules

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
	matchWhatever
)

// Unsaid asks for nothing: the change is made only if no subscriber is there.
func Unsaid() Match { return Match{} }

// Absent asks that no subscriber is there.
func Absent() Match { return Match{kind: matchAbsent} }

// At asks that the subscriber is at this revision.
func At(revision uint64) Match { return Match{kind: matchRevision, revision: revision} }

// Any asks that the subscriber is there, at whichever revision.
func Any() Match { return Match{kind: matchAny} }

// Whatever makes the change in any case.
func Whatever() Match { return Match{kind: matchWhatever} }

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

// Store keeps subscribers durably. Every change is one transaction with its
// entry in the history and its entry in the audit log, and gets the next
// revision, without gaps; revisions become visible in their order. A change that
// was answered survives the loss of power. Errors are the sentinels of this
// package, wrapped around their cause. Implementations pass store/storetest.
type Store interface {
	// Get answers a subscriber and its revision, or ErrNotFound.
	Get(ctx context.Context, n numbering.Number) (Subscriber, uint64, error)
	// List answers subscribers in the order of their numbers, those behind after
	// (0: from the first), at most limit.
	List(ctx context.Context, after numbering.Number, limit int) ([]Versioned, error)
	// Put writes a subscriber whole and answers its new revision.
	Put(ctx context.Context, s Subscriber, m Match, by By) (uint64, error)
	// Delete removes a subscriber: ErrNotFound when there is none.
	Delete(ctx context.Context, n numbering.Number, m Match, by By) (uint64, error)
	// Write makes many changes as one, with one revision.
	Write(ctx context.Context, writes []Write, by By) (Written, error)
	// Would answers what Write would make of the changes now. It changes nothing.
	Would(ctx context.Context, writes []Write) (Written, error)
	// Due answers subscribers whose rule has ended by now, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Versioned, error)
	// All calls each for every subscriber of one consistent state, in no order,
	// and answers that state's revision. Notes are left out.
	All(ctx context.Context, each func(Subscriber)) (uint64, error)
	// Revision is that of the last change; 0 before the first.
	Revision(ctx context.Context) (uint64, error)
	// Changes answers the changes after a revision, oldest first, at most limit.
	Changes(ctx context.Context, after uint64, limit int) ([]Change, error)
	// History answers the changes that a query chooses.
	History(ctx context.Context, q Query) ([]Change, error)
}

// Versioned is a subscriber and the revision of the change that made it so.
type Versioned struct {
	Subscriber
	Revision uint64
}

// Write is one subscriber's part of a batch.
type Write struct {
	Number numbering.Number
	After  *Subscriber // nil: it is removed
	Match  Match       // when it does not hold, this part is left out
	Exact  bool        // After.Then counts; else what the change lies over does
}

// Prepare puts writes into the order of their numbers, of several for one number
// keeps the last, and refuses numbers that are no subscriber's (ErrNumber).
// Stores call it first.
func Prepare(writes []Write) ([]Write, error) {
	list := slices.Clone(writes)
	slices.SortStableFunc(list, func(a, b Write) int { return cmp.Compare(a.Number, b.Number) })
	unique := list[:0]
	for i := range list {
		if _, err := Key(list[i].Number); err != nil {
			return nil, err
		}
		if n := len(unique); n > 0 && unique[n-1].Number == list[i].Number {
			unique[n-1] = list[i]
			continue
		}
		unique = append(unique, list[i])
	}
	return unique, nil
}

// Written is what became of a batch. Items that were left out, and those that
// would change nothing, are not among Items.
type Written struct {
	Revision uint64 // 0: nothing was changed
	Items    []Item
	Same     int // were so already
	Skipped  int // their Match did not hold
}

// Outcome is what prepared writes make of the subscribers that are there of those
// written, in order. Stores call it in the transaction.
func Outcome(writes []Write, before []Versioned) (w Written) {
	for _, part := range writes {
		var was *Subscriber
		var revision uint64
		if len(before) > 0 && before[0].Number == part.Number {
			was, revision = &before[0].Subscriber, before[0].Revision
			before = before[1:]
		}
		w.Make(part, was, revision)
	}
	return w
}

// Make answers what a write makes of a subscriber that is before, at a revision
// (nil and 0: is not there), and notes it in w.
func (w *Written) Make(part Write, before *Subscriber, at uint64) (item Item, changed bool) {
	if part.Match.Check(before != nil, at) != nil {
		w.Skipped++
		return item, false
	}
	item = Item{Number: part.Number, Before: before}
	if part.After != nil {
		after := *part.After
		if !part.Exact {
			after = after.Over(before)
		}
		item.After = &after
	}
	if before == nil && item.After == nil || before != nil && item.After != nil && *before == *item.After {
		w.Same++
		return item, false
	}
	w.Items = append(w.Items, item)
	return item, true
}
