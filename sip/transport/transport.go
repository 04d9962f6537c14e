// Package transport moves SIP messages: UDP, TCP and TLS sockets, framing,
// connection reuse, limits (RFC 3261 18, RFC 3581, RFC 5923). It knows nothing of
// what a message means beyond where it ends.
//
// UDP: every listener has several sockets (SO_REUSEPORT), each with a goroutine that
// reads a batch, gives its messages to the Handler one by one, and sends what was
// queued meanwhile. A lone message is read when it comes, under load a socket is read
// once a beat (3.5 ms). TCP and TLS: every connection has a reading and a writing
// goroutine. Nothing a peer does or leaves undone makes Send wait for long.
package transport

import "net/netip"

// Network is a transport protocol.
type Network uint8

const (
	UDP Network = iota + 1
	TCP
	TLS
)

// String is the name in the form of Via (RFC 3261 20.42).
func (n Network) String() string {
	switch n {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	}
	return "unknown"
}

// Flow says where a message came from, or where it shall go. Comparable, copied freely.
type Flow struct {
	Net      Network
	Listener uint8          // index of the listener it came in by; for sending: to leave by
	Conn     uint32         // stream connection it came in by; 0: none, reuse one to Remote or dial
	Remote   netip.AddrPort // source, or destination
}

// Stream tells whether the flow is over a stream transport.
func (f Flow) Stream() bool { return f.Net != UDP }

// Handler gets what arrives. Receive is called on the reading goroutine, one
// message at a time a socket, in order of arrival; b is valid only during the call.
//
// A message that comes over a stream without Content-Length cannot be framed (RFC
// 3261 18.3): Receive gets its header section, so that it can be answered 400 during
// the call; then Discarded follows and the connection is closed.
type Handler interface {
	Receive(b []byte, f Flow)
	// Discarded counts input that is no message: empty, too large, badly framed.
	Discarded(f Flow, why Discard)
	// SendFailed tells that a message could not be delivered after Send had
	// returned nil: stream connection refused or lost, ICMP unreachable for UDP.
	// b (possibly cut short by ICMP) is valid only during the call. It is never
	// called from within Send or Flush.
	SendFailed(f Flow, b []byte, err error)
}

// Discard says why input was thrown away.
type Discard uint8

const (
	DiscardEmpty Discard = iota + 1 // nothing, or a keep-alive (CRLF is answered on streams, RFC 5626 4.4.1)
	DiscardTooLarge
	DiscardFraming // stream without a readable Content-Length, or a body that never came
	DiscardSlow    // stream sender too slow to finish a message
	DiscardLimit   // connection or rate limit
)

// String is a metric label.
func (d Discard) String() string {
	switch d {
	case DiscardEmpty:
		return "empty"
	case DiscardTooLarge:
		return "too_large"
	case DiscardFraming:
		return "framing"
	case DiscardSlow:
		return "slow"
	case DiscardLimit:
		return "limit"
	}
	return "unknown"
}
