package gateway

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"clirgate/cmd/clirgate/config"
)

// Reload puts another configuration in force for calls that begin from now on: peers,
// routes, codes, retention, master key; certificates and the key ring are read again. It is refused
// whole, and the old one stays, when anything in it is wrong or can only change with a
// restart.
func (g *Gateway) Reload(cfg *config.Config) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if fixed := changedFixed(g.cfg, cfg); len(fixed) > 0 {
		return fmt.Errorf("%s can only change with a restart", strings.Join(fixed, ", "))
	}
	peers, err := g.proxyConfig(cfg)
	if err != nil {
		return err
	}
	certs, err := load(cfg.SIP.TLS)
	if err != nil {
		return err
	}
	if old := g.certs.now.Load(); (old.cert == nil) != (certs.cert == nil) {
		return errors.New("TLS can only be switched on or off with a restart")
	}
	adminCert, err := load(config.TLS{Cert: cfg.Admin.TLS.Cert, Key: cfg.Admin.TLS.Key})
	if err != nil {
		return fmt.Errorf("admin.tls: %w", err)
	}
	if err := g.adoptMaster(g.cfg.Trace, cfg.Trace); err != nil {
		return err
	}
	if err := g.proxy.Reconfigure(peers); err != nil {
		return err
	}
	g.certs.now.Store(certs)
	g.adminCert.now.Store(adminCert)
	g.health.configure(cfg.Peers)
	g.services.set(cfg.Peers)
	g.recorder.SetRetentions(retention(cfg.Trace))
	g.cfg = cfg
	if err := g.keys.Reload(); err != nil {
		g.log.Error("key ring cannot be read again, the old one stays", "error", err)
	}
	select {
	case g.askMaster <- struct{}{}:
	default:
	}
	return nil
}

// changedFixed names what differs although the running gateway cannot change it.
func changedFixed(old, now *config.Config) (keys []string) {
	for _, f := range []struct {
		key  string
		a, b any
	}{
		{"home", old.Home, now.Home},
		{"emergency", old.Emergency, now.Emergency},
		{"sip.listen", old.SIP.Listen, now.SIP.Listen},
		{"sip.advertise", old.SIP.Advertise, now.SIP.Advertise},
		{"sip.max_call", old.SIP.MaxCall, now.SIP.MaxCall},
		{"sip.timers", old.SIP.Timers, now.SIP.Timers},
		{"sip.overload", old.SIP.Overload, now.SIP.Overload},
		{"data", old.Data, now.Data},
		{"store", old.Store, now.Store},
		{"trace.durable", old.Trace.Durable, now.Trace.Durable},
		{"trace.quorum_budget", old.Trace.QuorumBudget, now.Trace.QuorumBudget},
		{"casework", old.Casework, now.Casework},
		{"admin", old.Admin, now.Admin},
		{"probe", old.Probe, now.Probe},
	} {
		if !reflect.DeepEqual(f.a, f.b) {
			keys = append(keys, f.key)
		}
	}
	return keys
}
