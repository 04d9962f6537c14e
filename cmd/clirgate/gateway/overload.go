package gateway

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"clirgate/admin"
	"clirgate/sip/proxy"
)

var (
	shareDesc     = prometheus.NewDesc("clirgate_overload_refused_ratio", "Share of new calls refused because of overload, 0 to 1.", nil, nil)
	queueDesc     = prometheus.NewDesc("clirgate_overload_wait_seconds", "Shortest wait of a datagram before it was handled, in the last interval.", nil, nil)
	shedDesc      = prometheus.NewDesc("clirgate_overload_refused_total", "Requests refused because of overload, by the peer that sent them.", []string{"peer"}, nil)
	throttledDesc = prometheus.NewDesc("clirgate_peer_throttled_ratio", "Share of new calls that a target of the peer wants kept away from it (RFC 7339), 0 to 1.", []string{"peer"}, nil)
)

func (g *Gateway) collectOverload(peers []proxy.PeerState, counts []proxy.PeerStats, out chan<- prometheus.Metric) {
	now := g.overload.State(g.now())
	out <- prometheus.MustNewConstMetric(shareDesc, prometheus.GaugeValue, now.Refused)
	out <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, now.Wait.Seconds())
	for _, p := range counts {
		out <- prometheus.MustNewConstMetric(shedDesc, prometheus.CounterValue, float64(p.Shed), p.Name)
	}
	for _, p := range peers {
		out <- prometheus.MustNewConstMetric(throttledDesc, prometheus.GaugeValue, throttled(&p), p.Name)
	}
}

// throttled is the share that the busiest target of a peer wants kept away from it.
func throttled(p *proxy.PeerState) (share float64) {
	for _, t := range p.Targets {
		share = max(share, t.Throttled)
	}
	return share
}

func (g *Gateway) overloadStatus(stats *proxy.Stats) admin.OverloadStatus {
	now := g.overload.State(g.now())
	return admin.OverloadStatus{
		Refused: now.Refused, Wait: now.Wait.Seconds(),
		Total: stats.Events[proxy.Shed.String()], Throttled: stats.Events[proxy.Throttled.String()],
	}
}

// overloadProblems says in words who gets fewer calls now.
func (g *Gateway) overloadProblems(peers []proxy.PeerState) (list []string) {
	if now := g.overload.State(g.now()); now.Refused > 0 {
		list = append(list, fmt.Sprintf("Overload: messages wait %d ms, so %.0f %% of new calls are refused; emergency calls are not.",
			now.Wait.Milliseconds(), max(now.Refused*100, 1)))
	}
	for _, p := range peers {
		if share := throttled(&p); share > 0 {
			list = append(list, fmt.Sprintf("Peer %s wants %.0f %% fewer new calls.", p.Name, share*100))
		}
	}
	return list
}
