// Package transaction is RFC 3261 section 17 with RFC 6026 and RFC 4320: the four
// state machines, their timers, and the matching of requests and responses.
//
// A server transaction and the client transactions begun for it share one lock;
// the User is called with it held and must not block. There is no goroutine per
// message or per transaction: work happens on the reading goroutines of transport
// and on one timer goroutine.
package transaction

import (
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// Transport is what the layer needs of package transport.
type Transport interface {
	Send(f transport.Flow, b []byte) error
	Flush()
}

// User is the transaction user: the proxy. All methods are called with the lock of
// the server transaction in question held, except Ack and Stray with no transaction.
// Messages given are valid only during the call, but for Server.Request.
type User interface {
	// Request: a new request, not a retransmission, not ACK, not CANCEL.
	Request(tx *Server)
	// Ack: an ACK that is to be routed end to end. tx is the INVITE's server
	// transaction while that is still known (matched by branch, or, as real phones
	// send it, by Call-ID, From tag and CSeq number), else nil.
	Ack(tx *Server, m *message.Message, f transport.Flow)
	// Cancel: CANCEL for tx, which the layer has answered with 200 already.
	// (A CANCEL that matches nothing is answered 481 by the layer.)
	Cancel(tx *Server, m *message.Message)
	// Response: any response to a client transaction, 100 included, and every
	// further 2xx (RFC 6026 7.2); retransmitted others are absorbed.
	Response(c *Client, m *message.Message)
	// Failed: no final response will come by the transaction's own doing.
	Failed(c *Client, why Failure)
	// Terminated: tx is gone; its memory is reused when this returns.
	Terminated(tx *Server)
	// Malformed: message that could not be parsed or matched at all.
	Malformed(f transport.Flow, why error)
	// Stray: a response without transaction; it is dropped (RFC 6026 7).
	Stray(f transport.Flow)
}

// Failure says how a client transaction failed.
type Failure uint8

const (
	TimedOut       Failure = iota + 1 // timer B or F, or the give-up time given, with no response at all
	TimerC                            // RFC 3261 16.6 item 11: provisional came, no final; the proxy cancels
	TransportError                    // could not be sent, or ICMP / connection refused (RFC 3261 16.9)
)

// Options; zero values mean the standard's defaults (SIP-19).
type Options struct {
	T1, T2, T4 time.Duration
	C          time.Duration // timer C [3 min 10 s]
	Now        func() time.Time
}

// Layer holds all transactions.
type Layer struct{ todo Options }

func New(o Options, t Transport, u User) *Layer { panic("todo") }

// Receive and SendFailed make the layer a transport.Handler together with Discarded.
func (l *Layer) Receive(b []byte, f transport.Flow)                { panic("todo") }
func (l *Layer) SendFailed(f transport.Flow, b []byte, err error)  { panic("todo") }
func (l *Layer) Discarded(f transport.Flow, why transport.Discard) { panic("todo") }

// Stats is a snapshot of gauges and counters.
type Stats struct {
	Servers, Clients                                  int
	Retransmitted, Absorbed, Strays, Unparsable, Sent uint64
}

func (l *Layer) Stats() Stats { panic("todo") }

// Pending is the number of transactions without a final response (for draining).
func (l *Layer) Pending() int { panic("todo") }

// Close stops the timer goroutine; transactions are dropped.
func (l *Layer) Close() { panic("todo") }

// Server is a server transaction.
type Server struct {
	// Data belongs to the User; cleared when the transaction ends.
	Data any
}

// Lock, Unlock: for a User that comes back from outside a callback (record
// written, name resolved). Hold keeps the transaction's memory from being reused
// until Release; Alive tells whether it still is the transaction it was.
func (s *Server) Lock()       { panic("todo") }
func (s *Server) Unlock()     { panic("todo") }
func (s *Server) Hold()       { panic("todo") }
func (s *Server) Release()    { panic("todo") }
func (s *Server) Alive() bool { panic("todo") }

// Request is the received request, owned by the transaction; it stays until the
// final response is sent (for INVITE: until terminated).
func (s *Server) Request() *message.Message { panic("todo") }
func (s *Server) Flow() transport.Flow      { panic("todo") }

// Answered: a final response was sent.
func (s *Server) Answered() bool { panic("todo") }

// Trying sends 100 if nothing was sent yet (INVITE only; RFC 4320 for others).
func (s *Server) Trying() { panic("todo") }

// Respond sends a response given as its finished bytes (copied). The transaction
// retransmits it as it must. A 408 to a non-INVITE is swallowed (RFC 4320 4.2); a
// second final response is swallowed, but every 2xx to INVITE passes (RFC 6026).
func (s *Server) Respond(status int, b []byte) { panic("todo") }

// Reply builds and sends a response of our own (message.AppendResponse), with a To
// tag of our own when status is above 100. extra: whole header lines with CRLF.
func (s *Server) Reply(status int, reason string, extra []byte) { panic("todo") }

// Clients yields the client transactions begun for s and not yet terminated.
func (s *Server) Clients() func(yield func(*Client) bool) { panic("todo") }

// Client begins a client transaction that sends b (copied; topmost Via is ours with
// the branch given, which must be unique) to f. giveUp shortens timer B or F while no
// response at all came (0: standard). Lock held.
func (s *Server) Client(b []byte, branch []byte, f transport.Flow, giveUp time.Duration) (*Client, error) {
	panic("todo")
}

// SendAck sends an ACK for a 2xx, or anything else without a transaction.
func (l *Layer) SendStateless(f transport.Flow, b []byte) error { panic("todo") }

// Client is a client transaction. Its methods want the server transaction's lock held.
type Client struct {
	// Data belongs to the User.
	Data any
}

func (c *Client) Server() *Server        { panic("todo") }
func (c *Client) Method() message.Method { panic("todo") }
func (c *Client) Flow() transport.Flow   { panic("todo") }

// Sent is the request as sent; empty once it is not needed any more.
func (c *Client) Sent() []byte { panic("todo") }

// Final: a final response came, or the transaction failed.
func (c *Client) Final() bool { panic("todo") }

// Cancel cancels a pending INVITE: built from the request as sent (RFC 3261 9.1),
// with extra header lines; sent at once when a provisional response has come, else
// when the first one comes.
func (c *Client) Cancel(extra []byte) { panic("todo") }
