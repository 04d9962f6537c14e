package proxy

import (
	"slices"
	"strings"
	"testing"
)

// TestOnly: calls of a confined peer go to its own peers whatever Route they have, and
// nobody else's calls go there.
func TestOnly(t *testing.T) {
	own := newAgent(t, "own 112")
	r := newRig(t, func(s *settings) {
		s.change = func(c *Config) {
			c.Peers[1].Only = &Only{Emergency: "own 112", Other: "core"}
			c.Peers = append(c.Peers, Peer{Name: "own 112", Boundary: Emergency, From: []Source{own.source()}, To: []Target{own.target()}, SupportsPrivacy: true})
			c.Routes = slices.DeleteFunc(c.Routes, func(r Route) bool { return r.Peer == "core" })
		}
	})
	others := []*agent{r.a, r.p, r.b, r.core, r.psap, own}
	for _, c := range []struct {
		from  *agent
		user  string
		route *agent
		to    *agent // nil: it is refused
	}{
		{r.p, "0705550199", nil, r.core},
		{r.p, "0705550199", r.b, r.core},
		{r.p, "112", nil, own},
		{r.p, "*31*112", r.psap, own},
		{r.a, "0705550199", nil, r.b},
		{r.a, "0705550199", r.core, nil},
		{r.a, "0705550199", own, nil},
		{r.b, "0205550101", own, nil},
		{r.a, "112", nil, r.psap},
		{r.a, "112", own, r.psap},
	} {
		var extra []string
		if c.route != nil {
			extra = append(extra, "Route: <sip:"+c.route.addr()+";lr>")
		}
		c.from.send(r.gw.addr, c.from.initial("MESSAGE", c.user, fromA, extra...))
		if c.to != nil {
			c.to.answer(r.gw.addr, c.to.get("MESSAGE"), "200 OK", "t")
		}
		status := c.from.final().start
		if strings.HasPrefix(status, "SIP/2.0 200") != (c.to != nil) {
			t.Errorf("%s calls %s: %s", c.from.name, c.user, status)
		}
		for _, a := range others {
			select {
			case m := <-a.in:
				if !strings.HasPrefix(m.start, "SIP/2.0") {
					t.Errorf("%s calls %s: %s got it", c.from.name, c.user, a.name)
				}
			default:
			}
		}
	}
}

// TestOnlyRefused: who is confined to what cannot be.
func TestOnlyRefused(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]func(c *Config){
		"no such peer":   func(c *Config) { c.Peers[1].Only = &Only{"psap", "nobody"} },
		"itself":         func(c *Config) { c.Peers[1].Only = &Only{"P", "P"} },
		"a route's peer": func(c *Config) { c.Peers[1].Only = &Only{"psap", "core"} },
		"owned twice": func(c *Config) {
			c.Routes = nil
			c.Peers[0].Only, c.Peers[1].Only = &Only{"psap", "core"}, &Only{"psap", "U1"}
		},
	} {
		c := r.defaultConfig()
		change(c)
		if err := r.gw.proxy.Reconfigure(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	c := r.defaultConfig()
	c.Routes = c.Routes[1:2]
	c.Peers[1].Only = &Only{"psap", "core"}
	if err := r.gw.proxy.Reconfigure(c); err != nil {
		t.Error(err)
	}
}
