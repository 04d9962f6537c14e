package resolve

import "errors"

// What Lookup tells. None names the host: it may be anything a caller has dialled.
var (
	// ErrNoTarget: the name does not exist, has no addresses, or offers no transport of ours.
	ErrNoTarget = errors.New("resolve: no target")
	// ErrTimeout: no server answered in time.
	ErrTimeout = errors.New("resolve: timeout")
	// ErrServer: servers answered, but with failure.
	ErrServer = errors.New("resolve: server failure")
	// ErrBusy: too many lookups wait already.
	ErrBusy = errors.New("resolve: too many lookups")
	// ErrClosed: the resolver is closed.
	ErrClosed = errors.New("resolve: closed")
	// ErrURI: Parse cannot read the URI.
	ErrURI = errors.New("resolve: not a sip or sips URI with a host")
)
