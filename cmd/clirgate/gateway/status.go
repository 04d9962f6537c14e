package gateway

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"clirgate/admin"
	"clirgate/sip/proxy"
)

// status is the gateway's state for GET /v1/status.
func (g *Gateway) status() admin.Status {
	stats, layer := g.proxy.Stats(), g.layer.Stats()
	s := admin.Status{
		Node: g.config().Node, Version: version(), Started: g.began.UTC(), Uptime: g.now().Sub(g.began).Seconds(),
		Problems: g.problems(),
		Rules:    g.rulesStatus(),
		Calls: admin.CallsStatus{
			Shown: stats.Classes["N"], Withheld: stats.Classes["W"], Emergency: stats.Classes["E"],
			FailClosed: stats.Events[proxy.FailClosed.String()], Leaks: sum(stats.Leaks),
		},
		Transactions: admin.TransactionStatus{
			Server: layer.Servers, Client: layer.Clients, Pending: g.layer.Pending(), Retransmitted: layer.Retransmitted,
		},
		Records: admin.RecordsStatus{Kept: g.records.Failed() == nil, Without: stats.Events[proxy.Unrecorded.String()], Outbox: g.shipping.status()},
	}
	peers := g.proxy.Peers()
	s.Overload = g.overloadStatus(&stats)
	s.Problems = append(s.Problems, g.overloadProblems(peers)...)
	for _, p := range peers {
		switch peerState(&p) {
		case "drained":
			s.Peers.Drained++
		case "down":
			s.Peers.Down++
			s.Problems = append(s.Problems, fmt.Sprintf("Peer %s does not answer.", p.Name))
		default:
			s.Peers.Up++
		}
	}
	s.Probe = g.probeStatus()
	s.State, s.Summary = g.summary(&s)
	return s
}

func (g *Gateway) rulesStatus() admin.RulesStatus {
	now, drift := g.rules.Table().Snapshot(), g.rules.Drift()
	_, away := g.follower.Store()
	return admin.RulesStatus{
		Loaded: now != nil, Revision: now.Revision(), Subscribers: now.Len(),
		Store: away == nil, Behind: drift.Behind, Age: drift.Age.Seconds(),
	}
}

// problems are what the gateway itself has not as it should be, in sentences.
func (g *Gateway) problems() (list []string) {
	if g.rules.Table().Snapshot() == nil {
		list = append(list, "Rules cannot be read: every caller is withheld.")
	} else if since, err := g.follower.Store(); err != nil {
		list = append(list, fmt.Sprintf("The rules' store does not answer since %s: rules cannot be changed, those in force stay.", since.UTC().Format(time.RFC3339)))
	}
	if g.records.Failed() != nil {
		list = append(list, "Records are not kept.")
	}
	if g.ring.Locked() {
		list = append(list, "The master key cannot be had: records cannot be read.")
	}
	list = append(list, g.probeProblems()...)
	return append(list, g.shipping.problems()...)
}

func (g *Gateway) summary(s *admin.Status) (state, text string) {
	switch {
	case g.proxy.Draining():
		return "draining", fmt.Sprintf("Refuses new calls, emergency calls excepted; %d transactions are pending.", s.Transactions.Pending)
	case len(s.Problems) > 0:
		return "degraded", "Calls go on, but: " + strings.Join(s.Problems, " ")
	}
	return "serving", fmt.Sprintf("All is well: %d subscribers at revision %d, %d peers up.", s.Rules.Subscribers, s.Rules.Revision, s.Peers.Up)
}

func sum(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// version is what the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}
