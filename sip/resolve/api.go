// Package resolve finds the transport, address and port to send a request to
// (RFC 3263): NAPTR, SRV, A and AAAA through github.com/miekg/dns, with a cache that
// honours the records' TTL. The call path asks the cache and never waits; what it
// does not know is looked up on a bounded number of goroutines.
package resolve

import (
	"net/netip"

	"clirgate/sip/transport"
)

// Query is the part of a SIP URI that decides where a request goes (RFC 3263 4).
// Comparable.
type Query struct {
	Secure    bool   // sips: TLS only
	Host      string // name or address, IPv6 with or without brackets; the maddr parameter instead if there is one
	Port      uint16 // 0: none given
	Transport string // transport parameter, lower case; empty: none given
}

// Target is one place to send to.
type Target struct {
	Net  transport.Network
	Addr netip.AddrPort
}

// Resolver answers queries. Safe for concurrent use.
type Resolver struct{}

// Cached appends the targets of q to dst, best first, when they are known without
// asking: numeric hosts (no allocation) and what the cache holds. ok true with nothing
// appended means that the name is known to have none.
func (r *Resolver) Cached(dst []Target, q Query) (targets []Target, ok bool) { panic("todo") }

// Lookup resolves q and calls done exactly once, from a goroutine of the resolver,
// with targets in the order to try them or an error (ErrNoTarget, ErrTimeout, ...).
// targets is valid only during the call.
func (r *Resolver) Lookup(q Query, done func(targets []Target, err error)) { panic("todo") }
