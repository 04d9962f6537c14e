package outbox

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"clirgate/trace"
)

// Options of a Shipper; zero values mean the defaults in brackets.
type Options struct {
	Node  string
	Every time.Duration // looks for what is new this often [200 ms]
	Rows  int           // ships about this many entries at once [1,000]
	Time  time.Duration // of one transaction [10 s]
	Check time.Duration // asks the shared store anew what it has this often [1 min]
	Retry time.Duration // first wait after a failure, doubled up to 25 times it [Every]
	// Before is called before the first batch of a run is shipped, for what must be in
	// the shared store first (the keys); an error counts as one of the shared store.
	Before func(context.Context) error
	// Alarm is told what an operator must look after, and nil when all is well again.
	Alarm func(error)
}

func (o Options) withDefaults() Options {
	o.Every = cmp.Or(o.Every, 200*time.Millisecond)
	o.Rows = cmp.Or(o.Rows, 1000)
	o.Time = cmp.Or(o.Time, 10*time.Second)
	o.Check = cmp.Or(o.Check, time.Minute)
	o.Retry = cmp.Or(o.Retry, o.Every)
	if o.Before == nil {
		o.Before = func(context.Context) error { return nil }
	}
	if o.Alarm == nil {
		o.Alarm = func(error) {}
	}
	return o
}

// Status is how a shipper fares.
type Status struct {
	Backlog
	Shipped uint64 // entries, since the start
	Again   uint64 // batches shipped again, because the shared store had gone back
	Lost    uint64 // batches the shared store lost that the node holds no more
	Failed  error  // why nothing is shipped now; nil: it is
}

// Shipper is one node's. Run does the work; the rest is safe for concurrent use.
type Shipper struct {
	source Source
	sink   Sink
	o      Options
	kick   chan struct{}

	mu      sync.Mutex
	marks   map[Epoch]uint64 // as last heard of
	status  Status
	changed chan struct{} // closed when a mark moves or shipping fails
}

// New makes a shipper. Source and sink stay the caller's.
func New(source Source, sink Sink, o Options) *Shipper {
	return &Shipper{
		source: source, sink: sink, o: o.withDefaults(), kick: make(chan struct{}, 1),
		marks: make(map[Epoch]uint64), changed: make(chan struct{}),
	}
}

// Run ships until ctx ends.
func (s *Shipper) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	retry, checked := s.o.Retry, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.kick:
		}
		if time.Since(checked) > s.o.Check { // it may have gone back while nothing was shipped
			s.forget()
			checked = time.Now()
		}
		wait := s.o.Every
		if err := s.Ship(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			wait, retry = retry, min(2*retry, 25*s.o.Retry)
		} else {
			retry = s.o.Retry
		}
		timer.Reset(wait)
	}
}

// Ship ships all there is now, and answers when it is shipped. Not beside Run.
func (s *Shipper) Ship(ctx context.Context) error {
	err := s.ship(ctx)
	if errors.Is(err, ErrMoved) {
		err = s.ship(ctx) // the marks are unknown by now, and are read anew
	}
	s.note(err)
	return err
}

func (s *Shipper) ship(ctx context.Context) error {
	epochs, err := s.source.Epochs()
	if err != nil {
		return err
	}
	prepared := false
	for _, e := range epochs {
		head, err := s.source.Head(e)
		if err != nil {
			return err
		}
		mark, known := s.mark(e)
		if known && mark >= head {
			continue
		}
		if !prepared {
			if err := s.within(ctx, s.o.Before); err != nil {
				return err
			}
			prepared = true
		}
		if err := s.epoch(ctx, e); err != nil {
			s.forget()
			return err
		}
	}
	return nil
}

// epoch ships all of one epoch that its head holds now.
func (s *Shipper) epoch(ctx context.Context, e Epoch) error {
	mark, known := s.mark(e)
	if !known {
		err := s.within(ctx, func(ctx context.Context) (err error) {
			mark, err = s.sink.Mark(ctx, s.o.Node, e)
			return err
		})
		if err != nil {
			return err
		}
		s.heard(e, mark)
	}
	for {
		load, err := s.load(e, mark)
		if err != nil || load.to == mark {
			return err
		}
		err = s.within(ctx, func(ctx context.Context) error {
			return s.sink.Ship(ctx, s.o.Node, e, mark, load.to, load.entries)
		})
		if err != nil {
			return err
		}
		s.moved(e, mark, load)
		mark = load.to
	}
}

func (s *Shipper) within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Time)
	defer cancel()
	return f(ctx)
}

// load is what is shipped at once.
type load struct {
	to      uint64
	gone    uint64 // batches before it that the node holds no more
	entries []trace.Entry
}

func (s *Shipper) load(e Epoch, mark uint64) (l load, err error) {
	l.to = mark
	err = s.source.Batches(e, mark, func(b Batch) bool {
		if len(l.entries) > 0 && len(l.entries)+len(b.Entries) > s.o.Rows {
			return false
		}
		l.gone += b.Seq - l.to - 1
		l.to = b.Seq
		l.entries = append(l.entries, b.Entries...)
		return len(l.entries) < s.o.Rows
	})
	return l, err
}

// Kick has what is new shipped at once.
func (s *Shipper) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}
