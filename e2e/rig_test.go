package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clirgate/cmd/clirgate/gateway"
	"clirgate/store/sqlite"
)

// rig is a gateway with the fixture's neighbours around it. The documentation
// networks of the vectors are mapped onto loopback ones of the same length, so that
// Content-Length stays right: 192.0.2.x to 127.N.2.x and so on, N the first free.
type rig struct {
	*running
	t   *testing.T
	n   int
	uas map[string]*ua
	gw6 string // listener on ::1, of a rig with streams; "" where there is no IPv6
}

// fixture is where everybody is, in the vectors' own addresses.
var fixture = map[string]string{
	"A": "192.0.2.11", "P": "192.0.2.12", "R": "192.0.2.13", "C": "192.0.2.33", "Z": "192.0.2.88", "B": "192.0.2.99",
	"U1": "203.0.113.50", "T1": "198.51.100.20", "T2": "198.51.100.30", "PS": "198.51.100.112",
}

// fixtureLines are the withheld parties as the oracle knows them.
var fixtureLines = map[string]line{
	"A":  {"31205550101", []string{"192.0.2.11", "Jansen", "pc11", "00155d112233", "35693803564380"}},
	"P":  {"31205550102", []string{"192.0.2.12", "pc12"}},
	"R":  {"31205550103", []string{"192.0.2.13", "pc13"}},
	"T1": {"31205550101", []string{"192.0.2.11", "pc11"}},
}

const fixtureConfig = `
node: gw1
home: {country: NL, domain: gw.example.net}
codes:
  fixed: {withhold: ["*31*", "131", "#31#"], present: ["*31#"]}
sip:
  listen: [LISTEN]
peers:
  - {name: A, boundary: access, access: fixed, from: ["192.0.2.11"], to: ["sip:192.0.2.11"], numbers: ["+31205550101"], default: "+31205550101"}
  - {name: P, boundary: access, access: fixed, from: ["192.0.2.12"], to: ["sip:192.0.2.12"], numbers: ["+31205550102"], default: "+31205550102"}
  - {name: R, boundary: access, access: fixed, from: ["192.0.2.13"], to: ["sip:192.0.2.13"], numbers: ["+31205550103"], default: "+31205550103"}
  - {name: C, boundary: access, access: fixed, from: ["192.0.2.33"], to: ["sip:192.0.2.33"], numbers: ["+31705550133"], default: "+31705550133"}
  - {name: Z, boundary: access, access: fixed, from: ["192.0.2.88"], to: ["sip:192.0.2.88"], numbers: ["+31705550188"], default: "+31705550188"}
  - {name: B, boundary: access, access: fixed, from: ["192.0.2.99"], to: ["sip:192.0.2.99"], numbers: ["+31705550199"], default: "+31705550199"}
  - {name: U1, boundary: interconnect, from: ["203.0.113.50"], to: ["sip:203.0.113.50"], send_pai: true}
  - {name: T1, boundary: trusted, from: ["198.51.100.20", "::1"], to: ["sip:198.51.100.20"]}
  - {name: T2, boundary: trusted, from: ["198.51.100.30"], to: ["sip:198.51.100.30"]}
  - {name: PS, boundary: emergency, from: ["198.51.100.112"], to: ["sip:198.51.100.112"], keep_pani: true}
routes:
  - {emergency: true, to: PS, uri: "EMERGENCY"}
  - {prefix: "+31705550133", to: C}
  - {prefix: "", to: EGRESS}
data: DATA
admin: {listen: "127.0.0.1:0"}
`

// newRig starts the fixture's gateway with its ordinary route to egress. flags:
// "rules-down", "records-down": that store cannot be opened; "streams": it listens on TCP
// and IPv6 as well.
// edits are pairs of a text in the configuration and what stands there instead.
func newRig(t *testing.T, egress, flags string, edits ...string) *rig {
	t.Helper()
	r := &rig{t: t, uas: map[string]*ua{}}
	r.takeNet()
	dir := t.TempDir()
	emergency := "urn:service:sos"
	switch egress {
	case "PS-plain":
		emergency, egress = "", "U1"
	case "PS", "C", "none":
		egress = "U1"
	}
	listen := `"udp:198.51.100.1:0"`
	if strings.Contains(flags, "streams") {
		listen += `, "tcp:198.51.100.1:0"`
		if r.gw6 = freeIPv6(); r.gw6 != "" {
			listen += fmt.Sprintf(", %q", "udp:"+r.gw6)
		}
	}
	text := strings.NewReplacer("LISTEN", listen, "EGRESS", egress, "EMERGENCY", emergency,
		"DATA", filepath.Join(dir, "data")).Replace(fixtureConfig)
	text = edited(t, text, edits)
	breakStores(t, filepath.Join(dir, "data"), flags)
	r.running = startGateway(t, r.local(text), dir)
	if !strings.Contains(flags, "rules-down") {
		r.put("+31205550102", `{"clir":"permanent"}`)
		r.put("+31205550103", `{"clir":"temporary-restricted"}`)
		r.put("+31705550133", `{"clir":"none","acr":true}`)
	}
	return r
}

// edited is a configuration with some of it changed.
func edited(t *testing.T, text string, pairs []string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the configuration", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// breakStores puts things in the way of the stores: what is to be a file is a directory,
// what is to be a directory a file.
func breakStores(t *testing.T, data, flags string) {
	t.Helper()
	must(t, os.MkdirAll(data, 0o700))
	if strings.Contains(flags, "rules-down") {
		must(t, os.MkdirAll(filepath.Join(data, sqlite.FileName, "in-the-way"), 0o700))
	}
	if strings.Contains(flags, "records-down") {
		must(t, os.WriteFile(filepath.Join(data, gateway.RecordsFolder), []byte("in the way"), 0o600))
	}
}

// freeIPv6 is an address on ::1 whose UDP port is free; "" where there is no IPv6.
func freeIPv6() string {
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// takeNet takes the first N for which A's address is free.
func (r *rig) takeNet() {
	r.t.Helper()
	for r.n = 0; r.n < 10; r.n++ {
		if u, err := openUA(r.t, "A", r.local(fixture["A"])+":5060"); err == nil {
			r.uas["A"] = u
			return
		}
	}
	r.t.Fatal("no loopback network is free on port 5060")
}

// local maps the documentation networks in s onto this rig's loopback networks.
func (r *rig) local(s string) string {
	return strings.NewReplacer(
		"192.0.2.", fmt.Sprintf("127.%d.2.", r.n),
		"203.0.113.50", fmt.Sprintf("127.%d.113.50", r.n),
		"198.51.100.", fmt.Sprintf("127.5%d.100.", r.n),
	).Replace(s)
}

// unlocal is the inverse of local, for a configuration.
func (r *rig) unlocal(s string) string {
	return strings.NewReplacer(
		fmt.Sprintf("127.%d.2.", r.n), "192.0.2.",
		fmt.Sprintf("127.%d.113.50", r.n), "203.0.113.50",
		fmt.Sprintf("127.5%d.100.", r.n), "198.51.100.",
	).Replace(s)
}

func itoa(n int) string { return strconv.Itoa(n) }

func (r *rig) line(name string) line {
	l := fixtureLines[name]
	words := make([]string, len(l.words))
	for i, w := range l.words {
		words[i] = r.local(w)
	}
	return line{l.number, words}
}

// ua is the raw user agent of that name, made when first asked for.
func (r *rig) ua(name string) *ua {
	r.t.Helper()
	if name == "PS-plain" {
		name = "PS"
	}
	if r.uas[name] == nil {
		r.uas[name] = newUA(r.t, name, r.local(fixture[name])+":5060")
	}
	return r.uas[name]
}

// newPhoneRig starts a gateway between sipgo phones over one transport; the phones are
// told apart by their hosts.
func newPhoneRig(t *testing.T, network string, c *certificates, caller, callee, psap *phone) *rig {
	t.Helper()
	dir := t.TempDir()
	tlsKeys := ""
	if c != nil {
		tlsKeys = fmt.Sprintf("\n  tls: {cert: %q, key: %q, ca: %q}", c.cert, c.key, c.ca)
	}
	to := func(p *phone) string { return fmt.Sprintf("sip:%s:%d;transport=%s", p.host, p.port, network) }
	text := fmt.Sprintf(`
node: gw1
home: {country: NL, domain: gw.example.net}
sip:
  listen: ["%s:127.0.0.1:0"]%s
peers:
  - {name: phones, boundary: access, access: fixed, from: [%q], to: [%q], numbers: ["+31205550101"], default: "+31205550101"}
  - {name: core, boundary: interconnect, from: [%q], to: [%q], send_pai: true}
  - {name: psap, boundary: emergency, from: [%q], to: [%q]}
routes:
  - {emergency: true, to: psap}
  - {prefix: "", to: core}
data: data
admin: {listen: "127.0.0.1:0"}
`, network, tlsKeys, caller.host, to(caller), callee.host, to(callee), psap.host, to(psap))
	return &rig{t: t, running: startGateway(t, text, dir)}
}

// put sets a subscriber's services through the admin API, as a NOC engineer does.
func (g *running) put(number, body string) {
	g.t.Helper()
	path := g.admin + "/v1/subscribers/" + url.PathEscape(number)
	etag := ""
	if res := g.do("GET", path, "", ""); res.StatusCode == 200 {
		etag = res.Header.Get("ETag")
	}
	if res := g.do("PUT", path, body, etag); res.StatusCode/100 != 2 {
		g.t.Fatalf("PUT subscriber: %s", res.Status)
	}
}

// setCLIR sets the mode of a subscriber; "" is none.
func (g *running) setCLIR(number, mode string) {
	g.t.Helper()
	if mode == "" {
		mode = "none"
	}
	b, _ := json.Marshal(map[string]string{"clir": mode})
	g.put(number, string(b))
}

func (g *running) do(method, url, body, etag string) *http.Response {
	g.t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	must(g.t, err)
	req.Header.Set("Authorization", "Bearer "+g.nocToken())
	req.Header.Set("Content-Type", "application/json")
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	must(g.t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	must(g.t, err)
	return res
}
