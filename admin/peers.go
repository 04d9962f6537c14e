package admin

import (
	"github.com/valyala/fasthttp"
)

// Peers shows the neighbours and keeps new calls away from them.
type Peers interface {
	Peers() []Peer
	// DrainPeer keeps new calls away from a peer, or ends that; false: no such peer.
	DrainPeer(name string, drained bool) bool
}

// Peer is one neighbour.
type Peer struct {
	Name     string       `json:"name"`
	Boundary string       `json:"boundary"`
	State    string       `json:"state"` // up, down, drained
	Targets  []PeerTarget `json:"targets"`
	Received uint64       `json:"received"` // requests, since the start
	Sent     uint64       `json:"sent"`
	Failed   uint64       `json:"failed"`
	TimedOut uint64       `json:"timed_out"`
	Own      bool         `json:"own"` // the gateway's own, for its test calls; not configured as a peer
}

// PeerTarget is an address of a peer.
type PeerTarget struct {
	Network string `json:"network"`
	Address string `json:"address"`
	Up      bool   `json:"up"`
	Silent  bool   `json:"silent"` // it did not answer a request lately
}

func (s *Server) listPeers(ctx *fasthttp.RequestCtx) {
	if s.Peers == nil {
		absent(ctx)
		return
	}
	list := s.Peers.Peers()
	for i := range list {
		if list[i].Targets == nil {
			list[i].Targets = []PeerTarget{}
		}
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"peers": append([]Peer{}, list...)})
}

func (s *Server) drainPeer(ctx *fasthttp.RequestCtx)  { s.setDrained(ctx, true) }
func (s *Server) resumePeer(ctx *fasthttp.RequestCtx) { s.setDrained(ctx, false) }

func (s *Server) setDrained(ctx *fasthttp.RequestCtx, drained bool) {
	if s.Peers == nil {
		absent(ctx)
		return
	}
	name, ok := parameter(ctx, "name")
	if !ok {
		return
	}
	if _, ok := reasonOf(ctx); !ok {
		return
	}
	if !s.Peers.DrainPeer(name, drained) {
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-peer", Title: "There is no such peer", Mend: "GET /v1/peers lists them"}.write(ctx)
		return
	}
	for _, p := range s.Peers.Peers() {
		if p.Name == name {
			if p.Targets == nil {
				p.Targets = []PeerTarget{}
			}
			writeJSON(ctx, fasthttp.StatusOK, p)
			return
		}
	}
}
