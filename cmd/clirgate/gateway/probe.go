package gateway

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"clirgate/admin"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/probe"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/proxy"
	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

// Names of the probe's peers; no configured one begins like this.
const (
	probeCaller = "(probe)"
	probePSAP   = "(probe 112)"
	probeCallee = "(probe callee)"
)

func probePeer(name string) bool {
	return name == probeCaller || name == probePSAP || name == probeCallee
}

// makeProbe opens the probe's sockets, if it is wanted.
func (g *Gateway) makeProbe() (err error) {
	c := g.cfg.Probe
	if c.Every == 0 {
		return nil
	}
	o := probe.Options{Number: c.Number, Emergency: c.Emergency, Every: time.Duration(c.Every), Log: g.log}
	if g.probeEvery > 0 {
		o.Every = g.probeEvery
	}
	var listeners []netip.AddrPort
	for i := range g.transport.Listeners() {
		if g.transport.Network(uint8(i)) == transport.UDP {
			listeners = append(listeners, g.transport.Local(uint8(i)))
		}
	}
	if o.Gateway = reachable(listeners); !o.Gateway.IsValid() {
		return fmt.Errorf("probe: there is no udp listener to call")
	}
	if g.probe, err = probe.New(o); err != nil {
		return err
	}
	g.onClose(g.probe.Close)
	return nil
}

// Probe makes the gateway's own test calls; nil: there are none.
func (g *Gateway) Probe() *probe.Probe { return g.probe }

// reachable is the listener to call, as this machine reaches it: one on loopback or on every
// address, else the first, at its own address; one with IPv6 only where none has IPv4.
func reachable(listeners []netip.AddrPort) (found netip.AddrPort) {
	worth := func(a netip.Addr) (n int) {
		if a.Is4() {
			n = 2
		}
		if a.IsLoopback() {
			n++
		}
		return n
	}
	for _, a := range listeners {
		if a.Addr().IsUnspecified() {
			self := netip.AddrFrom4([4]byte{127, 0, 0, 1})
			if a.Addr().Is6() {
				self = netip.IPv6Loopback()
			}
			a = netip.AddrPortFrom(self, a.Port())
		}
		if !found.IsValid() || worth(a.Addr()) > worth(found.Addr()) {
			found = a
		}
	}
	return found
}

// proxyConfig is the proxy's configuration, with the probe's peers. Its calls go to its own
// callees whatever the routes say, and nobody else's go there.
func (g *Gateway) proxyConfig(c *config.Config) (*proxy.Config, error) {
	out, err := proxyConfig(c, g.plan, g.host())
	if err != nil || g.probe == nil {
		return out, err
	}
	codes, err := numbering.NewCodeSet([]string{"*31*"}, nil)
	if err != nil {
		return nil, err
	}
	at := func(name string, b proxy.Boundary, a netip.AddrPort) proxy.Peer {
		return proxy.Peer{
			Name: name, Boundary: b, SendPAI: true, SupportsPrivacy: true,
			From: []proxy.Source{{Prefix: netip.PrefixFrom(a.Addr(), a.Addr().BitLen()), Port: a.Port()}},
		}
	}
	to := func(p proxy.Peer, a netip.AddrPort) proxy.Peer {
		p.To = []proxy.Target{resolve.Query{Host: a.Addr().String(), Port: a.Port(), Transport: "udp"}}
		p.TCP = proxy.TCPNever
		return p
	}
	caller := at(probeCaller, proxy.Access, g.probe.Caller())
	caller.Codes, caller.Default = codes, g.plan.ParseText(c.Probe.Number)
	caller.Only = &proxy.Only{Emergency: probePSAP, Other: probeCallee}
	out.Peers = append(out.Peers, caller,
		to(at(probePSAP, proxy.Emergency, g.probe.PSAP()), g.probe.PSAP()),
		to(at(probeCallee, proxy.Interconnect, g.probe.Callee()), g.probe.Callee()))
	return out, nil
}

// probeHint is what would make the probe prove more.
func (g *Gateway) probeHint() string {
	sub, ok := g.rules.Table().Snapshot().Subscriber(g.plan.ParseText(g.config().Probe.Number), g.now())
	if ok && sub.CLIR == rules.CLIRPermanent {
		return ""
	}
	return "The probe's number has no permanent CLIR: give it that rule, so that probe calls prove that it does not hide a number from 112."
}

func (g *Gateway) probeStatus() *admin.ProbeStatus {
	if g.probe == nil {
		return nil
	}
	s := &admin.ProbeStatus{Emergency: probeCall(g.probe.Result(probe.Emergency)), Withheld: probeCall(g.probe.Result(probe.Withheld))}
	if g.rules.Table().Snapshot() != nil {
		s.Hint = g.probeHint()
	}
	return s
}

func probeCall(r probe.Result) admin.ProbeCall {
	c := admin.ProbeCall{State: "waiting", Reason: r.Reason, Seconds: r.Took.Seconds(), Failures: r.Failures}
	if !r.LastOK.IsZero() {
		at := r.LastOK.UTC()
		c.LastOK = &at
	}
	switch {
	case r.OK:
		c.State = "ok"
	case r.Ran:
		c.State = "failed"
	}
	return c
}

func (g *Gateway) probeProblems() (list []string) {
	if g.probe == nil {
		return nil
	}
	what := map[probe.Kind]string{
		probe.Emergency: "The test call to " + g.config().Probe.Emergency, probe.Withheld: "The test call with a withheld number",
	}
	for _, k := range probe.Kinds {
		if r := g.probe.Result(k); r.Ran && !r.OK {
			list = append(list, fmt.Sprintf("%s fails since %s: %s.", what[k], r.Since.UTC().Format(time.RFC3339), r.Reason))
		}
	}
	return list
}

var (
	probeDesc       = prometheus.NewDesc("clirgate_probe_ok", "1 while the gateway's own test calls prove what they are for, by probe; 0 while they do not.", []string{"probe"}, nil)
	probeTookDesc   = prometheus.NewDesc("clirgate_probe_seconds", "How long the last test call took.", []string{"probe"}, nil)
	probeFailedDesc = prometheus.NewDesc("clirgate_probe_failures_total", "Test calls that failed.", []string{"probe"}, nil)
	probeAgeDesc    = prometheus.NewDesc("clirgate_probe_age_seconds", "Time since a test call last proved what it is for; since the start, while none has.", []string{"probe"}, nil)
	probeEveryDesc  = prometheus.NewDesc("clirgate_probe_interval_seconds", "How often test calls are made.", nil, nil)
)

func (g *Gateway) collectProbe(out chan<- prometheus.Metric) {
	if g.probe == nil {
		return
	}
	out <- prometheus.MustNewConstMetric(probeEveryDesc, prometheus.GaugeValue, time.Duration(g.config().Probe.Every).Seconds())
	for _, k := range probe.Kinds {
		r := g.probe.Result(k)
		out <- prometheus.MustNewConstMetric(probeAgeDesc, prometheus.GaugeValue, g.probe.Age(k).Seconds(), k.String())
		if !r.Ran {
			continue
		}
		out <- prometheus.MustNewConstMetric(probeDesc, prometheus.GaugeValue, float64(truth(r.OK)), k.String())
		out <- prometheus.MustNewConstMetric(probeTookDesc, prometheus.GaugeValue, r.Took.Seconds(), k.String())
		out <- prometheus.MustNewConstMetric(probeFailedDesc, prometheus.CounterValue, float64(r.Failures), k.String())
	}
}
