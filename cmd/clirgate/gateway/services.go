package gateway

import (
	"sync/atomic"

	"clirgate/cmd/clirgate/config"
	"clirgate/trace"
)

// services tells which service a record is of: which retention counts. A call is of the
// service of the peer it came from, for that is the one its caller used (LAW-18).
type services struct {
	internet atomic.Pointer[map[string]bool]
}

func (s *services) set(peers []config.Peer) {
	internet := map[string]bool{}
	for _, p := range peers {
		if p.Service == trace.ServiceInternet.String() {
			internet[p.Name] = true
		}
	}
	s.internet.Store(&internet)
}

func (s *services) of(r *trace.Record) trace.Service {
	service := trace.ServiceOf(r)
	if service == trace.ServiceTelephony && (*s.internet.Load())[r.Ingress] {
		return trace.ServiceInternet
	}
	return service
}

func retention(c config.Trace) (r trace.Retention) {
	r[trace.ServiceTelephony] = c.Retention.Telephony
	r[trace.ServiceInternet] = c.Retention.Internet
	r[trace.ServiceMessage] = c.Retention.Message
	return r
}
