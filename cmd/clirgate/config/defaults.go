package config

import (
	"cmp"
	"path/filepath"
	"time"
)

// complete fills in the defaults and makes relative paths relative to dir.
func (c *Config) complete(dir string) {
	c.Home.Country = cmp.Or(c.Home.Country, "NL")
	if c.Emergency.Numbers == nil {
		c.Emergency.Numbers = []string{"112"}
	}
	dutch := Codes{Withhold: []string{"*31*", "131", "#31#"}, Present: []string{"*31#"}, Mark: []string{"*39#"}} // STANDARDS 0.3
	codes := map[string]Codes{"fixed": dutch, "mobile": dutch}
	for name, set := range c.Codes {
		codes[name] = set
	}
	c.Codes = codes
	if c.SIP.Listen == nil {
		c.SIP.Listen = []string{"udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"}
	}
	c.SIP.Overload.Target = cmp.Or(c.SIP.Overload.Target, Duration(20*time.Millisecond))
	c.SIP.Overload.Interval = cmp.Or(c.SIP.Overload.Interval, Duration(100*time.Millisecond))
	c.SIP.MaxCall = cmp.Or(c.SIP.MaxCall, Duration(24*time.Hour))
	for i := range c.Peers {
		c.Peers[i].complete()
	}
	c.Data = cmp.Or(c.Data, "data")
	c.Store = cmp.Or(c.Store, localStore)
	if !c.Shared() { // gateways that share a store must be told apart: by whoever names them
		c.Node = cmp.Or(c.Node, "gw1")
	}
	c.Trace.complete()
	c.Casework.complete()
	c.Trace.MarkWithin = cmp.Or(c.Trace.MarkWithin, Duration(time.Hour))
	c.Trace.Durable = cmp.Or(c.Trace.Durable, "disk")
	c.Probe.Emergency = cmp.Or(c.Probe.Emergency, "112")
	c.Admin.Listen = cmp.Or(c.Admin.Listen, "127.0.0.1:8080")
	c.Admin.Metrics = cmp.Or(c.Admin.Metrics, "token")
	c.Admin.Rate = cmp.Or(c.Admin.Rate, 50)
	c.Admin.OIDC.GroupsClaim = cmp.Or(c.Admin.OIDC.GroupsClaim, "groups")
	c.Admin.OIDC.NameClaim = cmp.Or(c.Admin.OIDC.NameClaim, "sub")
	paths := []*string{&c.Data, &c.Trace.MasterKey, &c.SIP.TLS.Cert, &c.SIP.TLS.Key, &c.SIP.TLS.CA, &c.Admin.TLS.Cert, &c.Admin.TLS.Key}
	for _, path := range append(paths, c.Casework.files()...) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	if c.Trace.MasterKey == "" && c.Trace.MasterCommand == "" {
		c.Trace.MasterKey = filepath.Clean(c.Data) + ".master"
	}
}

func (t *Trace) complete() {
	t.QuorumBudget = cmp.Or(t.QuorumBudget, Duration(20*time.Millisecond))
	t.LocalDays = cmp.Or(t.LocalDays, 3)
	t.RetentionMonths = cmp.Or(t.RetentionMonths, 12)
	t.Retention.Telephony = cmp.Or(t.Retention.Telephony, t.RetentionMonths)
	t.Retention.Internet = cmp.Or(t.Retention.Internet, min(t.RetentionMonths, 6)) // LAW-18
	t.Retention.Message = cmp.Or(t.Retention.Message, t.RetentionMonths)
}

func (p *Peer) complete() {
	if p.SendPAI == nil {
		p.SendPAI = new(p.Boundary != "interconnect")
	}
	if p.SupportsPrivacy == nil {
		p.SupportsPrivacy = new(true)
	}
	p.PrivacyMarker = cmp.Or(p.PrivacyMarker, "keep")
	p.TCP = cmp.Or(p.TCP, "auto")
	p.Service = cmp.Or(p.Service, "telephony")
	if p.Health.Every > 0 {
		p.Health.Timeout = cmp.Or(p.Health.Timeout, Duration(2*time.Second))
	}
}
