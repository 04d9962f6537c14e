package proxy

import (
	"net/netip"
	"testing"

	"clirgate/numbering"
)

func mustCompile(t *testing.T, c *Config) *table {
	t.Helper()
	tab, err := compile(c, new(tallies).of)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func from(prefix string, port uint16) Source {
	return Source{Prefix: netip.MustParsePrefix(prefix), Port: port}
}

func TestPeerBySource(t *testing.T) {
	to := []Target{{Host: "192.0.2.99"}}
	tab := mustCompile(t, &Config{Peers: []Peer{
		{Name: "wide", Boundary: Access, From: []Source{from("10.0.0.0/8", 0)}, To: to},
		{Name: "narrow", Boundary: Access, From: []Source{from("10.1.0.0/16", 0)}},
		{Name: "host", Boundary: Access, From: []Source{from("10.1.1.1/32", 0)}},
		{Name: "port", Boundary: Access, From: []Source{from("10.1.1.1/32", 5080)}},
		{Name: "ported net", Boundary: Access, From: []Source{from("10.1.0.0/16", 5090)}},
		{Name: "six", Boundary: Access, From: []Source{from("2001:db8::/32", 0)}},
		{Name: "psap", Boundary: Emergency, To: []Target{{Host: "192.0.2.112", Port: 5070}}},
		{Name: "tls", Boundary: Trusted, To: []Target{{Host: "192.0.2.7", Secure: true}}},
	}})
	for from, want := range map[string]string{
		"10.9.9.9:1":                    "wide",
		"10.1.9.9:1":                    "narrow",
		"10.1.9.9:5090":                 "ported net",
		"10.1.1.1:5060":                 "host",
		"10.1.1.1:5080":                 "port",
		"[::ffff:10.1.1.1]:5080":        "port",
		"[2001:db8::1]:5060":            "six",
		"192.0.2.112:5070":              "psap",
		"192.0.2.112:5071":              "",
		"192.0.2.7:5061":                "tls",
		"203.0.113.1:5060":              "",
		"[2001:db9::1]:5060":            "",
		"192.0.2.99:5060":               "", // wide says where it sends from
		"[::ffff:203.0.113.1%eth0]:123": "",
	} {
		got := ""
		if p := tab.source(netip.MustParseAddrPort(from)); p != nil {
			got = p.Name
		}
		if got != want {
			t.Errorf("%s: peer %q, want %q", from, got, want)
		}
	}
	if p := tab.at(netip.MustParseAddrPort("192.0.2.99:5060")); p == nil || p.Name != "wide" {
		t.Errorf("the target of wide belongs to %v", p)
	}
}

func TestRouteByNumber(t *testing.T) {
	plan, err := numbering.NewPlan("NL", nil)
	if err != nil {
		t.Fatal(err)
	}
	peer := func(name string) Peer { return Peer{Name: name, Boundary: Trusted, To: []Target{{Host: "192.0.2.1"}}} }
	tab := mustCompile(t, &Config{
		Peers: []Peer{peer("all"), peer("home"), peer("hague"), peer("line"), peer("144")},
		Routes: []Route{{Prefix: "", Peer: "all"}, {Prefix: "+31", Peer: "home"}, {Prefix: "+3170", Peer: "hague"},
			{Prefix: "+31705550199", Peer: "line"}, {Prefix: "144", Peer: "144"}},
	})
	for number, want := range map[string]string{
		"+31705550199": "line", "+31705550198": "hague", "+31205550101": "home", "+4930123456": "all", "144": "144", "": "all",
	} {
		if r := tab.ordinary(plan.ParseText(number)); r == nil || r.peer.Name != want {
			t.Errorf("%q: %v, want %s", number, r, want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	ok := Peer{Name: "a", Boundary: Access, To: []Target{{Host: "192.0.2.1"}}}
	for name, c := range map[string]*Config{
		"no name":         {Peers: []Peer{{Boundary: Access}}},
		"name twice":      {Peers: []Peer{ok, ok}},
		"boundary":        {Peers: []Peer{{Name: "x"}}},
		"source twice":    {Peers: []Peer{{Name: "x", Boundary: Access, From: []Source{from("10.1.1.1/32", 0)}}, {Name: "y", Boundary: Access, From: []Source{from("10.1.1.1/32", 0)}}}},
		"source invalid":  {Peers: []Peer{{Name: "x", Boundary: Access, From: []Source{{}}}}},
		"peer unknown":    {Peers: []Peer{ok}, Routes: []Route{{Peer: "b"}}},
		"no targets":      {Peers: []Peer{{Name: "x", Boundary: Access}}, Routes: []Route{{Peer: "x"}}},
		"prefix":          {Peers: []Peer{ok}, Routes: []Route{{Prefix: "+31x", Peer: "a"}}},
		"route twice":     {Peers: []Peer{ok}, Routes: []Route{{Prefix: "+31", Peer: "a"}, {Prefix: "+31", Peer: "a"}}},
		"emergency wrong": {Peers: []Peer{ok}, Routes: []Route{{Emergency: true, Peer: "b"}}},
	} {
		if _, err := compile(c, new(tallies).of); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r := newRig(t)
	before := r.gw.proxy.table.Load()
	if r.gw.proxy.Reconfigure(&Config{Routes: []Route{{Peer: "x"}}}) == nil || r.gw.proxy.table.Load() != before {
		t.Error("a bad configuration took the place of the old one")
	}
}
