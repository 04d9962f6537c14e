package transport

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Layer owns all sockets. Safe for concurrent use.
type Layer struct {
	options Options
	handler Handler // set by Start
	running atomic.Bool
	closed  atomic.Bool
	ports   []port
	sockets []*udpSocket // of all UDP ports
	streams *streams
	before  func() // of every Flush; nil: nothing
	after   func() // of every round of a reader of datagrams; nil: nothing
	wg      sync.WaitGroup
}

// port is a bound listener.
type port struct {
	Listener
	local  netip.AddrPort
	name   string // advertised
	udp    []*udpSocket
	stream net.Listener // TCP and TLS; TLS begins with the connection
}

// New binds every listener, so that ports are known; nothing is read before Start.
func New(o Options) (*Layer, error) {
	l := &Layer{options: o.withDefaults()}
	l.streams = newStreams(l)
	for i, li := range o.Listeners {
		if err := l.bind(i, li); err != nil {
			l.closeSockets()
			return nil, fmt.Errorf("transport: listener %d (%s %s): %w", i, li.Net, li.Address, err)
		}
	}
	return l, nil
}

func (l *Layer) bind(i int, li Listener) error {
	if i > 255 {
		return fmt.Errorf("more than 256 listeners")
	}
	if !li.Address.IsValid() {
		return fmt.Errorf("no address")
	}
	li.Address = unmapped(li.Address)
	p := port{Listener: li}
	switch li.Net {
	case UDP:
		ds, local, err := listenUDP(li.Address, l.options.Sockets, l.options.MaxMessage)
		if err != nil {
			return err
		}
		p.local = local
		for _, d := range ds {
			if l.options.Readers {
				d.keepPlace()
			}
			s := newUDPSocket(l, uint8(i), d)
			s.number = len(l.sockets) + len(p.udp)
			p.udp = append(p.udp, s)
		}
		l.sockets = append(l.sockets, p.udp...)
	case TCP, TLS:
		if li.Net == TLS && l.options.TLS == nil {
			return fmt.Errorf("no TLS configuration")
		}
		ln, err := listenStream(li.Address)
		if err != nil {
			return err
		}
		p.stream, p.local = ln, unmapped(ln.Addr().(*net.TCPAddr).AddrPort())
	default:
		return fmt.Errorf("unknown network")
	}
	p.name = cmp.Or(li.Advertise, p.local.String())
	l.ports = append(l.ports, p)
	return nil
}

// Readers is how many UDP sockets are read, see Options.Readers.
func (l *Layer) Readers() int { return len(l.sockets) }

// Start begins to read. Call it once.
func (l *Layer) Start(h Handler) {
	l.handler = h
	l.running.Store(true)
	for _, s := range l.sockets {
		l.wg.Add(1)
		s.begin()
	}
	for i, p := range l.ports {
		if p.stream != nil {
			l.wg.Go(func() { l.streams.accept(uint8(i), p) })
		}
	}
}

// Send sends b to f. b is copied. UDP is queued and leaves with the next Flush, at
// the latest when the queue holds a full batch; the reading goroutines flush after
// every batch they have handled, everybody else calls Flush when done. Messages to
// one destination keep their order. An error means the message surely did not leave.
//
// A stream message goes over connection f.Conn while that lives, else over one to
// f.Remote that exists (dialled, accepted from there, or an alias), else over a new
// one; nobody waits for it.
func (l *Layer) Send(f Flow, b []byte) error {
	if !l.running.Load() {
		return ErrClosed
	}
	if int(f.Listener) >= len(l.ports) {
		return ErrNoListener
	}
	p := &l.ports[f.Listener]
	f.Remote = unmapped(f.Remote)
	if p.Net != f.Net || !f.Remote.IsValid() || p.local.Addr().Is4() != f.Remote.Addr().Is4() {
		return ErrNoListener
	}
	if p.stream != nil {
		return l.streams.send(f, b)
	}
	if len(b) > maxUDP {
		return ErrTooLarge
	}
	p.udp[spread(f.Remote, len(p.udp))].enqueue(f.Remote, b)
	return nil
}

// spread picks one of n for a destination, always the same.
func spread(a netip.AddrPort, n int) int {
	if n == 1 {
		return 0
	}
	b := a.Addr().As16()
	h := binary.LittleEndian.Uint64(b[:8]) ^ binary.LittleEndian.Uint64(b[8:]) ^ uint64(a.Port())
	h *= 0x9E3779B97F4A7C15 // 2^64 over the golden ratio: mixes upwards
	return int(h >> 32 % uint64(n))
}

// BeforeFlush has f called at the beginning of every Flush: the end of what a reading
// goroutine had to do at once. Call it before Start.
func (l *Layer) BeforeFlush(f func()) { l.before = f }

// AfterRound has f called by the reading goroutine of a UDP socket when it has handled all
// it read at once, before it sends what that brought about. f may take its time where
// Relieve is called now and then. Call it before Start.
func (l *Layer) AfterRound(f func()) { l.after = f }

// Flush sends what is queued.
func (l *Layer) Flush() {
	if l.before != nil {
		l.before()
	}
	for _, s := range l.sockets {
		s.flush()
	}
}

// Local is the bound address of a listener.
func (l *Layer) Local(listener uint8) netip.AddrPort { return l.ports[listener].local }

// Advertised is what to write for a listener into Via, Contact and Record-Route
// ("host:port", IPv6 in brackets).
func (l *Layer) Advertised(listener uint8) string {
	return l.ports[listener].name
}

// Pick finds a listener to reach remote by network (same address family, loopback
// only for loopback if there is a choice); ok false when there is none.
func (l *Layer) Pick(n Network, remote netip.Addr) (listener uint8, ok bool) {
	remote = remote.Unmap()
	for i := range l.ports {
		p := &l.ports[i]
		local := p.local.Addr()
		if p.Net != n || local.Is4() != remote.Is4() {
			continue
		}
		if local.IsUnspecified() || local.IsLoopback() == remote.IsLoopback() {
			return uint8(i), true
		}
		if !ok {
			listener, ok = uint8(i), true
		}
	}
	return listener, ok
}

// Stats is a snapshot of counters and gauges, in messages and connections.
type Stats struct {
	Received, Sent uint64
	Dropped        uint64 // UDP: no room in the system, or refused by it
	Conns          int    // streams now
}

// Stats reads the counters.
func (l *Layer) Stats() Stats {
	st := l.streams.stats()
	for _, s := range l.sockets {
		st.Received += s.received.Load()
		st.Sent += s.sent.Load()
		st.Dropped += s.dropped.Load()
	}
	return st
}

// Close sends what is queued, stops reading and closes every socket; goroutines are
// gone when it returns nil. Streams may write what they hold until ctx is done. Not to
// be called from the Handler.
func (l *Layer) Close(ctx context.Context) error {
	if l.closed.Swap(true) {
		return nil
	}
	l.running.Store(false)
	l.Flush()
	l.closeSockets()
	l.streams.finishAll()
	done := make(chan struct{})
	go func() {
		l.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	l.streams.killAll(ErrClosed)
	l.dismiss()
	<-done
	return ctx.Err()
}

func (l *Layer) closeSockets() {
	for _, s := range l.sockets {
		_ = s.d.close()
	}
	for _, p := range l.ports {
		if p.stream != nil {
			_ = p.stream.Close()
		}
	}
}
