package transport

import "errors"

// What Send returns and SendFailed tells; wrapped, so compare with errors.Is.
var (
	// ErrClosed: the layer is closed or not started yet.
	ErrClosed = errors.New("transport: not running")
	// ErrNoListener: the flow names no listener of its network and address family.
	ErrNoListener = errors.New("transport: no such listener")
	// ErrTooLarge: the message does not fit into a datagram or an empty queue.
	ErrTooLarge = errors.New("transport: message too large to send")
	// ErrSlowReceiver: the peer does not take what is sent; its connection was cut.
	ErrSlowReceiver = errors.New("transport: receiver too slow")
	// ErrTooManyConns: Options.MaxConns is reached and no connection is idle.
	ErrTooManyConns = errors.New("transport: too many connections")
	// ErrConnClosed: the connection ended with the message still queued.
	ErrConnClosed = errors.New("transport: connection closed")
)

var (
	// errReport: the socket has something for the reading goroutine to report.
	errReport = errors.New("transport: failures to report")
	// errAgain: the system has no room for the message now.
	errAgain = errors.New("transport: no room to send")
)
