package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	evictAfter = time.Second            // a younger or more recently used connection is not evicted
	evictRest  = 100 * time.Millisecond // after a search for one in vain
)

// streams is the table of all TCP and TLS connections.
type streams struct {
	layer          *Layer
	received, sent atomic.Uint64

	mu       sync.Mutex // taken before a connection's mu
	conns    map[uint32]*conn
	routes   map[route]*conn // what requests to an address go over
	last     uint32
	closed   bool
	noVictim time.Time // no search before
}

// route is where a request goes to and the listener it goes out by.
type route struct {
	net      Network
	listener uint8
	remote   netip.AddrPort
}

func routeOf(f Flow) route { return route{f.Net, f.Listener, f.Remote} }

func newStreams(l *Layer) *streams {
	return &streams{layer: l, conns: map[uint32]*conn{}, routes: map[route]*conn{}}
}

func (s *streams) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Received: s.received.Load(), Sent: s.sent.Load(), Conns: len(s.conns)}
}

// send queues b; a connection that ended meanwhile is replaced.
func (s *streams) send(f Flow, b []byte) error {
	if len(b) > outboxBytes {
		return ErrTooLarge
	}
	for range 3 {
		c, err := s.find(f)
		if err != nil {
			return err
		}
		if err := c.enqueue(f, b); err != ErrConnClosed {
			return err
		}
	}
	return ErrConnClosed
}

// find returns the connection f came by, one to its remote address, or a new one that
// is being dialled.
func (s *streams) find(f Flow) (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[f.Conn]; c != nil && c.flow == f {
		return c, nil
	}
	if c := s.routes[routeOf(f)]; c != nil {
		return c, nil
	}
	c := newConn(s, f, nil)
	c.dialled = true
	if err := s.add(c); err != nil {
		c.cancel()
		return nil, err
	}
	s.routes[routeOf(f)] = c
	c.routes[routeOf(f)] = true
	return c, nil
}

// add gives c its number and starts it; mu is held.
func (s *streams) add(c *conn) error {
	if s.closed {
		return ErrClosed
	}
	if len(s.conns) >= s.layer.options.MaxConns && !s.evict() {
		return ErrTooManyConns
	}
	for s.last++; s.last == 0 || s.conns[s.last] != nil; {
		s.last++
	}
	c.flow.Conn = s.last
	s.conns[s.last] = c
	s.layer.wg.Go(c.serve)
	return nil
}

// evict ends the connection that is missed least: one that never carried a message if
// there is such, else the one idle for longest. mu is held.
func (s *streams) evict() bool {
	now := time.Now()
	if now.Before(s.noVictim) {
		return false
	}
	var victim *conn
	for _, c := range s.conns {
		if c.evictable(now) && (victim == nil || c.lessMissed(victim)) {
			victim = c
		}
	}
	if victim == nil {
		s.noVictim = now.Add(evictRest)
		return false
	}
	s.forget(victim)
	victim.die(ErrTooManyConns)
	return true
}

// remove takes c out of the tables.
func (s *streams) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(c)
}

func (s *streams) forget(c *conn) {
	s.forgetRoutes(c)
	delete(s.conns, c.flow.Conn)
}

func (s *streams) forgetRoutes(c *conn) {
	for r := range c.routes {
		if s.routes[r] == c {
			delete(s.routes, r)
		}
	}
	clear(c.routes)
}

// noRequests takes c away from requests; responses still go over it.
func (s *streams) noRequests(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetRoutes(c)
}

func (s *streams) all() []*conn {
	cs := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		cs = append(cs, c)
	}
	return cs
}

func (s *streams) finishAll() {
	s.mu.Lock()
	s.closed = true
	cs := s.all()
	s.mu.Unlock()
	for _, c := range cs {
		c.finish()
	}
}

func (s *streams) killAll(err error) {
	s.mu.Lock()
	cs := s.all()
	s.mu.Unlock()
	for _, c := range cs {
		c.kill(err)
	}
}

// accept is the goroutine of a stream listener.
func (s *streams) accept(listener uint8, p port) {
	for wait := time.Duration(0); ; {
		nc, err := p.stream.Accept()
		if err != nil {
			if s.layer.closed.Load() {
				return
			}
			wait = min(max(2*wait, 5*time.Millisecond), 500*time.Millisecond) // out of descriptors, perhaps
			time.Sleep(wait)
			continue
		}
		wait = 0
		remote := unmapped(nc.RemoteAddr().(*net.TCPAddr).AddrPort())
		s.adopt(stamp(nc), Flow{Net: p.Net, Listener: listener, Remote: remote})
	}
}

// adopt takes an accepted connection in, or refuses it.
func (s *streams) adopt(nc net.Conn, f Flow) {
	c := newConn(s, f, nc)
	s.mu.Lock()
	err := s.add(c)
	s.mu.Unlock()
	if err != nil {
		c.cancel()
		_ = nc.Close()
	}
	if errors.Is(err, ErrTooManyConns) {
		s.layer.handler.Discarded(f, DiscardLimit)
	}
}
