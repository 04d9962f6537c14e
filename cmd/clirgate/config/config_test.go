package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

func TestDesignsExampleIsRight(t *testing.T) {
	c, err := Load("testdata/design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if ps := Check("testdata/design.yaml"); len(ps) != 0 {
		t.Errorf("problems:\n%v", ps)
	}
	dir, _ := filepath.Abs("testdata")
	p := c.Peers[0]
	for _, ok := range []bool{
		c.Node == "gw1", c.Data == filepath.Join(dir, "data"), len(c.Peers) == 3, len(c.Routes) == 2,
		p.Numbers[0] == "+3161234", p.Default == "+31612340000", *p.SendPAI, *p.SupportsPrivacy,
		*c.Peers[1].SendPAI, c.Routes[0].Emergency, c.Trace.RetentionMonths == 12,
		c.SIP.MaxCall == Duration(24*time.Hour), c.Codes["mobile"].Present[0] == "*31#",
	} {
		if !ok {
			t.Errorf("read as %+v", c)
			break
		}
	}
}

func TestEmptyFileHasDefaults(t *testing.T) {
	c, ps := Parse(nil, "empty.yaml", "/srv")
	if len(ps.Fatal()) != 0 {
		t.Fatal(ps)
	}
	if c.Data != "/srv/data" || c.Admin.Listen != "127.0.0.1:8080" || len(c.SIP.Listen) != 2 || len(c.Codes) != 2 || c.Home.Country != "NL" {
		t.Errorf("%+v", c)
	}
}

// Every mistake is told at once, each at its line.
func TestEveryMistakeIsTold(t *testing.T) {
	ps := Check("testdata/wrong.yaml")
	got := ps.Error()
	for _, want := range []string{
		":2:1: hone: unknown key; did you mean home?",
		":3:8: home.country: this is no country",
		":4:30: emergency.numbers[1]: this is no number",
		":6:30: codes.fixed.withhold[1]: this cannot be a dial code",
		":6:47: codes.fixed.present[0]: this code is among those that withhold",
		":8:12: sip.listen[0]: the port is not a number",
		":8:35: sip.listen[1]: the network is not",
		"sip.tls: a tls listener needs a certificate",
		":9:3: sip.max_call: this is no length of time",
		":12:5: peers[0].boundary: this boundary is unknown; write one of access, trusted",
		":13:30: peers[0].from[1]: this is neither",
		":14:5: peers[1].name: another peer has this name",
		":16:5: peers[1].access: this access type is unknown",
		":17:12: peers[1].from[0]: peer \"phones\" has this source",
		":18:10: peers[1].to[0]: the URI is neither a sip:",
		":18:28: peers[1].to[1]: the port is not",
		":19:15: peers[1].numbers[0]: this is no range",
		":20:5: peers[1].default: this is no E.164 number",
		":21:5: peers[1].privacy_marker: this is unknown; write one of keep, strip",
		":22:5: peers[1].send_pai: this must be true or false",
		"peers[2]: the peer has no name",
		"peers[2]: an emergency peer without an address",
		":25:19: routes[0].to: there is no peer \"core\"",
		":25:6: routes[0].prefix: a prefix is digits",
		"routes[2]: another route has this prefix",
		":27:33: routes[2].uri: only emergency routes",
		"warning: routes: there is no emergency route",
		":28:9: trace.retention_months: records are kept at least 1 month and never longer than 12",
		":29:1: store: a password does not belong",
		":30:9: admin.listen: this is not host:port",
		":31:1: node: the key is given twice",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("does not say %s", want)
		}
	}
	if strings.Contains(got, "numbers[1]") && strings.Contains(got, "peers[1].numbers[1]") {
		t.Error("an unquoted range is a mistake")
	}
	for _, secret := range []string{"0612345678", "+3161234"} {
		if strings.Contains(got, secret) {
			t.Errorf("prints the number %s", secret)
		}
	}
	if t.Failed() {
		t.Logf("all of it:\n%s", got)
	}
}

// One mistake, one line: what is said of it, "" for nothing.
func TestOneMistake(t *testing.T) {
	const good = "peers: [{name: a, boundary: trusted, from: [10.0.0.1], to: ['sip:10.0.0.1']}]\nroutes: [{emergency: true, to: a}, {prefix: '', to: a}]\n"
	for _, c := range []struct{ yaml, want string }{
		{good, ""},
		{good + "sip: {listen: []}", "sip.listen: there is nothing to listen on"},
		{good + "sip: {listen: [\"udp:127.0.0.1:5060\", \"udp:127.0.0.1:5060\"]}", "listed twice"},
		{good + "sip: {listen: ['udp:[::1]:0', 'udp:[::1]:0']}", ""},
		{good + "sip: {advertise: gw.example.net:5060}", ""},
		{good + "sip: {advertise: gw.example.net}", "sip.advertise: this is not host:port"},
		{good + "sip: {tls: {cert: a.pem}}", "certificate and key go together"},
		{good + "sip: {tls: {cert: a.pem, key: b.pem}}", "cannot be used"},
		{good + "sip: {tls: {ca: nothing.pem}}", "cannot be read"},
		{good + "sip: {timers: {t1: 50ms, t2: 400ms}}", ""},
		{good + "sip: udp", "this must be keys with values, not a single value"},
		{good + "data: [a]", "data: this must be one value, not a list"},
		{good + "trace: {retention_months: twelve}", "must be a whole number"},
		{good + "trace: {retention_months: 0.5}", "must be a whole number"},
		{good + "trace: {durable: perhaps}", "write disk"},
		{good + "trace: {durable: quorum}", "quorum needs a shared store"},
		{good + "trace: {retention_months: 0}", "never longer than 12"},
		{good + "trace: {retention_months: 3, retention: {telephony: 12, internet: 6, message: 1}}", ""},
		{good + "trace: {retention: {telephony: 13}}", "trace.retention.telephony: records are kept at least 1 month"},
		{good + "trace: {retention: {message: 0}}", "trace.retention.message: records are kept at least 1 month"},
		{good + "trace: {retention: {internet: 12}}", "6 months for internet telephony"},
		{good + "trace: {retention: {video: 12}}", "unknown key"},
		{good + "trace: {master_key: a, master_command: b}", "keep one of them"},
		{good + "trace: {master_key: data/key}", "whoever takes the data directory"},
		{good + "trace: {master_key: data.key}", ""},
		{good + "trace: {master_key: /etc/passwd}", "mode 0600"},
		{good + "store: mysql", "this is no store"},
		{good + "node: 'a b'", "the name holds more"},
		{good + "home: {domain: 'a b'}", "this is no domain"},
		{good + "---\nnode: b", "more than one YAML document"},
		{good + "admin: {oidc: {issuer: 'https://login.example.net', audience: gw, groups: {a: noc, b: supervisor}}}", ""},
		{good + "admin: {oidc: {issuer: 'http://127.0.0.1:1', audience: gw, groups: {a: noc}}}", ""},
		{good + "admin: {oidc: {issuer: 'http://login.example.net', audience: gw, groups: {a: noc}}}", "admin.oidc.issuer: its keys would travel unprotected"},
		{good + "admin: {oidc: {issuer: 'login', audience: gw, groups: {a: noc}}}", "admin.oidc.issuer: this is no issuer's URL"},
		{good + "admin: {oidc: {issuer: 'https://login.example.net', groups: {a: noc}}}", "admin.oidc.audience: it is missing"},
		{good + "admin: {oidc: {issuer: 'https://login.example.net', audience: gw}}", "admin.oidc.groups: nobody has a role"},
		{good + "admin: {oidc: {issuer: 'https://login.example.net', audience: gw, groups: {a: root}}}", "admin.oidc.groups.a: role \"root\" is unknown"},
		{good + "admin: {oidc: {groups: {a: noc}}}", "admin.oidc.issuer: it is missing"},
		{"peers: {name: a}", "peers: this must be a list, not keys with values"},
		{"peers: [{name: a, boundary: trusted}]", "neither sends nor receives"},
		{"peers: [{name: a, boundary: interconnect, access: fixed, from: [10.0.0.1]}]", "codes do not count"},
		{"peers: [{name: a, boundary: trusted, asserts: true, from: [10.0.0.1]}]", "interconnect peers only"},
		{"peers: [{name: a, boundary: interconnect, tells_identity: true, from: [10.0.0.1]}]", "inside the trust domain alone"},
		{"peers: [{name: a, boundary: access, from: [10.0.0.1]}]", "identity is never known"},
		{"peers: [{name: a, boundary: access, from: [10.0.0.1], numbers: ['+31'], default: '+32'}]", "digits"},
		{"peers: [{name: a, boundary: access, from: [10.0.0.1], numbers: ['+3161'], default: '+31201234567'}]", "outside the peer's numbers"},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.0/8]}, {name: b, boundary: access, default: '+31201234567', from: [10.0.0.1]}]", ""},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.1/8]}, {name: b, boundary: trusted, from: [10.0.0.0/8]}]", "has this source"},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.1], headers: ['a b']}]", "no name of a header field"},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.1], tcp: sometimes}]", "auto, never, always"},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.1], service: video}]", "telephony, internet"},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.1], health: {every: 5s}}]", "nothing to ask"},
		{"peers: [{name: a, boundary: trusted, to: ['sip:10.0.0.1;maddr=1']}]", "means nothing here"},
		{"peers: [{name: a, boundary: access, to: ['sip:10.0.0.1'], numbers: ['+3']}]\nroutes: [{emergency: true, to: a}]", "outside the trust domain"},
		{good + "routes:\n- {to: b}", "given twice"},
		{"routes: [{emergency: true, prefix: '1', to: a}]", "an emergency route has no prefix"},
		{"routes: [{emergency: true, uri: '112', to: a}]", "this is no URI to call"},
		{"routes: [{prefix: '1'}]", "the route leads nowhere"},
		{"peers: [{name: a, boundary: trusted, from: [10.0.0.1]}]\nroutes: [{to: a}]", "has no address to send to"},
		{"x: &a {country: NL}\nhome: *a", "x: unknown key"},
		{"home: &a {country: NL}\nemergency: *a", "emergency.country: unknown key"},
		{"home: *nobody", "stands for nothing"},
		{"node: [", "this is no YAML"},
		{"node: a\n  b: c\n d", "this is no YAML"},
	} {
		_, ps := Parse([]byte(c.yaml), "f.yaml", t.TempDir())
		got := ps.Error()
		if c.want == "" {
			if len(ps.Fatal()) > 0 {
				t.Errorf("%s\ngot  %s", c.yaml, got)
			}
		} else if !strings.Contains(got, c.want) {
			t.Errorf("%s\nwant %s\ngot  %s", c.yaml, c.want, got)
		}
	}
}

func TestLoadRefusesWhatIsWrong(t *testing.T) {
	_, err := Load("testdata/wrong.yaml")
	var ps Problems
	if !errors.As(err, &ps) || len(ps) < 20 {
		t.Errorf("loaded with %v", err)
	}
	if _, err := Load("testdata/none.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("loaded with %v", err)
	}
	if ps := Check("testdata/none.yaml"); len(ps) != 1 {
		t.Errorf("checked: %v", ps)
	}
}

func TestTextNeedsNoQuotes(t *testing.T) {
	c, _ := Parse([]byte("peers: [{name: 007, default: +31612340000, numbers: [+3161234, 0031]}]\nroutes: [{prefix: +31, to: true}]"), "f", ".")
	p := c.Peers[0]
	if p.Name != "007" || p.Default != "+31612340000" || p.Numbers[0] != "+3161234" || p.Numbers[1] != "0031" || c.Routes[0].Prefix != "+31" || c.Routes[0].To != "true" {
		t.Errorf("%+v %+v", p, c.Routes)
	}
}

func TestTarget(t *testing.T) {
	for text, want := range map[string]resolve.Query{
		"sip:127.0.0.1:5180":             {Host: "127.0.0.1", Port: 5180},
		"sip:core.example.net":           {Host: "core.example.net"},
		"SIPS:core.example.net:5061":     {Host: "core.example.net", Port: 5061, Secure: true},
		"sip:[2001:db8::1]:5070;lr":      {Host: "2001:db8::1", Port: 5070},
		"sip:[2001:db8::1]":              {Host: "2001:db8::1"},
		"sip:gw@a.example;transport=TCP": {Host: "a.example", Transport: "tcp"},
	} {
		if got, err := Target(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "sip:", "tel:112", "sip:a b", "sip:1.2.3", "sip:a:0", "sip:a:x", "sip:-a.b", "sip:a..b", "sip:a;transport=sctp"} {
		if got, err := Target(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestListenerAndSource(t *testing.T) {
	l, err := Listener("tls:[::1]:5061")
	if err != nil || l.Net != transport.TLS || l.Address.String() != "[::1]:5061" {
		t.Errorf("%+v, %v", l, err)
	}
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1/32 0", "10.0.0.1:5060": "10.0.0.1/32 5060", "10.1.2.3/8": "10.0.0.0/8 0",
		"2001:db8::/32": "2001:db8::/32 0", "[::1]:5060": "::1/128 5060", "::1": "::1/128 0",
	} {
		p, port, err := Source(text)
		if got := fmt.Sprint(p, port); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"node: a\nhome: {country: NL}", "peers:\n- name: a\n  from: [10.0.0.1/8]\n  to: ['sip:a']",
		"a: &b c\nd: *b", "sip: {listen: [\"udp:127.0.0.1:5060\"]}", "x: |\n  y\n---\nz: !t 1", "- [a, {b: c}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, ps := Parse(b, "f.yaml", "/nowhere")
		if c == nil {
			t.Fatal("no configuration")
		}
		for _, p := range ps {
			if p.Line < 1 || p.What == "" {
				t.Fatalf("problem without line or reason: %+v", p)
			}
		}
	})
}

// Every class of records has a period also when none is given, internet telephony never
// a longer one than was asked for the rest; the master key never lies with the data.
func TestTraceDefaults(t *testing.T) {
	for text, want := range map[string]Retention{
		"{}":                                {Telephony: 12, Internet: 6, Message: 12},
		"trace: {retention_months: 3}":      {Telephony: 3, Internet: 3, Message: 3},
		"trace: {retention: {message: 1}}":  {Telephony: 12, Internet: 6, Message: 1},
		"trace: {retention: {internet: 2}}": {Telephony: 12, Internet: 2, Message: 12},
	} {
		c, ps := Parse([]byte(text), "f", "/x")
		if c.Trace.Retention != want || c.Trace.MasterKey != "/x/data.master" || len(ps.Fatal()) > 1 {
			t.Errorf("%s: %+v, master key %s, %v", text, c.Trace.Retention, c.Trace.MasterKey, ps.Fatal())
		}
	}
}
