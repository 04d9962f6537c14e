package gateway

import (
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	collectorRoom  = 128 << 20 // bytes of garbage that may gather, however little is in use
	collectorMost  = 400       // percent of what is in use
	collectorLooks = 10 * time.Second
)

// suitRuntime gives every reader of datagrams a place of its own with the scheduler (see
// transport.Options.Readers), and the collector room: a gateway has little in use and
// makes garbage fast, which at Go's default of as much again costs twice the time.
func (g *Gateway) suitRuntime() {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + g.transport.Readers())
	if os.Getenv("GOGC") != "" {
		return
	}
	g.work.Go(func() {
		for {
			debug.SetGCPercent(collectorPercent(inUse()))
			select {
			case <-g.done:
				return
			case <-time.After(collectorLooks):
			}
		}
	})
}

// collectorPercent is how much garbage may gather beside what is in use, never less than
// Go's default.
func collectorPercent(inUse uint64) int {
	return int(min(max(100*collectorRoom/max(inUse, 1), 100), collectorMost))
}

// inUse is what the last collection left, in bytes.
func inUse() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	if sample[0].Value.Kind() != runtimemetrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
