package gateway

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// opener opens something when it is first needed, and tries again when that failed.
// Whoever waits for it waits no longer than his own context.
type opener[T io.Closer] struct {
	open func(context.Context) (T, error)

	mu      sync.Mutex
	last    *attempt[T]
	stop    context.CancelFunc // of the attempt under way
	group   sync.WaitGroup
	closed  bool
	decided bool // last is good
}

// attempt is one try; what it came to may be read when done is closed.
type attempt[T any] struct {
	done  chan struct{}
	ended time.Time
	value T
	err   error
}

const (
	openTime  = 30 * time.Second // of one attempt: it may change the schema
	openPause = 200 * time.Millisecond
)

var errClosed = errors.New("closed")

// get answers what was opened, or why it could not be.
func (o *opener[T]) get(ctx context.Context) (value T, err error) {
	a, err := o.attempt()
	if err != nil {
		return value, err
	}
	select {
	case <-a.done:
		return a.value, a.err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// attempt answers the try under way, the one that succeeded, one that has failed just
// now, or a new one.
func (o *opener[T]) attempt() (*attempt[T], error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return nil, errClosed
	case o.decided, o.last != nil && (o.stop != nil || time.Since(o.last.ended) < openPause):
		return o.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	a := &attempt[T]{done: make(chan struct{})}
	o.last, o.stop = a, cancel
	o.group.Go(func() {
		defer cancel()
		a.value, a.err = o.open(ctx)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.stop, o.decided, a.ended = nil, a.err == nil, time.Now()
		close(a.done)
	})
	return a, nil
}

// Close closes what was opened.
func (o *opener[T]) Close() error {
	o.mu.Lock()
	o.closed = true
	if o.stop != nil {
		o.stop()
	}
	o.mu.Unlock()
	o.group.Wait()
	if !o.decided {
		return nil
	}
	return o.last.value.Close()
}
