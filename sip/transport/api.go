// Package transport moves SIP messages: UDP, TCP and TLS sockets, framing,
// connection reuse, limits (RFC 3261 18, RFC 3581, RFC 5923). It knows nothing of
// what a message means beyond where it ends.
package transport

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"
)

// Network is a transport protocol.
type Network uint8

const (
	UDP Network = iota + 1
	TCP
	TLS
)

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
type Handler interface {
	Receive(b []byte, f Flow)
	// Discarded counts input that is no message: empty, too large, badly framed.
	Discarded(f Flow, why Discard)
	// SendFailed tells that a message could not be delivered after Send had
	// returned nil: stream connection refused or lost, ICMP unreachable for UDP.
	// b (possibly cut short by ICMP) is valid only during the call.
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

// Listener is one address to listen on.
type Listener struct {
	Net       Network
	Address   netip.AddrPort // port 0: any free one
	Advertise string         // host:port for Via, Contact, Record-Route; empty: the bound address
}

// Options of the layer; zero values mean the defaults in brackets.
type Options struct {
	Listeners   []Listener
	Sockets     int           // UDP sockets a listener, SO_REUSEPORT [GOMAXPROCS]
	MaxMessage  int           // bytes [65535]
	MaxConns    int           // streams at once [10000]
	Idle        time.Duration // stream without traffic is closed [10 min]
	Slow        time.Duration // longest time from the first to the last byte of a message [10 s]
	DialTimeout time.Duration // [3 s]
	TLS         *tls.Config   // server side of TLS listeners
	TLSClient   *tls.Config
}

// Layer owns all sockets. Safe for concurrent use.
type Layer struct{ todo Options }

// New binds every listener, so that ports are known; nothing is read before Start.
func New(o Options) (*Layer, error) { panic("todo") }

// Start begins to read.
func (l *Layer) Start(h Handler) { panic("todo") }

// Send sends b to f. b is copied. UDP is queued and leaves with the next Flush, at
// the latest when the queue holds a full batch; the reading goroutines flush after
// every batch they have handled, everybody else calls Flush when done. Messages to
// one destination keep their order. An error means the message surely did not leave.
func (l *Layer) Send(f Flow, b []byte) error { panic("todo") }

// Flush sends what is queued.
func (l *Layer) Flush() { panic("todo") }

// Local is the bound address of a listener; Advertised what to write for it into
// Via, Contact and Record-Route ("host:port", IPv6 in brackets).
func (l *Layer) Local(listener uint8) netip.AddrPort { panic("todo") }
func (l *Layer) Advertised(listener uint8) string    { panic("todo") }

// Pick finds a listener to reach remote by network (same address family); ok false
// when there is none.
func (l *Layer) Pick(n Network, remote netip.Addr) (listener uint8, ok bool) { panic("todo") }

// Close stops reading and closes every socket; goroutines are gone when it returns.
func (l *Layer) Close(ctx context.Context) error { panic("todo") }
