package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp"

	"clirgate/admin"
)

// metrics reads the counters that the parts keep anyway, when somebody asks. No label
// ever holds a number, an address or an identifier: events, classes, rules and the names
// of peers are all there is.
type metrics struct{ g *Gateway }

var (
	eventsDesc   = prometheus.NewDesc("clirgate_events_total", "What happened on the call path, by event.", []string{"event"}, nil)
	classesDesc  = prometheus.NewDesc("clirgate_calls_total", "Initial requests by class of treatment: N, W or E.", []string{"class"}, nil)
	rulesDesc    = prometheus.NewDesc("clirgate_decisions_total", "Decisions by the rule that made them.", []string{"rule"}, nil)
	leaksDesc    = prometheus.NewDesc("clirgate_leaks_total", "Hits of the leak guard, by spelling.", []string{"vector"}, nil)
	receivedDesc = prometheus.NewDesc("clirgate_peer_received_total", "Requests from a peer; empty: from nobody known.", []string{"peer"}, nil)
	sentDesc     = prometheus.NewDesc("clirgate_peer_sent_total", "Requests to a peer.", []string{"peer"}, nil)
	finalDesc    = prometheus.NewDesc("clirgate_peer_responses_total", "Final responses of a peer by class; 0: timed out.", []string{"peer", "class"}, nil)
	failedDesc   = prometheus.NewDesc("clirgate_peer_failed_total", "Requests that could not be sent to a peer.", []string{"peer"}, nil)
	pendingDesc  = prometheus.NewDesc("clirgate_transactions", "Transactions in memory, by side.", []string{"side"}, nil)
	resentDesc   = prometheus.NewDesc("clirgate_retransmissions_total", "Messages sent again, and received again.", []string{"direction"}, nil)
	recordsDesc  = prometheus.NewDesc("clirgate_records_kept", "1 while records of calls are kept, 0 while the store fails.", nil, nil)
	rulesAtDesc  = prometheus.NewDesc("clirgate_rules_loaded", "1 when rules are in force, 0 when every caller is withheld.", nil, nil)
)

// Describe sends nothing: the collector is unchecked, its metrics are those above.
func (m metrics) Describe(chan<- *prometheus.Desc) {}

// Collect reads all counters.
func (m metrics) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	s := m.g.proxy.Stats()
	for d, values := range map[*prometheus.Desc]map[string]uint64{
		eventsDesc: s.Events, classesDesc: s.Classes, rulesDesc: s.Rules, leaksDesc: s.Leaks,
	} {
		for label, v := range values {
			counter(d, v, label)
		}
	}
	for _, p := range s.Peers {
		counter(receivedDesc, p.Received, p.Name)
		counter(sentDesc, p.Sent, p.Name)
		counter(failedDesc, p.Failed, p.Name)
		for class, v := range p.Status {
			counter(finalDesc, v, p.Name, string(rune('0'+class)))
		}
	}
	t := m.g.layer.Stats()
	gauge(pendingDesc, t.Servers, "server")
	gauge(pendingDesc, t.Clients, "client")
	counter(resentDesc, t.Retransmitted, "sent")
	counter(resentDesc, t.Absorbed, "received")
	gauge(recordsDesc, truth(m.g.records.Failed() == nil))
	gauge(rulesAtDesc, truth(m.g.rules.Table().Snapshot() != nil))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// metricsRoute serves them to every token.
func (g *Gateway) metricsRoute() admin.Route {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics{g}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return admin.Route{Method: "GET", Path: "/metrics", Handler: func(ctx *fasthttp.RequestCtx) {
		families, err := registry.Gather()
		if err != nil {
			g.log.Error("metrics cannot be read", "error", err)
			ctx.SetStatusCode(fasthttp.StatusInternalServerError)
			return
		}
		format := expfmt.NewFormat(expfmt.TypeTextPlain)
		ctx.SetContentType(string(format))
		enc := expfmt.NewEncoder(ctx, format)
		for _, f := range families {
			if err := enc.Encode(f); err != nil {
				g.log.Error("metrics cannot be written", "error", err)
				return
			}
		}
	}}
}
