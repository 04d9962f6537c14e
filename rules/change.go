package rules

import (
	"cmp"
	"slices"
	"time"

	"clirgate/numbering"
)

// By says who makes a change, and why.
type By struct {
	Actor   string // role and name of the token: "noc:alice"; or System
	Reason  string // may be empty
	Action  string // for the audit log; empty: ActionPut, ActionDelete or ActionImport, by what is done
	Reverts uint64 // the change that this one undoes; 0: none
	Job     string // the bulk job it is part of
	JobRow  uint64 // rows of the job's input that are done with it
}

// System is the actor of what nobody asks for at the time: rules that end.
const System = "system"

// Actions, as the audit log names them.
const (
	ActionPut    = "subscriber.put"
	ActionDelete = "subscriber.delete"
	ActionRevert = "subscriber.revert"
	ActionEnd    = "subscriber.end"
	ActionImport = "subscribers.import"
)

// Change is one entry of the history: of one subscriber, or of a batch.
type Change struct {
	Revision      uint64
	Time          time.Time
	By            By
	Rows          int              // subscribers changed
	Number        numbering.Number // zero: a batch, and not asked for by number
	Before, After *Subscriber      // nil: was not, is not there; as Number
	Items         []Item           // of all its subscribers, when asked for
}

// Item is what a change did to one subscriber.
type Item struct {
	Number        numbering.Number
	Before, After *Subscriber // nil: was not, is not there
}

// About tells whether a change has to do with a number (0: with any), and then
// shows, of a batch, what it did to it. Stores call it with the items they read.
func (c *Change) About(n numbering.Number, items []Item) bool {
	if n == 0 || c.Number == n {
		return true
	}
	i, ok := slices.BinarySearchFunc(items, n, func(item Item, n numbering.Number) int { return cmp.Compare(item.Number, n) })
	if ok {
		c.Number, c.Before, c.After = n, items[i].Before, items[i].After
	}
	return ok
}

// Query chooses changes. Zero fields choose all.
type Query struct {
	After, Before uint64           // revisions, both exclusive; Before 0: no bound
	Number        numbering.Number // also finds it within batches, and shows what was done to it
	From, To      time.Time        // To is exclusive
	Actor         string
	Job           string
	Newest        bool // newest first
	Items         bool // fill Change.Items
	Limit         int  // at most MaxChanges, which 0 means too
}

// MaxChanges bounds the answer to one Query.
const MaxChanges = 1000

// Bound is the limit in force.
func (q *Query) Bound() int {
	if q.Limit <= 0 || q.Limit > MaxChanges {
		return MaxChanges
	}
	return q.Limit
}
