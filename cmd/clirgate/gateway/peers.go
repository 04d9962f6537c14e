package gateway

import (
	"strings"

	"clirgate/admin"
	"clirgate/sip/proxy"
)

// peers shows the API the neighbours.
type peers struct{ g *Gateway }

func (p peers) Peers() []admin.Peer {
	counts := map[string]proxy.PeerStats{}
	for _, s := range p.g.proxy.Stats().Peers {
		counts[s.Name] = s
	}
	var list []admin.Peer
	for _, s := range p.g.proxy.Peers() {
		n := counts[s.Name]
		out := admin.Peer{
			Name: s.Name, Boundary: s.Boundary.String(), State: peerState(&s),
			Received: n.Received, Sent: n.Sent, Failed: n.Failed, TimedOut: n.Status[0],
			Own: p.g.probe != nil && probePeer(s.Name),
		}
		for _, t := range s.Targets {
			out.Targets = append(out.Targets, admin.PeerTarget{
				Network: strings.ToLower(t.Net.String()), Address: t.Addr.String(), Up: t.Up, Silent: t.Silent,
			})
		}
		list = append(list, out)
	}
	return list
}

func (p peers) DrainPeer(name string, drained bool) bool {
	if p.g.proxy.DrainPeer(name, drained) != nil {
		return false
	}
	p.g.log.Warn("peer", "name", name, "drained", drained)
	return true
}

func peerState(p *proxy.PeerState) string {
	switch {
	case p.Drained:
		return "drained"
	case peerAnswers(p):
		return "up"
	}
	return "down"
}

// peerAnswers: some target is up, or it has none.
func peerAnswers(p *proxy.PeerState) bool {
	up := len(p.Targets) == 0
	for _, t := range p.Targets {
		up = up || t.Up
	}
	return up
}
