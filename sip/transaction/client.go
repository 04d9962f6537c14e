package transaction

import (
	"bytes"
	"errors"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// Client is a client transaction. Its methods want the server transaction's lock held.
type Client struct {
	// Data belongs to the User.
	Data any

	core
	server    *Server
	next      *Client
	flow      transport.Flow
	sent      *[]byte // the request as sent, as long as something may be built from it
	ack       *[]byte // ACK for the failure response, to be sent again
	extra     *[]byte // header lines for CANCEL
	method    message.Method
	cancelled bool // CANCEL was sent
	gone      bool // counted out, in no index

	byBranch entry[*Client]
}

var (
	// ErrBranchInUse: Server.Client was given a branch that another transaction has.
	ErrBranchInUse = errors.New("transaction: branch in use")
	// ErrEnded: Server.Client was called after Terminated.
	ErrEnded = errors.New("transaction: server transaction has ended")
	// ErrNoRequest: Server.Client was given a response, an ACK, or no message.
	ErrNoRequest = errors.New("transaction: not a request that makes a transaction")
)

// Client begins a client transaction that sends b (copied; topmost Via is ours with
// the branch given, which must be unique) to f. giveUp shortens timer B or F while no
// response at all came (0: standard). Lock held. An error means that nothing was
// sent and no transaction exists; Failed is not called for it.
func (s *Server) Client(b []byte, branch []byte, f transport.Flow, giveUp time.Duration) (*Client, error) {
	method := requestMethod(b)
	if method == message.MethodNone || method == message.ACK {
		return nil, ErrNoRequest
	}
	if s.ended {
		return nil, ErrEnded
	}
	return s.newClient(b, method, branch, f, giveUp, false)
}

// requestMethod reads the method of a request, none for a response.
func requestMethod(b []byte) message.Method {
	name, _, found := bytes.Cut(b, []byte{' '})
	if !found || bytes.IndexByte(name, '/') >= 0 {
		return message.MethodNone
	}
	return message.LookupMethod(name)
}

// Server is the transaction that c was begun for.
func (c *Client) Server() *Server { return c.server }

// Method is the request's method.
func (c *Client) Method() message.Method { return c.method }

// Flow is where the request was sent to.
func (c *Client) Flow() transport.Flow { return c.flow }

// Sent is the request as sent; empty once it is not needed any more: after a final
// response or a failure.
func (c *Client) Sent() []byte { return bytesOf(c.sent) }

// Final: a final response came, or the transaction failed.
func (c *Client) Final() bool { return !c.pending }

// Cancel cancels a pending INVITE: built from the request as sent (RFC 3261 9.1),
// with extra header lines (copied); sent at once when a provisional response has
// come, else when the first one comes. Nothing happens when it is too late.
func (c *Client) Cancel(extra []byte) {
	if c.method != message.INVITE || c.machine()[c.state][onCancel].next == none {
		return
	}
	free(&c.extra)
	if len(extra) > 0 {
		c.extra = newBuffer(extra)
	}
	c.handle(onCancel, nil)
}

func (c *Client) machine() *machine {
	if c.method == message.INVITE {
		return &inviteClient
	}
	return &nonInviteClient
}

// newClient begins a client transaction. One that cannot be sent stays with s as
// terminated: a lookup may have seen it.
func (s *Server) newClient(b []byte, method message.Method, branch []byte, f transport.Flow, giveUp time.Duration, ours bool) (*Client, error) {
	l := s.layer
	c, _ := l.clientPool.Get().(*Client)
	if c == nil {
		c = new(Client)
		c.byBranch.tx = c
	}
	c.server, c.flow, c.method, c.stream = s, f, method, f.Stream()
	c.state, c.gone = terminated, true
	c.next, s.clients = s.clients, c
	c.byBranch.ident = appendClientKey(c.byBranch.ident[:0], method, branch)
	c.byBranch.hash = l.hash(c.byBranch.ident)
	if other, exists := l.clients.addNew(&c.byBranch); exists {
		other.server.release()
		return nil, ErrBranchInUse
	}
	if err := l.send(f, b); err != nil {
		l.clients.remove(&c.byBranch)
		return nil, err
	}
	c.start(b, giveUp, ours)
	return c, nil
}

// start begins the machine; the request has just been sent.
func (c *Client) start(b []byte, giveUp time.Duration, ours bool) {
	l := c.server.layer
	c.sent = newBuffer(b)
	c.gone = false
	c.server.live++
	l.count.clients.Add(1)
	first, repeat, until := trying, timerE, timerF
	if c.method == message.INVITE {
		first, repeat, until = calling, timerA, timerB
	}
	c.enter(l, first, c, ours)
	c.set(l, &c.repeat, repeat)
	if giveUp > 0 && giveUp < 64*l.options.T1 {
		l.wheel.arm(&c.until, timerGiveUp, giveUp)
	} else {
		c.set(l, &c.until, until)
	}
}

// receive takes in a response.
func (c *Client) receive(m *message.Message) {
	switch status := m.Status(); {
	case status == 100:
		c.handle(on100, m)
	case status < 200:
		c.handle(on1xx, m)
	case status < 300:
		c.handle(on2xx, m)
	default:
		c.handle(onFailure, m)
	}
}

// handle makes one step. m is the response, if e is one.
func (c *Client) handle(e event, m *message.Message) {
	l := c.server.layer
	do, ok := c.move(l, c.machine(), e)
	if !ok {
		l.count.absorbed.Add(1)
		return
	}
	if c.state == completed || c.state == accepted || c.state == abandoned || c.state == terminated {
		c.settle(l)
	}
	if do&again != 0 {
		l.count.retransmitted.Add(1)
		c.transmit(c.sent)
	}
	if do&ack != 0 {
		c.acknowledge(m)
	}
	if do&cancel != 0 {
		c.sendCancel()
	}
	if do&pass != 0 {
		c.deliver(m)
	}
	if do&fail != 0 {
		c.report(e.failure())
	}
	c.trim()
}

func (c *Client) transmit(b *[]byte) {
	if err := c.server.layer.send(c.flow, bytesOf(b)); err != nil && c.state != terminated {
		c.handle(onTransportError, nil)
	}
}

// acknowledge sends the ACK for a failure response, the same each time it comes.
func (c *Client) acknowledge(m *message.Message) {
	if c.ack == nil {
		w := scratches.Get().(*scratch)
		defer scratches.Put(w)
		w.out = appendAck(w.out[:0], &w.sent, bytesOf(c.sent), m)
		c.ack = newBuffer(w.out)
	} else {
		c.server.layer.count.absorbed.Add(1)
		c.server.layer.count.retransmitted.Add(1)
	}
	c.transmit(c.ack)
}

// sendCancel sends CANCEL, once, as a transaction of its own with the same branch.
// If that fails, timerCancelled ends the INVITE.
func (c *Client) sendCancel() {
	if c.cancelled {
		return
	}
	c.cancelled = true
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	w.out = appendCancel(w.out[:0], &w.sent, bytesOf(c.sent), bytesOf(c.extra))
	_, _ = c.server.newClient(w.out, message.CANCEL, c.byBranch.ident[1:], c.flow, 0, true)
}

// deliver hands a response to the User, unless nobody can use it (RFC 4320 4.2).
func (c *Client) deliver(m *message.Message) {
	s := c.server
	if c.ours || s.method != message.INVITE && s.Answered() {
		return
	}
	s.layer.user.Response(c, m)
}

// report tells the User of a failure.
func (c *Client) report(why Failure) {
	if c.ours {
		return
	}
	c.server.layer.user.Failed(c, why)
	if why == TimerC {
		c.Cancel(nil) // in case the User did not
	}
}

// trim gives free what the state has no use for.
func (c *Client) trim() {
	switch c.state {
	case terminated:
		c.over()
	case completed, accepted:
		free(&c.sent)
		free(&c.extra)
	}
}

// over: the machine is terminated. The memory stays with the server transaction.
func (c *Client) over() {
	if c.gone {
		return
	}
	c.gone = true
	l := c.server.layer
	l.wheel.cancel(&c.repeat)
	l.wheel.cancel(&c.until)
	c.settle(l)
	c.releaseBuffers()
	l.clients.remove(&c.byBranch)
	l.count.clients.Add(-1)
	c.server.live--
}

func (c *Client) releaseBuffers() {
	free(&c.sent)
	free(&c.ack)
	free(&c.extra)
}

// reset makes c ready for the pool.
func (c *Client) reset() {
	c.Data, c.server, c.next = nil, nil, nil
	c.cancelled = false
}

func (c *Client) hold() { c.server.hold() }

// fire is called by the wheel, which has called hold.
func (c *Client) fire(t *timer, due int64) {
	s := c.server
	s.mu.Lock()
	if t.fired(due) {
		c.handle(t.name, nil)
	}
	s.leave()
	s.release()
}
