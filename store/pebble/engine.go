package pebble

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
)

// engine is one opened database and the means to get away from it when it fails.
type engine struct {
	db    *pebble.DB
	r     pebble.Reader // what to read: db, and when nothing may be written the journal over it
	fence *fence
	acked acked

	seqMu sync.Mutex // one batch at a time, so that their numbers are in order
	seq   uint64     // of the last batch
	log   *outboxLog // nil: what is appended need not be shipped

	journal *journal // nil: nothing may be written
	pending pending
	freed   chan error // the half of the journal that is not filled may be; nil: it may
	broken  atomic.Pointer[error]

	countMu sync.Mutex
	counts  map[shelf]uint64 // records appended

	swept [len(trace.Services)]atomic.Bool // the last deletion of this service went through

	once  sync.Once
	dead  chan struct{} // closed when Pebble gives up
	cause error         // then: why
}

// openVerified opens the database when nothing is missing from it.
func openVerified(dir string, o Options) (*engine, error) {
	if err := verify(dir, o); err != nil {
		return nil, err
	}
	return openEngine(dir, o)
}

func openEngine(dir string, o Options) (*engine, error) {
	e := &engine{fence: newFence(o.fs), dead: make(chan struct{})}
	opened := make(chan error, 1)
	go func() { // Pebble may give up while it opens: then this goroutine never returns
		db, err := pebble.Open(dir, e.options(o))
		e.db = db
		opened <- err
	}()
	var err error
	select {
	case err = <-opened:
	case <-e.dead:
		e.fence.shut(errAbandoned)
		err = e.cause
	}
	if err != nil {
		return nil, fmt.Errorf("records: cannot open %s: %w", dir, err)
	}
	if err := e.count(dir, o); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// count readies the counting of batches and records.
func (e *engine) count(dir string, o Options) (err error) {
	if e.counts, err = loadCounts(e.db); err != nil {
		return err
	}
	if e.seq, err = sequence(e.db); err != nil {
		return err
	}
	if !o.ReadOnly && (o.Outbox || isOutbox(e.db)) {
		if e.log, err = openLog(e.db, o.Now()); err != nil {
			return err
		}
	}
	if err = e.replay(dir, o); err != nil || o.ReadOnly {
		return err
	}
	if e.acked, err = openAcked(dir); err != nil {
		return fmt.Errorf("records: cannot count batches: %w", err)
	}
	return nil
}

func (e *engine) options(o Options) *pebble.Options {
	alarm := func(what string, err error) { o.Alarm(fmt.Errorf("records: %s: %w", what, err)) }
	return &pebble.Options{
		FS:       e.fence,
		ReadOnly: o.ReadOnly,
		// The newest format is the one that tells a damaged log from a torn end.
		FormatMajorVersion: pebble.FormatNewest,
		// Search keys fall anywhere in their day, so every flush is merged with much of it:
		// a large table makes a third of the work of a small one, and a start after a
		// crash reads it back in a second.
		MemTableSize: 64 << 20,
		CacheSize:    64 << 20, // holds what a search needs to know where to look
		// Records come in order of time, so most tables are moved down as they were flushed,
		// and stay that small. A year of them must fit into what can be kept open.
		TargetFileSizes: [7]int64{32 << 20, 32 << 20, 32 << 20, 64 << 20, 64 << 20, 128 << 20, 128 << 20},
		MaxOpenFiles:    4096,
		Logger:          quiet{e},
		EventListener: &pebble.EventListener{
			// Pebble would try again at once and for ever, at full speed.
			BackgroundError: func(err error) { e.giveUp(fmt.Errorf("records: background work failed: %w", err)) },
			DataCorruption:  func(i pebble.DataCorruptionInfo) { alarm("damage found in "+i.Path, i.Details) },
			DiskSlow:        func(vfs.DiskSlowInfo) {},
		},
	}
}

// replay has the database take over what the journal holds beyond it; when nothing may
// be written, it is laid over the database.
func (e *engine) replay(dir string, o Options) error {
	frames, last, err := journaled(e.fence, dir, e.seq)
	if err != nil {
		return err
	}
	e.r, e.seq = e.db, last
	if o.ReadOnly {
		over := e.db.NewIndexedBatch()
		e.r = over
		var s settled
		if _, err := s.read(frames, len(frames)); err != nil {
			return err
		}
		return e.put(over, &s)
	}
	if len(frames) > 0 {
		if err := e.apply(frames, pebble.Sync); err != nil {
			return err
		}
	}
	e.pending.rest = o.rest
	e.journal, err = openJournal(e.fence, dir, o.half)
	return err
}

// append makes one batch durable.
func (e *engine) append(batch []trace.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	e.seqMu.Lock()
	defer e.seqMu.Unlock()
	if broken := e.broken.Load(); broken != nil {
		return *broken
	}
	if err := e.write(batch, e.seq+1); err != nil {
		return err
	}
	e.seq++
	e.acked.set(e.seq)
	return nil
}

func (e *engine) write(batch []trace.Entry, seq uint64) error {
	err := e.journal.append(seq, batch)
	if errors.Is(err, errJournalFull) && int64(frameLen(batch)) <= e.journal.size {
		if err = e.turn(); err == nil {
			err = e.journal.append(seq, batch)
		}
	}
	if errors.Is(err, errJournalFull) {
		return e.commitAlone(batch, seq)
	}
	if err == nil {
		e.hold(e.journal.frame)
	}
	return err
}

// turn begins the other half of the journal, when that is free, and has the one that is
// full freed.
func (e *engine) turn() error {
	if e.freed != nil {
		err := <-e.freed
		e.freed = nil // it is told once
		if err != nil {
			return err
		}
	}
	e.journal.turn()
	freed := make(chan error, 1)
	e.freed = freed
	go func() { freed <- e.takeOver(pebble.Sync) }()
	return nil
}

// fail notes that the database cannot be used any more: the next batch is refused, and
// the store opens it anew.
func (e *engine) fail(err error) {
	if err != nil {
		e.broken.CompareAndSwap(nil, &err)
	}
}

func (e *engine) close() error {
	err := e.finish()
	err = errors.Join(err, e.survive(e.db.Close))
	if e.journal != nil {
		err = errors.Join(err, e.journal.close())
	}
	if e.acked.f != nil {
		err = errors.Join(err, e.acked.f.Close())
	}
	return err
}

// finish leaves nothing in the journal that is not in the database, nor anybody at work.
func (e *engine) finish() (err error) {
	if over, ok := e.r.(*pebble.Batch); ok {
		return over.Close()
	}
	if e.freed != nil {
		err = <-e.freed
	}
	if e.journal != nil {
		err = errors.Join(err, e.takeOver(pebble.Sync))
	}
	e.pending.settling.Lock()
	defer e.pending.settling.Unlock()
	e.pending.closed = true
	return err
}

// survive runs f, and comes back also when Pebble gives up or panics in it.
func (e *engine) survive(f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer e.panicked()
		done <- f()
	}()
	select {
	case err := <-done:
		return err
	case <-e.dead:
		return e.cause
	}
}

// giveUp is called where Pebble would have ended the process. Its goroutine must not go
// on, and must not unwind either: what it holds is in no state to be used. So it stays,
// and the store opens the database anew behind a shut fence.
func (e *engine) giveUp(cause error) {
	e.die(cause)
	select {}
}

// panicked is giveUp where Pebble panics, as it does when its log cannot be written and
// nobody waits for that.
func (e *engine) panicked() {
	if p := recover(); p != nil {
		err, ok := p.(error)
		if !ok {
			err = fmt.Errorf("%v", p)
		}
		e.die(fmt.Errorf("records: database panicked: %w", err))
	}
}

func (e *engine) die(cause error) {
	e.once.Do(func() {
		e.cause = cause
		close(e.dead)
	})
}
