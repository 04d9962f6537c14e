package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/sip/privacy"
	"clirgate/sip/transport"
)

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
	MaxCall time.Duration // longest a call may last [24 h]
}

const defaultMaxCall = 24 * time.Hour

// table is a Config as the call path reads it; immutable.
type table struct {
	config  *Config
	domain  string
	maxCall time.Duration

	peers    []*peer
	exact    map[netip.AddrPort]*peer
	hosts    map[netip.Addr]*peer
	networks []network // longest prefix first
	targets  map[netip.AddrPort]*peer
	hashes   map[uint32]*peer

	emergency []*route
	routes    map[string]*route // by prefix
	lengths   []int             // of the prefixes, longest first
	any       *route            // some ordinary route
}

// network is a source network of a peer, with a port or any.
type network struct {
	prefix netip.Prefix
	port   uint16
	peer   *peer
}

// peer is a Peer as the call path reads it.
type peer struct {
	Peer
	hash    uint32      // privacy.PeerHash of its name
	hop     privacy.Hop // without what depends on the listener
	queries []query     // To, numeric hosts read
	tally   *tally      // counters, the same through all configurations

	only  *confined // of Only; nil: its calls go by the routes
	owner *peer     // whose calls alone reach it; nil: everybody's
}

// confined is an Only with its peers found.
type confined struct{ emergency, other *peer }

// route is a Route with its peer found.
type route struct {
	peer *peer
	uri  []byte
}

// stranger stands for a neighbour that no peer is configured for: untrusted.
func newStranger(t *tally) *peer {
	return &peer{hop: privacy.Hop{SupportsPrivacy: true}, tally: t}
}

// compile checks a Config and makes a table of it. Errors name the entry at fault.
func compile(c *Config, tallyOf func(name string) *tally) (*table, error) {
	t := &table{
		config: c, domain: c.Domain, maxCall: c.MaxCall,
		exact: map[netip.AddrPort]*peer{}, hosts: map[netip.Addr]*peer{}, targets: map[netip.AddrPort]*peer{},
		hashes: map[uint32]*peer{}, routes: map[string]*route{},
	}
	if t.maxCall <= 0 {
		t.maxCall = defaultMaxCall
	}
	names := map[string]*peer{}
	for i := range c.Peers {
		p := newPeer(&c.Peers[i], tallyOf)
		if p.Name == "" || names[p.Name] != nil {
			return nil, fmt.Errorf("proxy: peer %d: its name %q is empty or used twice", i+1, p.Name)
		}
		if other := t.hashes[p.hash]; other != nil {
			return nil, fmt.Errorf("proxy: peers %q and %q: names with the same hash, choose another", other.Name, p.Name)
		}
		names[p.Name], t.hashes[p.hash] = p, p
		t.peers = append(t.peers, p)
		if err := t.addPeer(p); err != nil {
			return nil, fmt.Errorf("proxy: peer %q: %w", p.Name, err)
		}
	}
	for _, p := range t.peers {
		if err := p.confine(names); err != nil {
			return nil, fmt.Errorf("proxy: peer %q: only: %w", p.Name, err)
		}
	}
	slices.SortStableFunc(t.networks, compareNetworks)
	for i, r := range c.Routes {
		if err := t.addRoute(r, names[r.Peer]); err != nil {
			return nil, fmt.Errorf("proxy: route %d to %q: %w", i+1, r.Peer, err)
		}
	}
	slices.SortFunc(t.lengths, func(a, b int) int { return b - a })
	t.lengths = slices.Compact(t.lengths)
	return t, nil
}

func newPeer(config *Peer, tallyOf func(name string) *tally) *peer {
	p := &peer{Peer: *config, hash: privacy.PeerHash(config.Name), tally: tallyOf(config.Name)}
	p.hop = privacy.Hop{
		Trusted: p.Boundary == Trusted, Emergency: p.Boundary == Emergency, OwnDomain: p.OwnDomain,
		SendPAI: p.SendPAI, SupportsPrivacy: p.SupportsPrivacy, StripMarker: p.StripMarker,
		WantsRPID: p.WantsRPID, KeepPANI: p.KeepPANI,
	}
	for _, h := range p.Headers {
		p.hop.Headers = append(p.hop.Headers, strings.ToLower(h))
	}
	return p
}

var (
	errNoPeer       = errors.New("no such peer")
	errOwned        = errors.New("the peer is there for the calls of another one only")
	errNoTargets    = errors.New("the peer has no addresses to send to")
	errPrefix       = errors.New("a prefix is digits, with + first for international numbers")
	errRouteTwice   = errors.New("this prefix has a route already")
	errBoundary     = errors.New("unknown boundary")
	errSourceTwice  = errors.New("a source address belongs to another peer already")
	errSourceFormat = errors.New("a source is no address or network")
)

func (t *table) addPeer(p *peer) error {
	if p.Boundary < Access || p.Boundary > Emergency {
		return errBoundary
	}
	for _, s := range p.From {
		if err := t.addSource(p, s); err != nil {
			return err
		}
	}
	for _, q := range p.To {
		target, ok := numericTarget(q)
		p.queries = append(p.queries, query{peer: p, name: q, at: target, numeric: ok})
		if !ok {
			continue
		}
		if t.targets[target.Addr] == nil {
			t.targets[target.Addr] = p
		}
		// A peer that only says where to send is known by those addresses too: a PSAP
		// must be able to hang up or call back.
		if len(p.From) == 0 {
			if _, taken := t.hosts[target.Addr.Addr()]; !taken && t.exact[target.Addr] == nil {
				t.exact[target.Addr] = p
			}
		}
	}
	return nil
}

func (t *table) addSource(p *peer, s Source) error {
	if !s.Prefix.IsValid() {
		return errSourceFormat
	}
	addr := s.Prefix.Addr().Unmap()
	single := s.Prefix.IsSingleIP()
	switch {
	case single && s.Port != 0:
		key := netip.AddrPortFrom(addr, s.Port)
		if other := t.exact[key]; other != nil && other != p && len(other.From) > 0 {
			return errSourceTwice
		}
		t.exact[key] = p
	case single:
		if other := t.hosts[addr]; other != nil && other != p {
			return errSourceTwice
		}
		t.hosts[addr] = p
	default:
		bits := s.Prefix.Bits()
		if s.Prefix.Addr().Is4In6() {
			bits -= 96
		}
		prefix, err := addr.Prefix(bits)
		if err != nil {
			return errSourceFormat
		}
		t.networks = append(t.networks, network{prefix, s.Port, p})
	}
	return nil
}

// compareNetworks: the longer prefix first, then the one with a port.
func compareNetworks(a, b network) int {
	if a.prefix.Bits() != b.prefix.Bits() {
		return b.prefix.Bits() - a.prefix.Bits()
	}
	return int(b.port) - int(a.port)
}

// confine finds the peers of Only and makes them this peer's alone.
func (p *peer) confine(names map[string]*peer) error {
	if p.Only == nil {
		return nil
	}
	p.only = &confined{names[p.Only.Emergency], names[p.Only.Other]}
	for _, to := range []*peer{p.only.emergency, p.only.other} {
		switch {
		case to == nil:
			return errNoPeer
		case len(to.To) == 0:
			return errNoTargets
		case to.owner != nil && to.owner != p || to == p:
			return errOwned
		}
		to.owner = p
	}
	return nil
}

func (t *table) addRoute(r Route, p *peer) error {
	switch {
	case p == nil:
		return errNoPeer
	case p.owner != nil:
		return errOwned
	case len(p.To) == 0:
		return errNoTargets
	case r.Emergency:
		t.emergency = append(t.emergency, &route{p, []byte(r.URI)})
		return nil
	case strings.Trim(strings.TrimPrefix(r.Prefix, "+"), "0123456789") != "":
		return errPrefix
	case t.routes[r.Prefix] != nil:
		return errRouteTwice
	}
	entry := &route{peer: p}
	t.routes[r.Prefix] = entry
	t.lengths = append(t.lengths, len(r.Prefix))
	if t.any == nil || r.Prefix == "" {
		t.any = entry
	}
	return nil
}

// source finds the peer that sends from an address: exact address and port, then the
// address, then the longest network. nil: nobody known.
func (t *table) source(from netip.AddrPort) *peer {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if p := t.exact[from]; p != nil {
		return p
	}
	if p := t.hosts[from.Addr()]; p != nil {
		return p
	}
	for i := range t.networks {
		n := &t.networks[i]
		if (n.port == 0 || n.port == from.Port()) && n.prefix.Contains(from.Addr()) {
			return n.peer
		}
	}
	return nil
}

// at finds the peer behind an address to send to.
func (t *table) at(to netip.AddrPort) *peer {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if p := t.targets[to]; p != nil {
		return p
	}
	return t.source(to)
}

// ordinary finds the route of a number: the longest prefix. nil: none.
func (t *table) ordinary(n numbering.Number) *route {
	var room [1 + 15]byte
	dial := n.AppendDial(room[:0])
	for _, length := range t.lengths {
		if length > len(dial) {
			continue
		}
		if r := t.routes[string(dial[:length])]; r != nil {
			return r
		}
	}
	return nil
}

// numericTarget is the target of a query whose host is an address.
func numericTarget(q Target) (transportTarget, bool) {
	addr, ok := hostAddr(q.Host)
	if !ok {
		return transportTarget{}, false
	}
	n, ok := networkOf(q.Transport, q.Secure)
	return transportTarget{Net: n, Addr: netip.AddrPortFrom(addr, portOf(q.Port, n))}, ok
}

// portOf is a port, or the default of its transport (RFC 3261 19.1.2).
func portOf(port uint16, n transport.Network) uint16 {
	switch {
	case port != 0:
		return port
	case n == transport.TLS:
		return 5061
	}
	return 5060
}
