// Package gateway puts the program together: everything that clirgate serve runs, made
// of one configuration, started in order and stopped in reverse. main and whole-program
// tests use the same object.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/admin"
	"clirgate/casework/caseaudit"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/probe"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/rules/bulk"
	"clirgate/sip/overload"
	"clirgate/sip/privacy"
	"clirgate/sip/proxy"
	"clirgate/sip/resolve"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
	"clirgate/store/pebble"
	"clirgate/trace"
	"clirgate/trace/keyring"
)

// Names in the data directory.
const (
	KeysFile      = "keys"    // of dialogs
	RingFile      = "keyring" // of records and cases, wrapped by the master key
	RecordsFolder = "records"
	RecordsSocket = "records.sock"
	JobsFolder    = "jobs"
)

// Gateway is a whole gateway. Its methods may be called from any goroutine.
type Gateway struct {
	log   *slog.Logger
	alone bool

	mu  sync.Mutex // guards cfg
	cfg *config.Config

	plan      *numbering.Plan
	certs     *certificates
	overload  *overload.Controller
	transport *transport.Layer
	resolver  *resolve.Resolver
	health    *watch
	keys      *privacy.KeyRing
	database  *database
	rules     *rules.Service
	follower  *rules.Follower
	jobs      *bulk.Jobs
	records   *pebble.Store
	ring      *keyring.Ring // of records and cases; the dialogs' keys are another ring
	vault     *trace.Vault  // records, sealed under the ring's keys
	search    *trace.Vault  // where records are searched: the vault, or the shared store
	shipping  *shipping     // to the shared store; nil: the store is local
	services  services
	marker    *marker                            // of malicious calls
	expired   [len(trace.Services)]atomic.Uint64 // records deleted
	recorder  *trace.Recorder
	proxy     *proxy.Proxy
	layer     *transaction.Layer
	casework  *admin.Casework
	caseLog   *caseaudit.Log
	shielded  *shielded
	admin     *admin.Server
	adminAt   net.Listener
	adminCert *certificates
	probe     *probe.Probe // nil: off

	probeEvery time.Duration // zero: as configured

	askMaster chan struct{} // wakes keepRing

	otherClock bool // WithClock

	clock   func() time.Time // what retention, cases and the API go by
	guard   *clockGuard      // of it; nil: it is believed
	began   time.Time
	done    chan struct{} // closed by Close: background work ends
	work    sync.WaitGroup
	started bool
	stops   []func() error // in order of making; called in reverse
	closing sync.Once
	closed  error
}

// Option changes how a gateway is made.
type Option func(*Gateway)

// WithLog sends log lines elsewhere than to slog's default.
func WithLog(l *slog.Logger) Option { return func(g *Gateway) { g.log = l } }

// Alone is for a gateway that has the process to itself: Start suits the scheduler and the
// collector to it.
func Alone() Option { return func(g *Gateway) { g.alone = true } }

// WithClock makes retention, cases and the API go by another clock; calls do not.
func WithClock(now func() time.Time) Option {
	return func(g *Gateway) { g.clock, g.otherClock = now, true }
}

// ProbeEvery makes probe calls follow each other sooner than a configuration may ask (tests).
func ProbeEvery(d time.Duration) Option { return func(g *Gateway) { g.probeEvery = d } }

// New makes a gateway: every port is bound when it returns, nothing is read yet. What
// calls do not need may fail: rules that cannot be read withhold every caller, records
// that cannot be kept raise an alarm.
func New(cfg *config.Config, options ...Option) (*Gateway, error) {
	g := &Gateway{log: slog.Default(), cfg: cfg, clock: time.Now, began: time.Now(), done: make(chan struct{}), askMaster: make(chan struct{}, 1)}
	for _, o := range options {
		o(g)
	}
	for _, step := range []func() error{
		g.makePlan, g.makeTransport, g.makeResolver, g.makeKeys, g.makeRules, g.makeRecords,
		g.makeCasework, g.makeProbe, g.makeProxy, g.makeAdmin,
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	if g.probe != nil { // before anything that its last call needs
		g.onClose(g.probe.Close)
	}
	return g, nil
}

// onClose notes how to undo a step.
func (g *Gateway) onClose(stop func() error) { g.stops = append(g.stops, stop) }

// Start begins to work: calls first, then what calls do not need.
func (g *Gateway) Start() {
	g.started = true
	if g.alone {
		g.suitRuntime()
	}
	g.startRules()
	g.transport.Start(g.layer)
	g.health.start()
	if g.probe != nil {
		g.probe.Start()
	}
	g.work.Go(g.maintain)
	g.work.Go(g.keepRing)
	g.shipping.start()
	g.serveControl()
	g.work.Go(func() {
		if err := g.admin.Serve(g.adminAt); err != nil && !g.isClosing() {
			g.log.Error("admin server stopped", "error", err)
		}
	})
}

// Addr is the bound address of the first listener of a network; zero: there is none.
func (g *Gateway) Addr(network transport.Network) netip.AddrPort {
	for i := range g.transport.Listeners() {
		if g.transport.Network(uint8(i)) == network {
			return g.transport.Local(uint8(i))
		}
	}
	return netip.AddrPort{}
}

// AdminAddr is host:port of the admin API.
func (g *Gateway) AdminAddr() string { return g.adminAt.Addr().String() }

// Rules is the subscribers' services; Tokens who may use the admin API.
func (g *Gateway) Rules() *rules.Service    { return g.rules }
func (g *Gateway) Tokens() admin.TokenStore { return g.database.Tokens() }

// Records is this node's record store, sealed, Recorder what writes to it. Search is where
// the records of all nodes are: the same, or the shared store.
func (g *Gateway) Records() *trace.Vault     { return g.vault }
func (g *Gateway) Ring() *keyring.Ring       { return g.ring }
func (g *Gateway) Search() *trace.Vault      { return g.search }
func (g *Gateway) Recorder() *trace.Recorder { return g.recorder }

// Stats is what the proxy counted.
func (g *Gateway) Stats() proxy.Stats { return g.proxy.Stats() }

// Pending is the number of transactions without a final response.
func (g *Gateway) Pending() int { return g.layer.Pending() }

// Drain refuses new calls, emergency calls excepted, and waits until every transaction
// has its final response or ctx ends. Call Close next.
func (g *Gateway) Drain(ctx context.Context) error {
	g.proxy.Drain()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for g.layer.Pending() > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d transactions were still pending: %w", g.layer.Pending(), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// Close stops everything, in reverse order of making; records are flushed. Goroutines
// are gone when it returns.
func (g *Gateway) Close() error {
	g.closing.Do(func() {
		close(g.done)
		var errs []error
		for i := len(g.stops) - 1; i >= 0; i-- {
			errs = append(errs, g.stops[i]())
		}
		g.work.Wait()
		g.closed = errors.Join(errs...)
	})
	return g.closed
}

func (g *Gateway) isClosing() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// config is the configuration in force.
func (g *Gateway) config() *config.Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cfg
}

func (g *Gateway) now() time.Time { return g.clock() }

func (g *Gateway) path(name string) string { return filepath.Join(g.config().Data, name) }
