package gateway

import (
	"io"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"clirgate/admin"
	"clirgate/sip/proxy"
	"clirgate/trace"
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
	waitDesc     = prometheus.NewDesc("clirgate_record_seconds", "From a request's arrival until its record is on disk.", nil, nil)
	upDesc       = prometheus.NewDesc("clirgate_peer_up", "1 while some target of the peer answers, or none is asked.", []string{"peer", "boundary"}, nil)
	drainedDesc  = prometheus.NewDesc("clirgate_peer_drained", "1 while new calls are kept away from the peer.", []string{"peer"}, nil)
	revisionDesc = prometheus.NewDesc("clirgate_rules_revision", "Revision of the rules in force.", nil, nil)
	subsDesc     = prometheus.NewDesc("clirgate_rules_subscribers", "Subscribers with a service.", nil, nil)
	behindDesc   = prometheus.NewDesc("clirgate_rules_behind", "Revisions of the rules' store that are not in force here yet.", nil, nil)
	ageDesc      = prometheus.NewDesc("clirgate_rules_age_seconds", "Since the rules in force were seen to be those of their store.", nil, nil)
	storeDesc    = prometheus.NewDesc("clirgate_rules_store_up", "1 while the rules' store answers.", nil, nil)
	networkDesc  = prometheus.NewDesc("clirgate_messages_total", "SIP messages on the wire, by direction.", []string{"direction"}, nil)
	lostDesc     = prometheus.NewDesc("clirgate_messages_dropped_total", "UDP messages the system had no room for.", nil, nil)
	streamsDesc  = prometheus.NewDesc("clirgate_connections", "TCP and TLS connections.", nil, nil)
	startDesc    = prometheus.NewDesc("clirgate_start_time_seconds", "When the gateway started, by version.", []string{"version"}, nil)
	certDesc     = prometheus.NewDesc("clirgate_certificate_expiry_seconds", "When the certificate ends, by use.", []string{"use"}, nil)
	recordsDesc  = prometheus.NewDesc("clirgate_records_kept", "1 while records of calls are kept, 0 while the store fails.", nil, nil)
	masterDesc   = prometheus.NewDesc("clirgate_master_key", "1 while the master key of records is there, 0 while they cannot be read.", nil, nil)
	expiredDesc  = prometheus.NewDesc("clirgate_records_expired_total", "Records deleted because their retention was over, by service.", []string{"service"}, nil)
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
	gauge(masterDesc, truth(!m.g.ring.Locked()))
	for i, s := range trace.Services {
		counter(expiredDesc, m.g.expired[i].Load(), s.String())
	}
	m.collectRules(gauge, out)
	peers := m.g.proxy.Peers()
	m.g.collectOverload(peers, s.Peers, out)
	for _, p := range peers {
		gauge(upDesc, truth(peerAnswers(&p)), p.Name, p.Boundary.String())
		gauge(drainedDesc, truth(p.Drained), p.Name)
	}
	n := m.g.transport.Stats()
	counter(networkDesc, n.Received, "received")
	counter(networkDesc, n.Sent, "sent")
	counter(lostDesc, n.Dropped)
	gauge(streamsDesc, n.Conns)
	out <- prometheus.MustNewConstMetric(startDesc, prometheus.GaugeValue, seconds(m.g.began), version())
	for use, c := range map[string]*certificates{"sip": m.g.certs, "admin": m.g.adminCert} {
		if cert := c.now.Load().cert; cert != nil && cert.Leaf != nil {
			out <- prometheus.MustNewConstMetric(certDesc, prometheus.GaugeValue, seconds(cert.Leaf.NotAfter), use)
		}
	}
	out <- histogram(waitDesc, &s.Records)
	m.g.marker.collect(out)
	m.g.collectProbe(out)
	m.g.shipping.collect(out)
}

func (m metrics) collectRules(gauge func(*prometheus.Desc, int, ...string), out chan<- prometheus.Metric) {
	now := m.g.rules.Table().Snapshot()
	gauge(rulesAtDesc, truth(now != nil))
	_, away := m.g.follower.Store()
	gauge(storeDesc, truth(away == nil))
	drift := m.g.rules.Drift()
	gauge(behindDesc, int(drift.Behind))
	out <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, drift.Age.Seconds())
	if now == nil {
		return
	}
	gauge(subsDesc, now.Len())
	out <- prometheus.MustNewConstMetric(revisionDesc, prometheus.GaugeValue, float64(now.Revision()))
}

// histogram is a histogram of the proxy as Prometheus wants it: cumulative.
func histogram(d *prometheus.Desc, w *proxy.Waits) prometheus.Metric {
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, n := range w.Counts {
		if total += n; i < len(proxy.WaitBounds) {
			buckets[proxy.WaitBounds[i].Seconds()] = total
		}
	}
	return prometheus.MustNewConstHistogram(d, total, w.Sum.Seconds(), buckets)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// metricsRoute serves them to every token, or to everybody.
func (g *Gateway) metricsRoute() admin.Route {
	registry := prometheus.NewRegistry()
	collector := collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/cpu/classes/gc/total:`)}
	registry.MustRegister(metrics{g}, collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collector)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	return admin.Page("/metrics", string(format), g.config().Admin.Metrics == "open", func(w io.Writer) error {
		families, err := registry.Gather()
		enc := expfmt.NewEncoder(w, format)
		for _, f := range families {
			if err == nil {
				err = enc.Encode(f)
			}
		}
		if err != nil {
			g.log.Error("metrics cannot be read", "error", err)
		}
		return err
	})
}
