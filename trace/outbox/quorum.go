package outbox

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"clirgate/trace"
)

// Budget is how long a call waits for the shared store, unless told otherwise.
const Budget = 20 * time.Millisecond

// Quorum is a node's own store whose batches are durable when the shared store has them
// too, so that not even a destroyed node loses a record. Where the shared store does not
// answer within the budget, the local disk is enough: that is counted, and calls do not
// wait for it again until it has caught up.
type Quorum struct {
	trace.EntryStore
	source  Source
	shipper *Shipper
	budget  time.Duration
	alarm   func(error)

	epoch  Epoch // of the last batch, and its number
	seq    uint64
	behind atomic.Bool
	fallen atomic.Uint64
}

var _ trace.ManyDays = (*Quorum)(nil)

// NewQuorum makes one of a store, which is its own outbox, and the shipper that empties
// it. budget 0: Budget. alarm is told when calls begin to go on without the shared store,
// and nil when they wait for it again.
func NewQuorum(s trace.ManyDays, source Source, shipper *Shipper, budget time.Duration, alarm func(error)) *Quorum {
	return &Quorum{EntryStore: s, source: source, shipper: shipper, budget: cmp.Or(budget, Budget), alarm: alarm}
}

// errBehind is what the alarm is told.
var errBehind = errors.New("the shared store does not confirm records in time: they are on this node's disk only")

// ManyDays says that Find takes many days at once, as that of the store it wraps.
func (q *Quorum) ManyDays() {}

// Append makes a batch durable here and, within the budget, in the shared store. Of a
// single goroutine, as a Recorder's.
func (q *Quorum) Append(batch []trace.Entry) error {
	if err := q.EntryStore.Append(batch); err != nil || len(batch) == 0 {
		return err
	}
	q.shipper.Kick()
	caughtUp := !q.behind.Load() || q.shipper.has(q.epoch, q.seq)
	q.epoch, q.seq = q.source.Last()
	safe := caughtUp && q.await()
	if !safe {
		q.fallen.Add(records(batch))
	}
	if q.behind.Swap(!safe) == safe {
		var err error
		if !safe {
			err = errBehind
		}
		q.alarm(err)
	}
	return nil
}

func (q *Quorum) await() bool {
	ctx, cancel := context.WithTimeout(context.Background(), q.budget)
	defer cancel()
	return q.shipper.Await(ctx, q.epoch, q.seq)
}

func records(batch []trace.Entry) (n uint64) {
	for _, e := range batch {
		if e.Kind() == 0 {
			n++
		}
	}
	return n
}

// Fallen is how many records went on with the local disk alone.
func (q *Quorum) Fallen() uint64 { return q.fallen.Load() }

// Behind tells whether calls go on without the shared store now.
func (q *Quorum) Behind() bool { return q.behind.Load() }
