package gateway

import (
	"cmp"
	"fmt"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/numbering"
	"clirgate/sip/proxy"
)

// proxyConfig makes the proxy's configuration of the file's. host stands in for a
// domain that is not configured.
func proxyConfig(c *config.Config, plan *numbering.Plan, host string) (*proxy.Config, error) {
	out := &proxy.Config{
		Node:    c.Node,
		Domain:  cmp.Or(c.Home.Domain, host),
		MaxCall: time.Duration(c.SIP.MaxCall),
	}
	codes := map[string]*numbering.CodeSet{}
	for name, set := range c.Codes {
		var err error
		if codes[name], err = numbering.NewCodeSet(set.Withhold, set.Present, set.Mark...); err != nil {
			return nil, fmt.Errorf("access type %q: %w", name, err)
		}
	}
	for i := range c.Peers {
		p, err := proxyPeer(&c.Peers[i], plan, codes)
		if err != nil {
			return nil, fmt.Errorf("peer %q: %w", c.Peers[i].Name, err)
		}
		out.Peers = append(out.Peers, p)
	}
	for _, r := range c.Routes {
		out.Routes = append(out.Routes, proxy.Route{Emergency: r.Emergency, Prefix: r.Prefix, Peer: r.To, URI: r.URI})
	}
	return out, nil
}

var boundaries = map[string]proxy.Boundary{
	"access": proxy.Access, "trusted": proxy.Trusted, "interconnect": proxy.Interconnect, "emergency": proxy.Emergency,
}

var tcpUses = map[string]proxy.TCPUse{"auto": proxy.TCPAuto, "never": proxy.TCPNever, "always": proxy.TCPAlways}

func proxyPeer(c *config.Peer, plan *numbering.Plan, codes map[string]*numbering.CodeSet) (proxy.Peer, error) {
	p := proxy.Peer{
		Name: c.Name, Boundary: boundaries[c.Boundary], Asserts: c.Asserts, SendPAI: *c.SendPAI,
		SupportsPrivacy: *c.SupportsPrivacy, StripMarker: c.PrivacyMarker == "strip", OwnDomain: c.OwnDomain,
		WantsRPID: c.WantsRPID, KeepPANI: c.KeepPANI, Headers: c.Headers, Proxy: c.Proxy,
		GiveUp: time.Duration(c.GiveUp), TCP: tcpUses[c.TCP],
		OverloadControl: c.OverloadControl, TellsIdentity: c.TellsIdentity,
	}
	switch {
	case c.Access != "":
		if p.Codes = codes[c.Access]; p.Codes == nil {
			return p, fmt.Errorf("access type %q is unknown", c.Access)
		}
	case c.Boundary == "access": // no type: every known code, on the safe side (STANDARDS 0.3)
		p.Codes = numbering.DefaultCodes()
	}
	for _, text := range c.From {
		prefix, port, err := config.Source(text)
		if err != nil {
			return p, fmt.Errorf("from %q: %w", text, err)
		}
		p.From = append(p.From, proxy.Source{Prefix: prefix, Port: port})
	}
	for _, text := range c.To {
		q, err := config.Target(text)
		if err != nil {
			return p, fmt.Errorf("to %q: %w", text, err)
		}
		p.To = append(p.To, q)
	}
	var err error
	if p.Numbers, err = numbering.NewRanges(c.Numbers); err != nil {
		return p, err
	}
	if c.Default != "" {
		if p.Default = plan.ParseText(c.Default); p.Default.Kind() != numbering.International {
			return p, fmt.Errorf("default is no E.164 number")
		}
	}
	return p, nil
}
