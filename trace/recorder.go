package trace

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Waiter is told, by whoever committed it, that its record is durable (nil), or that
// it is not and the call goes on all the same (ErrLate, ErrStore...). It is told once.
type Waiter interface{ Recorded(err error) }

// Options of a Recorder; zero values mean the defaults in brackets.
type Options struct {
	Window    time.Duration         // longest wait for company in a commit [2 ms]
	Budget    time.Duration         // a call waits no longer than this for its record [250 ms]
	Lazy      time.Duration         // an update nobody waits for may wait this long for company [50 ms]
	Retention int                   // months, 1 to 12 [12]
	Service   func(*Record) Service // of a record that begins [ServiceOf]
	// Gather: whoever begins records calls Flush or Commit when he has begun all he has, so that
	// they share a commit and its wake-ups. Else a commit begins with the first.
	Gather bool
	Queue  int                    // bytes of records that may wait for a slow store [32 MiB]
	After  func()                 // called after the callbacks of a batch (the transport's Flush)
	Failed func(n int, err error) // calls that went on without a record: count, alarm
}

func (o Options) withDefaults() Options {
	o.Window = cmp.Or(o.Window, 2*time.Millisecond)
	o.Budget = cmp.Or(o.Budget, 250*time.Millisecond)
	o.Lazy = cmp.Or(o.Lazy, 50*time.Millisecond)
	o.Queue = cmp.Or(o.Queue, 32<<20)
	if o.Service == nil {
		o.Service = ServiceOf
	}
	if o.Retention < 1 || o.Retention > MaxRetention {
		o.Retention = MaxRetention
	}
	if o.After == nil {
		o.After = func() {}
	}
	if o.Failed == nil {
		o.Failed = func(int, error) {}
	}
	return o
}

// Recorder commits records in groups: the next batch begins when the last is down, and
// commits begin no closer together than the window. So a lone call is committed at once,
// and under load the window is shared by all calls that come in it. One goroutine writes
// where nobody else does (Commit), another watches; Begin never blocks. Safe for concurrent
// use.
type Recorder struct {
	store Store
	o     Options

	kick    chan struct{} // there is something to write
	wake    chan struct{} // there is something to watch
	closing chan struct{}
	written chan struct{} // the writer is gone
	group   sync.WaitGroup

	born  time.Time
	began atomic.Int64 // the last commit, ns after born

	committing chan struct{} // whoever commits puts his one in, before he takes mu; guards what follows
	average    time.Duration // of commits
	told       []Waiter      // for reuse
	backlog    backlog

	mu       sync.Mutex // guards what follows
	filling  *batch     // takes new records
	flying   *batch     // with the store now; nil: none
	spare    *batch     // for reuse
	stalled  bool       // the store has kept flying for longer than the budget
	watching bool       // the watchdog will look again by itself
	called   bool       // the writer was told of whoever waits in filling
	dozing   bool       // the writer looks at nothing before it is told
	closed   bool

	retention atomic.Pointer[Retention]
	encode    func([]byte, *Record) []byte
}

// Sealer is a store that wants records sealed before they reach it, see Vault.
type Sealer interface {
	AppendSealed(dst []byte, r *Record) []byte
}

// NewRecorder starts a recorder on s, which stays the caller's to close, later. With a
// store that is a Sealer no identity is in clear anywhere but in the call's own memory.
func NewRecorder(s Store, o Options) *Recorder {
	r := &Recorder{
		store:   s,
		o:       o.withDefaults(),
		kick:    make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		written: make(chan struct{}),
		filling: new(batch),
		encode:  AppendRecord,

		born:       time.Now(),
		committing: make(chan struct{}, 1),
		average:    2 * promptCommit, // until it has shown better
	}
	r.began.Store(-int64(r.o.Window)) // the first commit follows none
	if sealer, ok := s.(Sealer); ok {
		r.encode = sealer.AppendSealed
	}
	r.backlog.limit = r.o.Queue
	r.SetRetention(r.o.Retention)
	r.group.Go(r.write)
	r.group.Go(r.watch)
	return r
}

// SetRetention changes how many months records are kept that begin from now on.
func (r *Recorder) SetRetention(months int) { r.SetRetentions(Months(months)) }

// SetRetentions is SetRetention by service.
func (r *Recorder) SetRetentions(months Retention) { r.retention.Store(&months) }

// NewID makes the ID of a call that begins now.
func (r *Recorder) NewID(now time.Time) ID { return NewID(now) }

// Begin has rec written (copied before it returns) and then w.Recorded called once, after
// Begin returned. w may be nil.
func (r *Recorder) Begin(rec *Record, w Waiter) {
	rec.Service = r.o.Service(rec)
	if rec.Expires.IsZero() {
		rec.Expires = Expiry(rec.Start, r.retention.Load().Of(rec.Service))
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.b = r.encode(s.b[:0], rec)
	r.mu.Lock()
	if err := r.refusal(); err != nil {
		r.mu.Unlock()
		r.refuse(w, err)
		return
	}
	first := r.filling.add(rec.ID, s.b, w, time.Now().Add(r.o.Budget))
	watch := w != nil && (r.stalled || !r.watching)
	r.watching = r.watching || watch
	r.mu.Unlock()
	if first && !r.o.Gather {
		signal(r.kick)
	}
	if watch {
		signal(r.wake)
	}
}

// Finish notes answer, end, final status or mark of a call; nobody waits for it. Zero fields
// of rec are left as they were; an update that holds the same fields as an earlier one
// replaces it. It is silently dropped where Begin would be refused.
func (r *Recorder) Finish(rec *Record) {
	if rec.Answer.IsZero() && rec.End.IsZero() && rec.Status == 0 && rec.Mark == MarkNone {
		return
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.b = AppendUpdate(s.b[:0], rec)
	r.mu.Lock()
	if r.refusal() != nil {
		r.mu.Unlock()
		return
	}
	first := r.filling.add(rec.ID, s.b, nil, time.Time{})
	r.mu.Unlock()
	if first && !r.o.Gather {
		signal(r.kick)
	}
}

// Flush has what was begun since committed soon; see Options.Gather. It costs next to
// nothing when there is nothing to do.
func (r *Recorder) Flush() {
	r.mu.Lock()
	call := r.filling.waiting > 0 && !r.called || len(r.filling.items) > 0 && r.dozing
	if call {
		r.called, r.dozing = true, false
	}
	r.mu.Unlock()
	if call {
		signal(r.kick)
	}
}

// Close commits what waits and stops. It gives a hanging store ten budgets.
func (r *Recorder) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.closed = true
	r.mu.Unlock()
	close(r.closing)
	select {
	case <-r.written:
	case <-time.After(10 * r.o.Budget):
		return fmt.Errorf("%w: gave up while closing", ErrLate)
	}
	r.group.Wait()
	return nil
}

// scratch is where a record is encoded, outside the lock.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// refusal tells why nothing more is taken. r.mu held.
func (r *Recorder) refusal() error {
	switch {
	case r.closed:
		return ErrClosed
	case len(r.filling.buf) >= r.o.Queue:
		return ErrFull
	}
	return nil
}

// refuse lets a call go on whose record cannot be taken. Rare, and never on the
// caller's own goroutine, which holds locks that Recorded wants.
func (r *Recorder) refuse(w Waiter, err error) {
	go func() {
		r.o.Failed(1, err)
		if w != nil {
			w.Recorded(err)
		}
		r.o.After()
	}()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
