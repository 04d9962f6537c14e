package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/config"
	"clirgate/numbering"
	"clirgate/sip/overload"
	"clirgate/sip/privacy"
	"clirgate/sip/proxy"
	"clirgate/sip/resolve"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
	"clirgate/store/pebble"
	"clirgate/trace"
)

// closeTime bounds how long open connections may take to end.
const closeTime = 2 * time.Second

func (g *Gateway) makePlan() (err error) {
	g.plan, err = numbering.NewPlan(g.cfg.Home.Country, g.cfg.Emergency.Numbers)
	return err
}

func (g *Gateway) makeTransport() (err error) {
	if g.certs, err = loadCertificates(g.cfg.SIP.TLS); err != nil {
		return err
	}
	g.overload = overload.New(overload.Options{
		Target: time.Duration(g.cfg.SIP.Overload.Target), Interval: time.Duration(g.cfg.SIP.Overload.Interval),
	})
	o := transport.Options{
		Readers: g.alone, Waited: g.overload.Waited, TLS: g.certs.server(), TLSClient: g.certs.client(),
	}
	for _, text := range g.cfg.SIP.Listen {
		l, err := config.Listener(text)
		if err != nil {
			return fmt.Errorf("sip.listen %q: %w", text, err)
		}
		l.Advertise = g.cfg.SIP.Advertise
		o.Listeners = append(o.Listeners, l)
	}
	if g.transport, err = transport.New(o); err != nil {
		return err
	}
	g.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		return g.transport.Close(ctx)
	})
	return nil
}

func (g *Gateway) makeResolver() (err error) {
	o := resolve.Options{}
	for i := range g.transport.Listeners() {
		if n := g.transport.Network(uint8(i)); !slices.Contains(o.Networks, n) {
			o.Networks = append(o.Networks, n)
		}
	}
	if g.resolver, err = resolve.New(o); err != nil {
		return err
	}
	g.onClose(func() error { g.resolver.Close(); return nil })
	return nil
}

// makeKeys loads the key ring. Without its file calls go on with a ring of their own:
// their dialogs then end with this process.
func (g *Gateway) makeKeys() error {
	if err := os.MkdirAll(g.cfg.Data, 0o700); err != nil {
		g.log.Error("data directory cannot be made", "error", err)
	}
	maxCall := time.Duration(g.cfg.SIP.MaxCall)
	keys, err := privacy.LoadKeys(g.path(KeysFile), maxCall)
	if err != nil {
		g.log.Error("key ring cannot be used; dialogs will not survive a restart", "error", err)
		keys = privacy.MemoryKeys(maxCall, time.Now())
	}
	g.keys = keys
	return nil
}

// makeRecords opens the record store. One in use by another gateway is a mistake of
// whoever starts this one; every other failure only costs records.
func (g *Gateway) makeRecords() (err error) {
	g.records, err = pebble.Open(g.path(RecordsFolder), pebble.Options{Persist: true, Outbox: g.cfg.Shared(), Alarm: g.recordsAlarm})
	if err != nil {
		return err
	}
	g.onClose(g.records.Close)
	if err := g.makeRing(); err != nil {
		return err
	}
	keys := trace.NewKeys(g.ring)
	g.vault = trace.NewVault(g.makeShipping(), keys, g.now)
	g.search = g.vault
	if g.shipping != nil {
		g.search = trace.NewVault(g.shipping.shared, keys, g.now)
	}
	failures := &tally{log: g.log}
	g.services.set(g.cfg.Peers)
	g.recorder = trace.NewRecorder(g.vault, trace.Options{
		Gather:  true,
		Window:  time.Millisecond, // less than a beat of the transport, which gathers for it
		Service: g.services.of,
		After:   g.transport.Flush,
		Failed:  failures.add,
	})
	g.recorder.SetRetentions(retention(g.cfg.Trace))
	g.transport.BeforeFlush(g.recorder.Flush)
	g.onClose(g.recorder.Close)
	return nil
}

func (g *Gateway) recordsAlarm(err error) {
	if err == nil {
		g.log.Info("records are kept again")
		return
	}
	g.log.Error("records", "error", err)
}

func (g *Gateway) makeProxy() (err error) {
	peers, err := g.proxyConfig(g.cfg)
	if err != nil {
		return err
	}
	if g.health, err = newWatch(g.certs, g.resolver, g.log); err != nil {
		return err
	}
	g.onClose(g.health.stop)
	g.makeMarker()
	g.proxy, err = proxy.New(peers, proxy.Deps{
		Transport: g.transport, Resolver: g.resolver, Health: g.health, Rules: g.rules.Table(),
		Plan: g.plan, Keys: g.keys, Recorder: g.recorder, Marks: g.marker, Log: g.log, Now: time.Now,
		Overload: g.overload,
	})
	if err != nil {
		return err
	}
	g.health.configure(g.cfg.Peers)
	t := g.cfg.SIP.Timers
	g.layer = transaction.New(transaction.Options{
		T1: time.Duration(t.T1), T2: time.Duration(t.T2), T4: time.Duration(t.T4), C: time.Duration(t.C),
		Gate:   g.proxy,
		Patrol: g.transport.Relieve,
	}, g.transport, g.proxy)
	g.onClose(func() error { g.layer.Close(); return nil })
	g.transport.AfterRound(func() {
		g.layer.Help()
		g.recorder.Commit()
	})
	return nil
}

// host is the host part of what the first listener advertises: our domain when none is
// configured.
func (g *Gateway) host() string {
	host, _, err := net.SplitHostPort(g.transport.Advertised(0))
	if err != nil {
		return g.transport.Advertised(0)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]" // RFC 3261 25.1
	}
	return host
}

// listenAdmin opens the API's port, with TLS when it has a certificate.
func (g *Gateway) listenAdmin() (err error) {
	if g.adminCert, err = loadCertificates(config.TLS{Cert: g.cfg.Admin.TLS.Cert, Key: g.cfg.Admin.TLS.Key}); err != nil {
		return fmt.Errorf("admin.tls: %w", err)
	}
	if g.adminAt, err = net.Listen("tcp", g.cfg.Admin.Listen); err != nil {
		return fmt.Errorf("admin.listen: %w", err)
	}
	if g.adminCert.now.Load().cert != nil {
		g.adminAt = tls.NewListener(g.adminAt, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return g.adminCert.now.Load().cert, nil },
		})
	}
	return nil
}

func (g *Gateway) makeAdmin() (err error) {
	if err = g.listenAdmin(); err != nil {
		return err
	}
	g.admin = admin.New(admin.Options{
		Rules: g.rules, Tokens: g.database.Tokens(), People: g.people(), Plan: g.plan, Log: g.log, Ready: g.ready,
		Status: g.status, Peers: peers{g}, Explainer: explainer{g}, Rate: float64(g.cfg.Admin.Rate),
		Audit: g.database.Audit(), Nodes: g.follower, Jobs: g.jobs, Casework: g.casework, Now: g.now, Extra: []admin.Route{g.metricsRoute()},
	})
	g.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		err := g.admin.Shutdown(ctx)
		if closeErr := g.adminAt.Close(); !errors.Is(closeErr, net.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
		return err
	})
	return nil
}

var (
	errDraining = errors.New("the gateway is draining")
	errMaster   = errors.New("the master key cannot be had: records cannot be read")
)

// ready tells load balancers and operators what is not as it should be.
func (g *Gateway) ready() error {
	var errs []error
	if g.proxy.Draining() {
		errs = append(errs, errDraining)
	}
	if g.rules.Table().Snapshot() == nil {
		errs = append(errs, errors.New("rules cannot be read: every caller is withheld"))
	}
	if err := g.records.Failed(); err != nil {
		errs = append(errs, errors.New("records are not kept"))
	}
	if g.ring.Locked() {
		errs = append(errs, errMaster)
	}
	return errors.Join(errs...)
}
