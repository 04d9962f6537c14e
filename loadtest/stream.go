package loadtest

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"clirgate/loadtest/wire"
)

// streams is the TCP or TLS side of an endpoint: what it accepts and what it opens. A
// message is handled by the reader of its connection, under the loop's lock; what is
// sent is gathered and written by the connection's own writer, so that a slow peer
// blocks nobody.
type streams struct {
	ep       *endpoint
	listener net.Listener
	tls      *tls.Config // of connections opened; nil: plain TCP
	mu       sync.Mutex
	conns    map[netip.AddrPort]*streamConn
	all      map[*streamConn]bool
	closed   bool
	wg       sync.WaitGroup
}

// streamConn is one connection.
type streamConn struct {
	s      *streams
	conn   net.Conn
	remote netip.AddrPort
	mu     sync.Mutex
	wake   *sync.Cond
	out    []byte
	closed bool
}

// maxPending bounds what waits to be written; beyond it the connection is given up.
const maxPending = 16 << 20

func newStreams(ep *endpoint, l net.Listener, client *tls.Config) *streams {
	s := &streams{ep: ep, listener: l, tls: client, conns: map[netip.AddrPort]*streamConn{}, all: map[*streamConn]bool{}}
	s.wg.Add(1)
	go s.accept()
	return s
}

func (s *streams) accept() {
	defer s.wg.Done()
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.add(c, c.RemoteAddr().(*net.TCPAddr).AddrPort())
	}
}

// add takes a connection into service, nil when the endpoint is closing.
func (s *streams) add(c net.Conn, remote netip.AddrPort) *streamConn {
	sc := &streamConn{s: s, conn: c, remote: unmap(remote)}
	sc.wake = sync.NewCond(&sc.mu)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return nil
	}
	s.conns[sc.remote], s.all[sc] = sc, true
	s.wg.Add(2)
	go sc.read()
	go sc.write()
	return sc
}

// dialTime bounds opening a connection.
const dialTime = 2 * time.Second

// to is a connection to an address: the one there is, or a new one. While it is being
// opened, what is sent waits in it.
func (s *streams) to(a netip.AddrPort) *streamConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[a]; c != nil || s.closed {
		return c
	}
	sc := &streamConn{s: s, remote: a}
	sc.wake = sync.NewCond(&sc.mu)
	s.conns[a], s.all[sc] = sc, true
	s.wg.Add(1)
	go sc.open()
	return sc
}

func (c *streamConn) open() {
	defer c.s.wg.Done()
	// From the endpoint's own address: elements know their neighbours by it.
	d := net.Dialer{Timeout: dialTime, LocalAddr: &net.TCPAddr{IP: c.s.ep.hostport.Addr().AsSlice()}}
	conn, err := d.Dial("tcp", c.remote.String())
	if err == nil && c.s.tls != nil {
		t := tls.Client(conn, c.s.tls)
		_ = t.SetDeadline(time.Now().Add(dialTime))
		if err = t.Handshake(); err != nil {
			conn.Close()
		}
		_ = t.SetDeadline(time.Time{})
		conn = t
	}
	c.s.mu.Lock()
	if err != nil || c.s.closed {
		c.s.mu.Unlock()
		if err == nil {
			conn.Close()
		}
		c.close()
		return
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	c.s.wg.Add(2)
	c.s.mu.Unlock()
	go c.read()
	go c.write()
}

// send queues b.
func (c *streamConn) send(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.out)+len(b) > maxPending {
		return
	}
	c.out = append(c.out, b...)
	c.wake.Signal()
}

func (c *streamConn) write() {
	defer c.s.wg.Done()
	var spare []byte
	for {
		c.mu.Lock()
		for len(c.out) == 0 && !c.closed {
			c.wake.Wait()
		}
		if c.closed {
			c.mu.Unlock()
			return
		}
		b := c.out
		c.out = spare[:0]
		c.mu.Unlock()
		if _, err := c.conn.Write(b); err != nil {
			c.close()
			return
		}
		spare = b
	}
}

// read frames messages by Content-Length (RFC 3261 18.3).
func (c *streamConn) read() {
	defer c.s.wg.Done()
	defer c.close()
	buf := make([]byte, 0, 64<<10)
	for {
		if len(buf) == cap(buf) {
			return // a message that does not fit is none of ours
		}
		n, err := c.conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		at := time.Now().UnixNano()
		buf = buf[:len(buf)+n]
		rest := c.s.ep.frames(buf, c, at)
		buf = append(buf[:0], rest...)
	}
}

// frames handles the whole messages in b and answers what is left.
func (ep *endpoint) frames(b []byte, c *streamConn, at int64) []byte {
	ep.loop.mu.Lock()
	defer ep.loop.mu.Unlock()
	for {
		for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') { // keep-alive, RFC 5626 4.4.1
			b = b[1:]
		}
		n, body := wire.Length(b)
		if body == 0 || n < 0 || len(b) < body+n {
			break
		}
		ep.receive(b[:body+n], dest{addr: c.remote, conn: c}, at)
		b = b[body+n:]
	}
	ep.flush()
	return b
}

// close gives the connection up; calls on it run into their timers.
func (c *streamConn) close() {
	c.mu.Lock()
	c.closed = true
	if c.conn != nil {
		c.conn.Close()
	}
	c.wake.Broadcast()
	c.mu.Unlock()
	c.s.mu.Lock()
	if c.s.conns[c.remote] == c {
		delete(c.s.conns, c.remote)
	}
	delete(c.s.all, c)
	c.s.mu.Unlock()
}

// stop closes everything and waits for its goroutines.
func (s *streams) stop() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	var all []*streamConn
	for c := range s.all {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		c.close()
	}
	s.wg.Wait()
}
