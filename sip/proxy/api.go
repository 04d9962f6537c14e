// Package proxy is RFC 3261 section 16 with the gateway's purpose in the middle: read
// the facts of a request, decide, pick the next hop, apply the header table, search the
// finished bytes, have the record on disk, forward; and the way back.
package proxy

import (
	"log/slog"
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/privacy"
	"clirgate/sip/resolve"
	"clirgate/sip/transport"
	"clirgate/trace"
)

// Boundary is what kind of neighbour a peer is (DESIGN 2).
type Boundary uint8

const (
	Access Boundary = iota + 1
	Trusted
	Interconnect
	Emergency
)

// Peer is a neighbour on the wire.
type Peer struct {
	Name     string
	Boundary Boundary
	From     []Source           // where its messages come from
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
	GiveUp          time.Duration // no response at all within: next target
	TCP             TCPUse        // for requests above 1,300 bytes
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

// Route sends calls to a peer: the emergency route first, then the longest prefix of the
// E.164 number ("" matches everything).
type Route struct {
	Emergency bool
	Prefix    string // digits, "+" first for international ones
	Peer      string
	URI       string // emergency: Request-URI to send; empty: as dialled without codes
}

// Config is the reloadable part, immutable once given.
type Config struct {
	Node    string
	Domain  string
	Peers   []Peer
	Routes  []Route
	MaxCall time.Duration
}

// Health tells the call path which targets are silent.
type Health interface {
	Up(n transport.Network, a netip.AddrPort) bool
}

// Deps is what the proxy works with.
type Deps struct {
	Transport *transport.Layer
	Resolver  *resolve.Resolver
	Health    Health // nil: everything is up
	Rules     *rules.Table
	Plan      *numbering.Plan
	Keys      *privacy.KeyRing
	Recorder  *trace.Recorder
	Log       *slog.Logger
	Now       func() time.Time
}
