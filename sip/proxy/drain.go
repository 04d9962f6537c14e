package proxy

import (
	"errors"
	"net/netip"

	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

// ErrNoPeer: no peer of that name is configured.
var ErrNoPeer = errors.New("proxy: no such peer")

// DrainPeer keeps new calls away from a peer, or ends that: they go to the next target,
// and get 503 where there is none. Emergency calls go there all the same when nobody else
// takes them, and so does everything inside a dialog. It lasts through Reconfigure.
func (p *Proxy) DrainPeer(name string, drained bool) error {
	for _, q := range p.table.Load().peers {
		if q.Name == name {
			q.tally.drained.Store(drained)
			return nil
		}
	}
	return ErrNoPeer
}

// PeerState is a configured peer as it is now.
type PeerState struct {
	Name     string
	Boundary Boundary
	Drained  bool
	Targets  []TargetState // in the order they are tried; names by what is known of them now
}

// TargetState is one address of a peer.
type TargetState struct {
	Net    transport.Network
	Addr   netip.AddrPort
	Up     bool // it answers health checks, or is not asked
	Silent bool // it did not answer a request lately: tried last

	Throttled float64 // share of new calls that it wants kept away, 0 to 1
}

// Peers lists the configured peers in their order.
func (p *Proxy) Peers() []PeerState {
	now := p.d.Now()
	t := p.table.Load()
	list := make([]PeerState, 0, len(t.peers))
	for _, q := range t.peers {
		s := PeerState{Name: q.Name, Boundary: q.Boundary, Drained: q.tally.drained.Load()}
		for _, at := range p.addresses(q) {
			var throttled float64
			if th := p.throttles.of(at); th != nil {
				throttled = th.Share(now)
			}
			s.Targets = append(s.Targets, TargetState{
				Throttled: throttled,
				Net:       at.Net, Addr: at.Addr, Silent: p.silent.has(at, now),
				Up: p.d.Health == nil || p.d.Health.Up(at.Net, at.Addr),
			})
		}
		list = append(list, s)
	}
	return list
}

func (p *Proxy) addresses(q *peer) (list []resolve.Target) {
	for i := range q.queries {
		switch {
		case q.queries[i].numeric:
			list = append(list, q.queries[i].at)
		case p.d.Resolver != nil:
			list, _ = p.d.Resolver.Cached(list, q.queries[i].name)
		}
	}
	return list
}

// sparing tells whether the request must not go to a peer because that is drained.
func (c *call) sparing(p *peer) bool {
	return p.tally.drained.Load() && c.initial && c.token == noToken && !c.emergency()
}
