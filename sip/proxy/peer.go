package proxy

import (
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/sip/resolve"
)

// Boundary is what kind of neighbour a peer is (DESIGN 2).
type Boundary uint8

const (
	Access Boundary = iota + 1
	Trusted
	Interconnect
	Emergency
)

// String is the name in the configuration and in metrics.
func (b Boundary) String() string {
	switch b {
	case Access:
		return "access"
	case Trusted:
		return "trusted"
	case Interconnect:
		return "interconnect"
	case Emergency:
		return "emergency"
	}
	return "unknown"
}

// Peer is a neighbour on the wire.
type Peer struct {
	Name     string
	Boundary Boundary
	From     []Source           // where its messages come from; none: from where To says, if that is addresses
	To       []Target           // where to send, tried in order
	Codes    *numbering.CodeSet // dial codes that count here; nil: none
	Numbers  numbering.Ranges   // access: numbers it may show as its own
	Default  numbering.Number   // access: its network number when it shows none of them

	Asserts         bool // interconnect: its P-Asserted-Identity is believed
	SendPAI         bool
	SupportsPrivacy bool
	StripMarker     bool
	OwnDomain       bool
	WantsRPID       bool
	KeepPANI        bool
	Headers         []string
	Proxy           bool          // To names are proxies to send through (always so for fixed addresses)
	GiveUp          time.Duration // no response at all within: next target [2 s while there is one]
	TCP             TCPUse        // for requests above 1,300 bytes
	OverloadControl bool          // it speaks RFC 7339: it is asked for its load, and heeded
	TellsIdentity   bool          // trusted: it answers when it is asked for a caller it did not name (GPP-17)

	Only *Only // its calls go there, whatever the routes say; nil: by the routes
}

// Only names the two peers that all calls of some peer go to, and that nobody else's calls
// reach: for calls of the gateway's own that prove the call path (the probe).
type Only struct {
	Emergency, Other string
}

// TCPUse says whether large requests may go over TCP.
type TCPUse uint8

const (
	TCPAuto TCPUse = iota // try, remember a refusal for a while
	TCPNever
	TCPAlways
)

// Source is an address or network, with a port or any (0).
type Source struct {
	Prefix netip.Prefix
	Port   uint16
}

// Target is a URI to send to; a domain goes through RFC 3263.
type Target = resolve.Query
