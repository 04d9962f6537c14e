package gateway

import "github.com/prometheus/client_golang/prometheus"

var (
	waitingDesc   = prometheus.NewDesc("clirgate_outbox_entries", "Records and updates that wait on this node for the shared store.", nil, nil)
	waitBytesDesc = prometheus.NewDesc("clirgate_outbox_bytes", "Bytes of records and updates that wait on this node.", nil, nil)
	waitAgeDesc   = prometheus.NewDesc("clirgate_outbox_age_seconds", "How long the oldest of them has waited.", nil, nil)
	shippedDesc   = prometheus.NewDesc("clirgate_outbox_shipped_total", "Records and updates shipped.", nil, nil)
	shippingDesc  = prometheus.NewDesc("clirgate_outbox_up", "1 while the shared store takes records.", nil, nil)
	againDesc     = prometheus.NewDesc("clirgate_outbox_batches_again_total", "Batches shipped again because the shared store had lost them.", nil, nil)
	goneDesc      = prometheus.NewDesc("clirgate_outbox_batches_lost_total", "Batches the shared store lost that this node holds no more.", nil, nil)
	diskOnlyDesc  = prometheus.NewDesc("clirgate_records_disk_only_total", "Records that went on without the quorum asked for.", nil, nil)
	troubleDesc   = prometheus.NewDesc("clirgate_shared_records_trouble", "1 while partitions or the standby need a look.", nil, nil)
)

// collect answers the metrics of a shared store. A nil shipping has none.
func (s *shipping) collect(out chan<- prometheus.Metric) {
	if s == nil {
		return
	}
	st, now := s.shipper.Status(), s.status()
	gauge := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	gauge(waitingDesc, float64(now.Waiting))
	gauge(waitBytesDesc, float64(now.Bytes))
	gauge(waitAgeDesc, now.Age)
	gauge(shippingDesc, float64(truth(now.Shipping)))
	gauge(troubleDesc, float64(truth(s.trouble.Load() != nil)))
	counter(shippedDesc, st.Shipped)
	counter(againDesc, st.Again)
	counter(goneDesc, st.Lost)
	counter(diskOnlyDesc, now.DiskOnly)
}
