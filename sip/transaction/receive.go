package transaction

import (
	"bytes"
	"errors"
	"sync"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// scratch is what one call of Receive works with.
type scratch struct {
	m         message.Message // as received
	sent      message.Message // a request of ours, read again
	key       []byte
	dialogKey []byte
	out       []byte
	told      []byte // a response with a report of our load
	tag       [tagLength]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// ErrUnmatchable: a message whose transaction cannot be told.
var ErrUnmatchable = errors.New("transaction: no usable Via or CSeq")

// ErrUnframed: a message on a stream that does not say how long it is, so that nobody
// knows where the next begins (RFC 3261 18.3). Transport closes the connection.
var ErrUnframed = errors.New("transaction: no Content-Length on a stream")

// Receive takes in one message; b is valid only during the call.
func (l *Layer) Receive(b []byte, f transport.Flow) {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	m := &w.m
	if err := m.Parse(b); err != nil {
		l.unreadable(w, f, err)
		return
	}
	via, hasVia := m.TopVia()
	n, _, hasCSeq := m.CSeq()
	switch {
	case !hasVia || !hasCSeq:
		l.unreadable(w, f, ErrUnmatchable)
	case f.Stream() && !m.Has(message.HContentLength):
		l.unreadable(w, f, ErrUnframed)
	case !m.IsRequest():
		l.receiveResponse(w, &via, f)
	case m.Method() == message.ACK:
		l.receiveAck(w, &via, n, f)
	case m.Method() == message.CANCEL:
		l.receiveCancel(w, &via, n, f)
	default:
		l.receiveRequest(w, &via, n, f)
	}
}

// receiveRequest begins a server transaction, or finds that the request belongs to
// one.
func (l *Layer) receiveRequest(w *scratch, via *message.Via, n uint32, f transport.Flow) {
	if g := l.options.Gate; g != nil && g.Watching() && l.refused(w, via, n, f) {
		return
	}
	s, isNew := l.serverFor(w, via, n, f)
	if !isNew {
		s.repeated()
		return
	}
	s.start(&w.m)
	l.user.Request(s)
	s.watch()
	s.leave()
	s.release()
}

// repeated: the request came again. s is held.
func (s *Server) repeated() {
	s.mu.Lock()
	s.handle(onRequest, 0, nil)
	s.leave()
	s.release()
}

// serverFor finds the transaction of a request, or makes one and returns it locked.
// Either way it is held.
func (l *Layer) serverFor(w *scratch, via *message.Via, n uint32, f transport.Flow) (s *Server, isNew bool) {
	m := &w.m
	w.key = appendServerKey(w.key[:0], m, m.Method(), via, n)
	hash := l.hash(w.key)
	if s, ok := l.servers.find(hash, w.key); ok {
		return s, false
	}
	s = l.newServer(m, via, f)
	s.hold()
	s.byBranch.hash, s.byBranch.ident = hash, append(s.byBranch.ident[:0], w.key...)
	if other, exists := l.servers.addNew(&s.byBranch); exists {
		s.mu.Unlock()
		l.serverPool.Put(s) // nobody has seen it
		return other, false
	}
	if s.method == message.INVITE {
		s.byDialog.ident = appendDialogKey(s.byDialog.ident[:0], m, n)
		s.byDialog.hash = l.hash(s.byDialog.ident)
		l.invites.add(&s.byDialog)
	}
	return s, true
}

// receiveAck: the ACK for a failure response ends here, the one for a 2xx goes on
// (RFC 3261 17.1.1.3, 17.2.1; RFC 6026 7.1).
func (l *Layer) receiveAck(w *scratch, via *message.Via, n uint32, f transport.Flow) {
	s, ok := l.inviteFor(w, via, n, func(s *Server) int {
		return 4*accepts(s) + near(s, f) // an ACK with a branch of its own is one for 2xx
	})
	if !ok {
		if l.ownTag(w, n) {
			l.count.absorbed.Add(1)
			return
		}
		l.user.Ack(nil, &w.m, f)
		return
	}
	s.mu.Lock()
	if s.handle(onAck, 0, nil)&pass != 0 {
		l.user.Ack(s, &w.m, f)
	}
	s.leave()
	s.release()
}

// ownTag tells whether an ACK is for a response of the layer's own, by its To tag:
// one without state, or of a transaction that is over. It ends here (RFC 3261 8.2.7).
func (l *Layer) ownTag(w *scratch, n uint32) bool {
	w.dialogKey = appendDialogKey(w.dialogKey[:0], &w.m, n)
	return bytes.Equal(w.m.ToTag(), l.tag(&w.tag, w.dialogKey))
}

// receiveCancel answers CANCEL in a transaction of its own and tells the User,
// unless the INVITE has its final response (RFC 3261 9.2).
func (l *Layer) receiveCancel(w *scratch, via *message.Via, n uint32, f transport.Flow) {
	w.key = appendServerKey(w.key[:0], &w.m, message.CANCEL, via, n)
	if s, ok := l.servers.find(l.hash(w.key), w.key); ok {
		s.repeated()
		return
	}
	invite, ok := l.inviteFor(w, via, n, func(s *Server) int {
		return 4*(1-answered(s)) + near(s, f)
	})
	if !ok {
		l.answerStateless(w, via, f, 481, nil)
		return
	}
	defer invite.release()
	s, isNew := l.serverFor(w, via, n, f)
	if !isNew {
		s.repeated()
		return
	}
	s.start(&w.m)
	s.Reply(200, "", nil)
	s.leave()
	s.release()

	invite.mu.Lock()
	if !invite.Answered() && invite.Alive() {
		l.user.Cancel(invite, &w.m)
	}
	invite.leave()
}

// inviteFor finds the INVITE that an ACK or CANCEL belongs to, held: by branch, or,
// when the phone made a new one, by dialog key and the best score.
func (l *Layer) inviteFor(w *scratch, via *message.Via, n uint32, score func(*Server) int) (*Server, bool) {
	w.key = appendServerKey(w.key[:0], &w.m, message.INVITE, via, n)
	if s, ok := l.servers.find(l.hash(w.key), w.key); ok {
		return s, true
	}
	w.dialogKey = appendDialogKey(w.dialogKey[:0], &w.m, n)
	return l.invites.best(l.hash(w.dialogKey), w.dialogKey, score)
}

func accepts(s *Server) int {
	if s.final.Load()/100 == 2 {
		return 1
	}
	return 0
}

func answered(s *Server) int {
	if s.final.Load() != 0 {
		return 1
	}
	return 0
}

// near tells how close the source of a message is to that of a transaction's
// request. An entry's flow does not change while it is in an index.
func near(s *Server, f transport.Flow) int {
	switch {
	case s.flow.Remote == f.Remote:
		return 2
	case s.flow.Remote.Addr() == f.Remote.Addr():
		return 1
	}
	return 0
}

// receiveResponse finds the client transaction of a response (RFC 3261 17.1.3). One
// without is dropped (RFC 6026 7).
func (l *Layer) receiveResponse(w *scratch, via *message.Via, f transport.Flow) {
	w.key = appendClientKey(w.key[:0], w.m.Method(), via.Branch)
	c, ok := l.clients.find(l.hash(w.key), w.key)
	if !ok {
		l.count.strays.Add(1)
		l.user.Stray(f)
		return
	}
	s := c.server
	s.mu.Lock()
	c.receive(&w.m)
	s.leave()
	s.release()
}
