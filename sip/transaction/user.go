package transaction

import (
	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// Transport is what the layer needs of package transport.
type Transport interface {
	Send(f transport.Flow, b []byte) error
	Flush()
}

// User is the transaction user: the proxy. All methods are called with the lock of
// the server transaction in question held, except Malformed, and Ack and Stray with
// no transaction. Messages given are valid only during the call, but for
// Server.Request.
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
	// further 2xx (RFC 6026 7.2); retransmitted others are absorbed. A response to a
	// non-INVITE that has been answered already is absorbed too. After Failed with
	// TimedOut by the give-up time, a late 2xx may still come.
	Response(c *Client, m *message.Message)
	// Failed: no final response will come by the transaction's own doing. For a
	// non-INVITE that has been answered already, Server.Request is nil.
	Failed(c *Client, why Failure)
	// Terminated: tx and all its clients are gone; their memory is reused when this
	// returns.
	Terminated(tx *Server)
	// Malformed: message that could not be parsed or matched at all.
	Malformed(f transport.Flow, why error)
	// Stray: a response without transaction; it is dropped (RFC 6026 7).
	Stray(f transport.Flow)
}

// Failure says how a client transaction failed.
type Failure uint8

const (
	// TimedOut: timer B or F, or the give-up time given, with no response at all; or
	// timer F after 100; or no final response 64*T1 after CANCEL (RFC 3261 9.1).
	TimedOut Failure = iota + 1
	// TimerC (RFC 3261 16.6 item 11): a provisional response came, no final one; the
	// proxy cancels (the layer does, if the proxy does not during the call).
	TimerC
	// TransportError: could not be sent, or ICMP / connection refused (RFC 3261 16.9).
	TransportError
)

func (f Failure) String() string {
	return [...]string{"none", "timed out", "timer C", "transport error"}[f]
}

// failure is the Failure that an event means.
func (e event) failure() Failure {
	switch e {
	case timerC:
		return TimerC
	case onTransportError:
		return TransportError
	}
	return TimedOut
}
