package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	sendWait   = 10 * time.Millisecond // longest wait for room in the system's buffer, a batch
	maxLost    = 256                   // failed messages kept for the reading goroutine to report
	quietTries = 100                   // reports of nothing in a row before the reader slows down
)

// udpSocket is one socket of a UDP listener: a reading goroutine, and a queue out that
// anybody fills and whoever comes by empties.
type udpSocket struct {
	layer *Layer
	flow  Flow // without Remote
	d     *datagrams

	number int                   // among all sockets
	shift  atomic.Pointer[shift] // of the reading goroutine

	mu      sync.Mutex
	filling *batch
	queued  atomic.Int32 // messages in filling

	sending sync.Mutex // taken before mu
	spare   *batch

	lostMu sync.Mutex
	lost   []lostMessage

	received, sent, dropped atomic.Uint64
}

type lostMessage struct {
	to  netip.AddrPort
	b   []byte
	err error
}

func newUDPSocket(l *Layer, listener uint8, d *datagrams) *udpSocket {
	return &udpSocket{
		layer: l, flow: Flow{Net: UDP, Listener: listener}, d: d,
		filling: newBatch(), spare: newBatch(),
	}
}

// read is the reading goroutine: it ends when the socket is closed, or when another one
// took its place.
func (s *udpSocket) read(sh *shift) {
	for quiet := 0; ; {
		n, err := s.d.receive()
		switch {
		case err == nil:
			quiet = 0
			s.received.Add(uint64(n))
			s.measure()
			for i := range n {
				s.deliver(s.d.message(i))
			}
		case errors.Is(err, errReport):
			if quiet++; s.report() {
				quiet = 0
			}
			if quiet > quietTries {
				time.Sleep(time.Millisecond)
			}
		default:
			s.layer.wg.Done()
			return
		}
		mine := sh.step(s.layer.after)
		s.layer.Flush()
		if !mine {
			return
		}
	}
}

// measure tells how long the batch just received had to wait.
func (s *udpSocket) measure() {
	if s.layer.options.Waited == nil {
		return
	}
	if came, ok := s.d.came(); ok {
		now := time.Now()
		s.layer.options.Waited(s.number, now.Sub(came), now)
	}
}

func (s *udpSocket) deliver(b []byte, from netip.AddrPort, cut bool) {
	f := s.flow
	f.Remote = from
	if cut || len(b) > s.layer.options.MaxMessage {
		s.layer.handler.Discarded(f, DiscardTooLarge)
		return
	}
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') { // RFC 3261 7.5
		b = b[1:]
	}
	if blank(b) {
		s.layer.handler.Discarded(f, DiscardEmpty)
		return
	}
	s.layer.handler.Receive(b, f)
}

// blank tells whether b holds nothing but space, line ends and zeros.
func blank(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return false
		}
	}
	return true
}

// enqueue copies b into the queue; a full queue is sent at once.
func (s *udpSocket) enqueue(to netip.AddrPort, b []byte) {
	for !s.add(to, b) {
		s.sending.Lock()
		s.sendBatch()
		s.sending.Unlock()
	}
	if s.queued.Load() == batchMessages {
		s.flush()
	}
}

func (s *udpSocket) add(to netip.AddrPort, b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.filling.add(to, b)
	s.queued.Store(int32(s.filling.n))
	return ok
}

// flush sends what is queued, or leaves it to whoever is sending already.
func (s *udpSocket) flush() {
	for s.queued.Load() > 0 && s.sending.TryLock() {
		s.sendBatch()
		s.sending.Unlock()
	}
}

// sendBatch sends what is queued; sending is held.
func (s *udpSocket) sendBatch() {
	s.mu.Lock()
	q := s.filling
	s.filling = s.spare
	s.queued.Store(0)
	s.mu.Unlock()
	s.transmit(q)
	q.reset()
	s.spare = q
}

// transmit sends q in order. What cannot be sent is dropped, alone, and reported by
// the reading goroutine if it is the message's own fault.
func (s *udpSocket) transmit(q *batch) {
	waited, trouble, tries := false, false, 0
	for i := 0; i < q.n; {
		n, err := s.d.send(q, i)
		if errors.Is(err, errAgain) && !waited {
			waited = true
			n, err = s.d.sendPatiently(q, i, sendWait)
		}
		if n > 0 {
			i, tries = i+n, 0
			s.sent.Add(uint64(n))
			trouble = trouble || i < q.n // whatever stopped it is not told
		}
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			s.dropped.Add(uint64(q.n - i))
			return
		case errors.Is(err, errAgain):
			s.dropped.Add(1)
			i++
		default:
			// A system call also returns the ICMP errors of earlier messages, one by
			// one (udp(7)): try again before it is held against this one.
			trouble = true
			if tries++; tries > triesFor(err) {
				s.lose(q.to[i], q.message(i), err)
				i, tries = i+1, 0
			}
		}
	}
	if trouble {
		s.d.wake()
	}
}

// triesFor is how often a message is tried again after err. A refusal is never the
// system's own, so it is another message's; of the rest some are.
func triesFor(err error) int {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 1000
	}
	return 32
}

func (s *udpSocket) lose(to netip.AddrPort, b []byte, err error) {
	s.dropped.Add(1)
	s.lostMu.Lock()
	defer s.lostMu.Unlock()
	if len(s.lost) < maxLost {
		s.lost = append(s.lost, lostMessage{to, append([]byte(nil), b...), err})
	}
}

// report tells the Handler of failures; false when there were none.
func (s *udpSocket) report() (any bool) {
	tell := func(to netip.AddrPort, b []byte, err error) {
		any = true
		f := s.flow
		f.Remote = to
		s.layer.handler.SendFailed(f, b, err)
	}
	s.d.failures(tell)
	s.lostMu.Lock()
	lost := s.lost
	s.lost = nil
	s.lostMu.Unlock()
	for _, m := range lost {
		tell(m.to, m.b, m.err)
	}
	return any
}
