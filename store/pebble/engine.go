package pebble

import (
	"encoding/binary"
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
	fence *fence
	acked acked

	seqMu sync.Mutex // one batch at a time, so that their numbers are in order
	seq   uint64     // of the last batch
	log   *outboxLog // nil: what is appended need not be shipped

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
	if e.seq, err = sequence(e.db); err != nil || o.ReadOnly {
		return err
	}
	if o.Outbox || isOutbox(e.db) {
		if e.log, err = openLog(e.db, o.Now()); err != nil {
			return err
		}
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
		Logger:       quiet{e},
		EventListener: &pebble.EventListener{
			// Pebble would try again at once and for ever, at full speed.
			BackgroundError: func(err error) { e.giveUp(fmt.Errorf("records: background work failed: %w", err)) },
			DataCorruption:  func(i pebble.DataCorruptionInfo) { alarm("damage found in "+i.Path, i.Details) },
			DiskSlow:        func(vfs.DiskSlowInfo) {},
		},
	}
}

// append commits one batch and waits until it is on disk, or the database gave up.
func (e *engine) append(batch []trace.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	e.seqMu.Lock()
	defer e.seqMu.Unlock()
	b := e.db.NewBatch()
	if err := e.fill(b, batch); err != nil {
		return fmt.Errorf("records: cannot fill batch: %w", err)
	}
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], e.seq+1)
	if err := b.Set(sequenceKey, seq[:], nil); err != nil {
		return fmt.Errorf("records: cannot fill batch: %w", err)
	}
	if err := e.log.add(b, batch); err != nil {
		return fmt.Errorf("records: cannot fill batch: %w", err)
	}
	if err := e.survive(func() error { return b.Commit(pebble.Sync) }); err != nil {
		return err
	}
	e.seq++
	e.log.added()
	e.acked.set(e.seq)
	return b.Close()
}

func (e *engine) close() error {
	err := e.survive(e.db.Close)
	if e.acked.f != nil {
		err = errors.Join(err, e.acked.f.Close())
	}
	return err
}

// survive runs f, and comes back also when Pebble gives up in it.
func (e *engine) survive(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
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
	e.once.Do(func() {
		e.cause = cause
		close(e.dead)
	})
	select {}
}
