// Package marks keeps marks of malicious calls (TS 24.616) from the moment a subscriber is
// told that his call is marked until each is filed with a case: through crashes, and while
// the stores that casework needs are away. What waits is sealed under the keys of records,
// so that the file tells of nobody.
package marks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/trace"
)

var (
	// ErrFull: too many marks wait to be filed.
	ErrFull = errors.New("marks: too many wait to be filed")
	// ErrClosed: the queue is closed.
	ErrClosed = errors.New("marks: closed")
	// ErrLost: of File, a mark that can never be filed, its call is kept no more.
	ErrLost = errors.New("marks: the call is not known any more")
	// ErrLater: of File, not yet, and nothing is wrong.
	ErrLater = errors.New("marks: later")
)

// Sealer seals and opens records; trace.Keys does.
type Sealer interface {
	AppendSealed(dst []byte, r *trace.Record) []byte
	Save() error // before what was sealed is written
	Open(r *trace.Record) error
}

// Options of a Queue; zero values mean the defaults in brackets.
type Options struct {
	Path  string // of the file
	Seal  Sealer
	File  func(context.Context, trace.Marking) error // files one; called again, in its own time, until it answers nil or ErrLost
	Most  int                                        // marks that may wait [10,000]
	Retry time.Duration                              // first pause after a failure, doubled up to a minute [1 s]
	Alarm func(error)                                // what goes wrong, and nil when it is well again
}

const maxRetry = time.Minute

// Stats counts marks.
type Stats struct {
	Waiting int
	Filed   uint64
	Lost    uint64 // could never be filed
	Failed  uint64 // attempts that will be made again
}

// Queue keeps marks. Safe for concurrent use.
type Queue struct {
	o      Options
	ctx    context.Context
	stop   context.CancelFunc
	group  sync.WaitGroup
	write  chan struct{} // there is something to write
	file   chan struct{} // there is something to file
	filed  atomic.Uint64
	lost   atomic.Uint64
	failed atomic.Uint64

	mu      sync.Mutex // guards what follows
	coming  []coming
	waiting []waiting // durable, or at least kept in memory, in order
	known   map[trace.ID]trace.Mark
	done    []uint64 // filed; not written yet
	seq     uint64
	closed  bool

	f *os.File // of the writer; nil: cannot be opened
}

type coming struct {
	waiting
	told func(error)
}

type waiting struct {
	seq     uint64
	sealed  []byte
	marking trace.Marking // zero: sealed still
}

// Open starts a queue. A file that cannot be used does not stop it: marks are then refused,
// and the file is tried again.
func Open(o Options) *Queue {
	o.Most, o.Retry = cmp.Or(o.Most, 10_000), cmp.Or(o.Retry, time.Second)
	if o.Alarm == nil {
		o.Alarm = func(error) {}
	}
	q := &Queue{o: o, write: make(chan struct{}, 1), file: make(chan struct{}, 1), known: map[trace.ID]trace.Mark{}}
	q.ctx, q.stop = context.WithCancel(context.Background())
	if err := q.open(); err != nil {
		o.Alarm(err)
	}
	q.group.Go(q.writing)
	q.group.Go(q.filing)
	return q
}

// Add keeps a mark and then calls told once, from another goroutine, with nil when it is
// durable, or with why it is not. told may be nil. A call that waits already is not marked
// twice.
func (q *Queue) Add(m trace.Marking, told func(error)) {
	if told == nil {
		told = func(error) {}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		go told(ErrClosed)
		return
	case len(q.waiting)+len(q.coming) >= q.o.Most:
		go told(ErrFull)
		return
	}
	q.seq++
	q.coming = append(q.coming, coming{waiting{q.seq, nil, m}, told})
	signal(q.write)
}

// Stats reads the counters.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Stats{Waiting: len(q.waiting) + len(q.coming), Filed: q.filed.Load(), Lost: q.lost.Load(), Failed: q.failed.Load()}
}

// Close writes what came and stops. What is not filed is when the queue is opened again.
func (q *Queue) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.mu.Unlock()
	q.stop()
	q.group.Wait()
	if q.f == nil {
		return nil
	}
	return q.f.Close()
}

// open reads what waits from earlier. Of the writer.
func (q *Queue) open() error {
	marks := map[uint64][]byte{}
	var order []uint64
	var last uint64
	f, damaged, err := openFile(q.o.Path, func(kind byte, seq uint64, sealed []byte) {
		last = max(last, seq)
		if kind == entryDone {
			delete(marks, seq)
			return
		}
		marks[seq] = sealed
		order = append(order, seq)
	})
	if err != nil {
		return fmt.Errorf("marks: %w", err)
	}
	if damaged {
		q.o.Alarm(fmt.Errorf("marks: %s is damaged: a mark in it, or what was filed, is lost", q.o.Path))
	}
	q.f = f
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seq = max(q.seq, last)
	for _, seq := range order {
		if sealed := marks[seq]; sealed != nil {
			q.waiting = append(q.waiting, waiting{seq: seq, sealed: sealed})
		}
	}
	if len(q.waiting) > 0 {
		signal(q.file)
	}
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
