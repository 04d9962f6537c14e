package transaction

import (
	"sync"
	"sync/atomic"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// Server is a server transaction.
type Server struct {
	// Data belongs to the User; cleared when the transaction ends.
	Data any

	core
	mu      sync.Mutex
	layer   *Layer
	refs    atomic.Int32 // memory is recycled at zero
	final   atomic.Int32 // final status code; written under mu, read anywhere
	live    int          // this machine, if not terminated, and those of clients
	clients *Client      // newest first

	request *message.Message
	last    *[]byte // last response, as long as it may have to be sent again
	flow    transport.Flow
	back    transport.Flow // where responses go
	viaPort uint16
	asks    bool // the neighbour wants to know our load
	method  message.Method
	gone    bool // machine counted out, in no index
	ended   bool // the User was told

	byBranch entry[*Server]
	byDialog entry[*Server] // INVITE only
}

// Lock is for a User that comes back from outside a callback (record written, name
// resolved); it must have called Hold before.
func (s *Server) Lock() { s.mu.Lock() }

// Unlock ends what Lock began. When the transaction ended in between, the User is
// told so before the lock is released.
func (s *Server) Unlock() { s.leave() }

// Hold keeps the transaction's memory from being reused until Release.
func (s *Server) Hold() { s.hold() }

// Release ends what Hold began. With or without the lock held; nothing but Unlock
// may follow.
func (s *Server) Release() { s.release() }

// Alive tells whether the transaction is not over: it can still be answered, or has
// been and may have to be again. Lock held.
func (s *Server) Alive() bool { return s.state != terminated }

// Request is the received request, owned by the transaction. It stays until the
// final response is sent (for INVITE: until Terminated); then it is nil. Inside a
// callback it does not go away.
func (s *Server) Request() *message.Message { return s.request }

// Flow is where the request came from.
func (s *Server) Flow() transport.Flow { return s.flow }

// Answered: a final response was sent, or swallowed as RFC 4320 wants it.
func (s *Server) Answered() bool { return s.final.Load() != 0 }

// Trying sends 100 if nothing was sent yet (INVITE only; for others RFC 4320 4.1
// forbids it, and the layer sends 100 by itself when it must).
func (s *Server) Trying() {
	if s.method == message.INVITE && s.last == nil && !s.Answered() {
		s.Reply(100, "", nil)
	}
}

// Respond sends a response given as its finished bytes (copied). The transaction
// retransmits it as it must. A 408 to a non-INVITE is swallowed (RFC 4320 4.2), and
// so are its other provisional responses (4.1); a second final response is
// swallowed, but every 2xx to INVITE passes (RFC 6026).
func (s *Server) Respond(status int, b []byte) {
	e := s.responseEvent(status)
	if s.ended || e == noEvent {
		return
	}
	if s.state == terminated && e == send2xx && s.method == message.INVITE && s.final.Load()/100 == 2 {
		s.transmit(b) // after timer L: RFC 3261 13.3.1.4 has it pass all the same
		return
	}
	if s.asks {
		w := scratches.Get().(*scratch)
		defer scratches.Put(w)
		b = s.layer.reported(w, b)
	}
	s.handle(e, status, b)
}

func (s *Server) responseEvent(status int) event {
	switch {
	case status == 100 && s.method != message.INVITE && s.state == trying && !s.stream:
		return noEvent
	case status == 100:
		return send100
	case status < 200:
		return send1xx
	case status < 300:
		return send2xx
	case status == 408 && s.method != message.INVITE:
		return sendNone
	}
	return sendFinal
}

// Reply builds and sends a response of our own (message.AppendResponse), with a To
// tag of our own when status is above 100. extra: whole header lines with CRLF.
func (s *Server) Reply(status int, reason string, extra []byte) {
	if s.request == nil {
		return
	}
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.out = s.layer.appendReply(w, s.request, status, reason, extra, s.flow)
	s.Respond(status, w.out)
}

// Clients yields the client transactions begun for s and not yet terminated.
func (s *Server) Clients() func(yield func(*Client) bool) {
	return func(yield func(*Client) bool) {
		for c := s.clients; c != nil; c = c.next {
			if c.state != terminated && !c.ours && !yield(c) {
				return
			}
		}
	}
}

func (s *Server) machine() *machine {
	if s.method == message.INVITE {
		return &inviteServer
	}
	return &nonInviteServer
}

// handle makes one step. It returns the actions that are the caller's: pass.
func (s *Server) handle(e event, status int, b []byte) action {
	do, ok := s.move(s.layer, s.machine(), e)
	if !ok {
		s.layer.count.absorbed.Add(1)
		return 0
	}
	if e == sendFinal || e == send2xx || e == sendNone {
		s.final.CompareAndSwap(0, int32(status))
		s.settle(s.layer)
	}
	if e == sendNone {
		free(&s.last) // silence from now on
	}
	if do&send != 0 {
		s.keep(status, b)
		s.transmit(b)
	}
	if do&again != 0 {
		s.retransmit(e)
	}
	if do&reply100 != 0 && s.last == nil {
		s.Reply(100, "", nil)
	}
	if s.state == terminated {
		s.over()
	}
	return do & pass
}

// keep stores a response that may have to be sent again. A 2xx to INVITE is sent
// again by the one who made it (RFC 6026 7.1).
func (s *Server) keep(status int, b []byte) {
	free(&s.last)
	twoHundred := s.method == message.INVITE && status/100 == 2
	if !twoHundred && s.state != terminated {
		s.last = newBuffer(b)
	}
}

func (s *Server) retransmit(e event) {
	if e == onRequest {
		s.layer.count.absorbed.Add(1)
	}
	if s.last != nil {
		s.layer.count.retransmitted.Add(1)
		s.transmit(*s.last)
	}
}

// transmit sends a response; when the connection is gone, by a new one.
func (s *Server) transmit(b []byte) {
	err := s.layer.send(s.back, b)
	if err != nil && s.back.Conn != 0 {
		s.back = reconnect(s.back, s.viaPort)
		err = s.layer.send(s.back, b)
	}
	if err != nil && s.machine()[s.state][onTransportError].next != none {
		s.handle(onTransportError, 0, nil)
	}
}

// over: this machine is terminated. Clients may still live.
func (s *Server) over() {
	if s.gone {
		return
	}
	s.gone = true
	l := s.layer
	l.wheel.cancel(&s.repeat)
	l.wheel.cancel(&s.until)
	s.settle(l)
	free(&s.last)
	l.servers.remove(&s.byBranch)
	if s.method == message.INVITE {
		l.invites.remove(&s.byDialog)
	}
	l.count.servers.Add(-1)
	s.live--
}

// leave ends every stay under the lock: it gives free what is not needed any more,
// and tells the User when all is over.
func (s *Server) leave() {
	if s.request != nil && s.method != message.INVITE && (s.Answered() || s.state == terminated) {
		freeMessage(&s.request)
	}
	if s.live > 0 || s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	if !s.ours {
		s.layer.user.Terminated(s)
	}
	s.Data = nil
	freeMessage(&s.request)
	s.mu.Unlock()
	s.release()
}

func (s *Server) hold() { s.refs.Add(1) }

func (s *Server) release() {
	if s.refs.Add(-1) == 0 {
		s.layer.recycle(s)
	}
}

// fire is called by the wheel, which has called hold.
func (s *Server) fire(t *timer, due int64) {
	s.mu.Lock()
	if t.fired(due) {
		s.handle(t.name, 0, nil)
	}
	s.leave()
	s.release()
}

// newServer is a transaction for the request m, locked, in no index yet.
func (l *Layer) newServer(m *message.Message, via *message.Via, f transport.Flow) *Server {
	s, _ := l.serverPool.Get().(*Server)
	if s == nil {
		s = &Server{layer: l}
		s.byBranch.tx, s.byDialog.tx = s, s
	}
	s.mu.Lock()
	s.refs.Store(1)
	s.final.Store(0)
	s.live, s.gone, s.ended = 1, false, false
	s.method, s.flow = m.Method(), f
	s.back, s.viaPort = responseFlow(m, via, f), viaPort(m, via)
	s.stream = f.Stream()
	s.asks = via.OC && l.options.Gate != nil
	return s
}

// start begins the machine of a transaction that is in the indexes.
func (s *Server) start(m *message.Message) {
	l := s.layer
	s.request = copyMessage(m)
	l.count.servers.Add(1)
	ours := s.method == message.CANCEL
	if s.method == message.INVITE {
		s.enter(l, proceeding, s, ours)
		return
	}
	s.enter(l, trying, s, ours)
	s.set(l, &s.repeat, timerQuiet)
	s.set(l, &s.until, timerLate)
}

// recycle puts s and its clients back. Nobody refers to them any more.
func (l *Layer) recycle(s *Server) {
	for c := s.clients; c != nil; {
		next := c.next
		c.reset()
		l.clientPool.Put(c)
		c = next
	}
	s.clients = nil
	l.serverPool.Put(s)
}

// watch makes sure that an INVITE gets 100 in 200 ms when the User, having seen it,
// sent nothing (RFC 3261 17.2.1).
func (s *Server) watch() {
	if s.state == proceeding && s.method == message.INVITE && s.last == nil {
		s.set(s.layer, &s.repeat, timer100)
	}
}
