// Package pebble keeps call records in a Pebble database (an LSM tree) in one directory.
//
// It promises that a record acknowledged is found again after a crash; that no failing
// disk stops the process, as Pebble by itself would do; and that damage never hides
// records silently: a damaged database is set aside whole and a new one begun.
package pebble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"clirgate/trace"
)

var (
	// ErrLocked: another process has the database open.
	ErrLocked = errors.New("records: database is in use by another process")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("records: store closed")
	// ErrReadOnly: the store was opened to read.
	ErrReadOnly = errors.New("records: store opened to read only")
)

// Reopening after a failure is tried again after reopenFirst, then after twice as long
// each time, up to reopenLast, until a database has worked for that long.
const (
	reopenFirst = time.Second
	reopenLast  = time.Minute
)

// Options of a store; the zero value is ready.
type Options struct {
	ReadOnly bool
	// Persist: Open succeeds also when the database cannot be opened now (a full disk,
	// a missing mount); Failed says so, and appending tries again. Not when it is locked.
	Persist bool
	// Outbox: what is appended is remembered in its order, so that it can be shipped to a
	// shared store (trace/outbox).
	Outbox bool
	// Alarm is told what an operator must look after: damage set aside, background
	// failures, a disk that fails and one that works again (nil). It must neither block
	// nor call the store.
	Alarm func(err error)
	// Now is the clock [time.Now].
	Now func() time.Time

	fs   vfs.FS        // of tests; nil: the disk
	half int64         // bytes of a half of a new journal [4 MiB]
	rest time.Duration // batches stay in the journal alone no longer [500 ms]
}

// Store is a trace.Store. Safe for concurrent use.
type Store struct {
	dir string
	o   Options

	uses   sync.WaitGroup  // calls under way; Close waits for them
	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc

	mu      sync.Mutex
	lock    io.Closer // of the directory; nil: not held
	eng     *engine   // nil: failed, or closed
	failed  error     // why eng is nil
	retry   time.Time
	backoff time.Duration
	since   time.Time // eng was opened
	damaged []string
	closed  bool
}

var _ trace.EntryStore = (*Store)(nil)

// Open opens the database in dir, made when there is none. One that is damaged is set
// aside, see Damaged. ErrLocked when another process has it open.
func Open(dir string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Alarm == nil {
		o.Alarm = func(error) {}
	}
	if o.fs == nil {
		o.fs = vfs.Default
	}
	o.half, o.rest = cmp.Or(o.half, journalHalf), cmp.Or(o.rest, journalRest)
	s := &Store{dir: dir, o: o, backoff: reopenFirst}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	eng, err := s.open()
	if err != nil && o.Persist && !errors.Is(err, ErrLocked) {
		s.postpone(err)
		return s, nil
	}
	if err != nil {
		if s.lock != nil {
			_ = s.lock.Close()
		}
		return nil, err
	}
	s.eng, s.since = eng, o.Now()
	return s, nil
}

// Damaged names the directories that damaged databases were moved to since Open.
func (s *Store) Damaged() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged
}

// Failed is why records are not kept now; nil: they are.
func (s *Store) Failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Append makes a batch durable, all or nothing.
func (s *Store) Append(batch []trace.Entry) error {
	eng, err := s.engine()
	if err != nil {
		return err
	}
	defer s.uses.Done()
	if err := eng.append(batch); err != nil {
		s.abandon(eng, err)
		return err
	}
	return nil
}

// Scan yields records begun in [from, to) in order of time.
func (s *Store) Scan(from, to time.Time, yield func(*trace.Record) bool) error {
	return s.read(func(eng *engine) error { return eng.scan(from, to, s.unlessClosing(yield)) })
}

// Find yields the records filed under any of filed, which are of one day.
func (s *Store) Find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) error {
	return s.read(func(eng *engine) error { return eng.find(ctx, filed, from, to, newest, s.unlessClosing(yield)) })
}

// read runs f on the open database.
func (s *Store) read(f func(*engine) error) error {
	s.mu.Lock()
	eng, err := s.eng, s.failed
	if eng != nil {
		s.uses.Add(1)
		defer s.uses.Done()
	} else if s.closed {
		err = ErrClosed
	}
	s.mu.Unlock()
	if eng == nil {
		return err
	}
	if err := eng.settle(); err != nil {
		return err
	}
	return f(eng)
}

func (s *Store) unlessClosing(yield func(*trace.Record) bool) func(*trace.Record) bool {
	return func(r *trace.Record) bool { return s.ctx.Err() == nil && yield(r) }
}

// DropDays deletes all of a service's days before first, from the disk as well.
func (s *Store) DropDays(ctx context.Context, service trace.Service, first trace.Day) (records int, err error) {
	eng, err := s.engine()
	if err != nil {
		return 0, err
	}
	defer s.uses.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	return eng.dropDays(ctx, service, first)
}

// Close waits for what is under way, where scans end early, and closes the database.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	eng := s.eng
	s.eng = nil
	s.mu.Unlock()
	s.cancel()
	s.uses.Wait()
	var err error
	if eng != nil {
		err = eng.close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// engine is the open database, counted as in use (s.uses.Done when done with it); one
// that failed is opened again when it is time.
func (s *Store) engine() (*engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.o.ReadOnly:
		return nil, ErrReadOnly
	case s.eng != nil:
		s.uses.Add(1)
		return s.eng, nil
	case s.o.Now().Before(s.retry):
		return nil, s.failed
	}
	eng, err := s.open()
	if err != nil {
		s.postpone(err)
		return nil, err
	}
	s.eng, s.failed, s.since = eng, nil, s.o.Now()
	s.uses.Add(1)
	s.o.Alarm(nil)
	return eng, nil
}

// abandon gives a failed database up: nothing it still does reaches the disk.
func (s *Store) abandon(eng *engine, err error) {
	eng.fail(err)
	eng.fence.shut(errAbandoned)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eng == eng {
		s.eng = nil
		// What is given up is never freed: one that fails as soon as it is opened must not
		// be opened every second.
		if s.o.Now().Sub(s.since) > reopenLast {
			s.backoff = reopenFirst
		}
		s.postpone(err)
	}
}

func (s *Store) postpone(err error) {
	s.failed = err
	s.retry = s.o.Now().Add(s.backoff)
	s.backoff = min(2*s.backoff, reopenLast)
	s.o.Alarm(fmt.Errorf("records are not kept, next try in %s: %w", s.retry.Sub(s.o.Now()), err))
}
