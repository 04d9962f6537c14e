// Package outbox ships records from a node's own store to the store that all nodes share:
// in order, each once, after any outage of either side. It knows neither SQL nor files.
//
// A node's store numbers what is appended to it, batch by batch, and begins to count anew
// with every opening (an epoch). The shared store keeps, for each epoch, up to which batch
// it has everything, and moves that mark in the transaction that adds the records. The
// mark is the only truth: a shipper that does not know what became of a transaction
// reads it again. So nothing is lost or added twice when the connection breaks in the
// middle of a commit, when this process is killed, when the node's database is set aside
// and begun anew or put back from a copy (its next opening is another epoch), and when the
// shared store is put back from a backup (its marks went back with its records, and the
// node still has the batches).
package outbox

import (
	"context"
	"errors"
	"time"

	"clirgate/trace"
)

var (
	// ErrMoved: the mark is not where the shipper left it. It reads it again.
	ErrMoved = errors.New("outbox: the mark was moved meanwhile")
	// ErrUnavailable: the shared store cannot be reached or does not answer.
	ErrUnavailable = errors.New("outbox: shared store unavailable")
)

// Epoch names one opening of a node's store. Epochs are in order of time.
type Epoch = trace.ID

// Batch is what was appended to a node's store at once.
type Batch struct {
	Seq     uint64    // within its epoch, from 1, without gaps
	At      time.Time // when it was appended
	Entries []trace.Entry
}

// Backlog is how much waits.
type Backlog struct {
	Entries uint64    // records and updates
	Bytes   uint64    // of them
	Oldest  time.Time // when the oldest of them was appended; zero: nothing waits
}

// Source is a node's own store, which remembers what was appended to it in which order.
type Source interface {
	// Epochs lists those that still hold batches, oldest first.
	Epochs() ([]Epoch, error)
	// Last is where the last batch appended since the opening is.
	Last() (Epoch, uint64)
	// Head is the last batch of an epoch; 0: none.
	Head(Epoch) (uint64, error)
	// Batches yields those after seq, in order, until yield answers false. The batch
	// belongs to yield. Entries that were deleted meanwhile are left out.
	Batches(e Epoch, seq uint64, yield func(Batch) bool) error
	// Backlog tells how much an epoch holds after seq.
	Backlog(e Epoch, seq uint64) (Backlog, error)
	// Trim forgets an epoch's batches up to seq that were appended before t; what they
	// held stays.
	Trim(e Epoch, seq uint64, t time.Time) error
}

// Sink is the shared store. Its errors are ErrMoved and ErrUnavailable.
type Sink interface {
	// Mark is up to which batch the store has all of an epoch, as safe as anything it
	// has acknowledged; 0 when it has never heard of it.
	Mark(ctx context.Context, node string, e Epoch) (uint64, error)
	// Ship adds entries and moves the mark from one batch to another, both or nothing.
	Ship(ctx context.Context, node string, e Epoch, from, to uint64, entries []trace.Entry) error
}
