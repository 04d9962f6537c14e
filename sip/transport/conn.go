package transport

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	halfClosedWait = 32 * time.Second // 64*T1: how long a peer that has stopped sending gets responses
	lingerWait     = time.Second      // reading on after the last word, so that the peer gets to see it
	lingerBytes    = 256 << 10
)

// conn is a TCP or TLS connection. serve is its reading goroutine, write its writing one.
type conn struct {
	streams *streams
	flow    Flow // with Conn; never changes once serve runs
	dialled bool
	routes  map[route]bool // under streams.mu

	ctx    context.Context // ends with kill; for dialling and handshakes
	cancel context.CancelFunc

	verified atomic.Bool  // TLS, and the peer's certificate was verified
	carried  atomic.Bool  // a whole message has come
	partial  atomic.Bool  // a message has begun
	active   atomic.Int64 // last traffic, Unix nanoseconds

	mu     sync.Mutex
	raw    net.Conn // nil while dialling
	nc     net.Conn // raw, or TLS over it
	out    outbox
	ending bool          // no more is queued
	stop   chan struct{} // closed with ending
	dead   bool
	cause  error         // of dead
	done   chan struct{} // closed with dead

	wake    chan struct{} // out is not empty
	written chan struct{} // closed when write has ended
}

func newConn(s *streams, f Flow, raw net.Conn) *conn {
	c := &conn{
		streams: s, flow: f, raw: raw, nc: raw, routes: map[route]bool{},
		stop: make(chan struct{}), done: make(chan struct{}),
		wake: make(chan struct{}, 1), written: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.touch()
	return c
}

func (c *conn) touch()            { c.active.Store(time.Now().UnixNano()) }
func (c *conn) handler() Handler  { return c.streams.layer.handler }
func (c *conn) options() *Options { return &c.streams.layer.options }

// evictable: it can make room for another one.
func (c *conn) evictable(now time.Time) bool {
	if now.UnixNano()-c.active.Load() < int64(evictAfter) || c.dialled && !c.carried.Load() {
		return false
	}
	c.mu.Lock()
	queued := !c.out.empty()
	c.mu.Unlock()
	return !c.carried.Load() || !queued && !c.partial.Load()
}

func (c *conn) lessMissed(than *conn) bool {
	if a, b := c.carried.Load(), than.carried.Load(); a != b {
		return b
	}
	return c.active.Load() < than.active.Load()
}

// serve runs the connection from its opening to its end.
func (c *conn) serve() {
	defer c.cancel()
	if err := c.open(); err != nil {
		c.kill(err)
		c.failQueued()
		return
	}
	c.streams.layer.wg.Go(c.write)
	end := c.read()
	c.streams.layer.Flush()
	switch end {
	case endBroken:
		c.kill(ErrConnClosed)
	case endHalfClosed:
		c.streams.noRequests(c)
		c.waitHalfClosed()
		c.finish()
	default:
		c.finish()
	}
	<-c.written
	c.bye(end == endRefused)
	c.kill(ErrConnClosed)
}

// waitHalfClosed waits while responses may still go to a peer that has stopped sending.
func (c *conn) waitHalfClosed() {
	for {
		rest := min(halfClosedWait, c.options().Idle) - time.Duration(time.Now().UnixNano()-c.active.Load())
		if rest <= 0 {
			return
		}
		select {
		case <-time.After(rest):
		case <-c.stop:
			return
		case <-c.done:
			return
		}
	}
}

// bye says that nothing more will come; linger: so that the peer can read what did,
// whatever it is sending (closing with input unread would reset the connection).
func (c *conn) bye(linger bool) {
	select {
	case <-c.done:
		return
	default:
	}
	if w, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	if !linger {
		return
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(lingerWait))
	b := make([]byte, 4096)
	for n := 0; n < lingerBytes; {
		m, err := c.raw.Read(b)
		if n += m; err != nil {
			return
		}
	}
}

// finish lets the connection write what it holds and end.
func (c *conn) finish() {
	c.streams.remove(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return
	}
	c.ending = true
	close(c.stop)
	if c.raw != nil {
		_ = c.raw.SetReadDeadline(time.Unix(1, 0))
	}
}

// kill ends the connection now; what is queued fails with err.
func (c *conn) kill(err error) {
	c.streams.remove(c)
	c.die(err)
}

func (c *conn) die(err error) {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	c.dead, c.cause = true, err
	close(c.done)
	if c.raw != nil {
		_ = c.raw.Close() // not nc: TLS would wait to say good-bye
	}
}
