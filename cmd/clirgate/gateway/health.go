package gateway

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/sip/health"
	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

// refreshEvery is how often the names of targets are looked up again.
const refreshEvery = 30 * time.Second

const refreshPause = 200 * time.Millisecond

// watch keeps the health checker asking the targets that the configuration wants asked.
type watch struct {
	checker  *health.Checker
	resolver *resolve.Resolver
	again    chan struct{} // a name was resolved, or the configuration changed
	done     chan struct{}
	group    sync.WaitGroup

	mu    sync.Mutex
	asked []asked
}

// asked is one URI to ask, and how.
type asked struct {
	query  resolve.Query
	target health.Target // without its address
}

func newWatch(certs *certificates, resolver *resolve.Resolver, log *slog.Logger) (*watch, error) {
	checker, err := health.New(health.Options{
		TLS: certs.client(),
		Changed: func(t health.Target, up bool) {
			log.Warn("target changed", "peer", t.Name, "address", t.Addr.String(), "up", up)
		},
	})
	if err != nil {
		return nil, err
	}
	return &watch{checker: checker, resolver: resolver, again: make(chan struct{}, 1), done: make(chan struct{})}, nil
}

// Up tells whether a target answers; one that is not asked is up.
func (w *watch) Up(n transport.Network, a netip.AddrPort) bool { return w.checker.Up(n, a) }

// configure says whom to ask from now on.
func (w *watch) configure(peers []config.Peer) {
	var list []asked
	for _, p := range peers {
		if p.Health.Every <= 0 {
			continue
		}
		for _, uri := range p.To {
			q, err := config.Target(uri)
			if err != nil {
				continue // told by the proxy's configuration
			}
			list = append(list, asked{q, health.Target{
				Name: p.Name, Every: time.Duration(p.Health.Every), Timeout: time.Duration(p.Health.Timeout),
			}})
		}
	}
	w.mu.Lock()
	w.asked = list
	w.mu.Unlock()
	w.wake()
}

func (w *watch) wake() {
	select {
	case w.again <- struct{}{}:
	default:
	}
}

func (w *watch) start() {
	w.group.Go(func() {
		for {
			w.refresh()
			select {
			case <-w.done:
				return
			case <-w.again:
			case <-time.After(refreshEvery):
			}
			select { // names that are never kept must not make this a busy loop
			case <-w.done:
				return
			case <-time.After(refreshPause):
			}
		}
	})
}

// refresh gives the checker the addresses that the names have now. A name that is not
// known yet is looked up, and refresh comes again.
func (w *watch) refresh() {
	w.mu.Lock()
	list := w.asked
	w.mu.Unlock()
	var targets []health.Target
	for _, a := range list {
		found, ok := w.resolver.Cached(nil, a.query)
		if !ok {
			w.resolver.Lookup(a.query, func(_ []resolve.Target, err error) {
				if err == nil {
					w.wake()
				}
			})
		}
		for _, f := range found {
			t := a.target
			t.Net, t.Addr = f.Net, f.Addr
			targets = append(targets, t)
		}
	}
	w.checker.Set(targets)
}

func (w *watch) stop() error {
	close(w.done)
	w.group.Wait()
	return w.checker.Close()
}
