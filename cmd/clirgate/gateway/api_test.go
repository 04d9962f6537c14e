package gateway_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
)

// post asks the API for something and reads its answer into v.
func post(t *testing.T, g *gateway.Gateway, path, token, body string, v any) int {
	t.Helper()
	method := "POST"
	if body == "" && !strings.Contains(path, "}:") && !strings.HasSuffix(path, ":drain") && !strings.HasSuffix(path, ":resume") {
		method = "GET"
	}
	req, err := http.NewRequest(method, "http://"+g.AdminAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err == nil && v != nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, data)
	}
	return res.StatusCode
}

const served = `
sip: {listen: ["udp:127.0.0.1:0"]}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.0.9"], numbers: ["+3161234"]}
  - {name: next, boundary: interconnect, from: ["127.0.0.8"], to: ["sip:127.0.0.2:5170"]}
routes: [{emergency: true, to: next}, {prefix: "", to: next}]
admin: {listen: "127.0.0.1:0"}
`

func TestExplainFacts(t *testing.T) {
	g, _ := start(t, served, t.TempDir())
	token := newToken(t, g)
	var e admin.Explanation
	code := post(t, g, "/v1/explain", token, `{"peer":"phones","call":{"from":"+31612345678","to":"*31*0201234567"}}`, &e)
	if code != 200 || e.Decision == nil || e.Decision.Class != "W" || e.Decision.Rule != "D3" || e.Next == nil || e.Next.Peer != "next" || e.Next.Address != "127.0.0.2:5170" {
		t.Fatalf("%d %+v", code, e)
	}
	if e.Message.After == nil || strings.Contains(*e.Message.After, "612345678") || !strings.Contains(*e.Message.After, "anonymous.invalid") {
		t.Errorf("%v", e.Message.After)
	}
	if e.Facts.Caller != "+31612345678" || e.Facts.Called != "+31201234567" || !e.Facts.Withhold || e.Source.Peer != "phones" || len(e.Steps) < 9 {
		t.Errorf("%+v", e)
	}
	found := false
	for _, h := range e.Headers {
		found = found || h.Name == "From" && h.Action == "anonymise" && h.Before != nil && h.After != nil && strings.Contains(h.Why, "RFC 3323")
	}
	if !found {
		t.Errorf("From is not explained: %+v", e.Headers)
	}
}

func TestExplainMessage(t *testing.T) {
	g, log := start(t, served, t.TempDir())
	token := newToken(t, g)
	pasted, err := json.Marshal("\n  INVITE sip:0201234567@gw SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKx\nFrom: <sip:+31612345678@gw>;tag=a\nTo: <sip:0201234567@gw>\nCall-ID: a\nCSeq: 1 INVITE\nMax-Forwards: 70\n")
	if err != nil {
		t.Fatal(err)
	}
	var e admin.Explanation
	if code := post(t, g, "/v1/explain", token, `{"source":"udp:127.0.0.9:5060","message":`+string(pasted)+`}`, &e); code != 200 || e.Decision.Class != "N" {
		t.Fatalf("%d %+v", code, e)
	}
	if e := e.Message; e.After == nil || !strings.Contains(*e.After, "From: <sip:+31612345678@gw>;tag=a\r\n") {
		t.Errorf("%+v", e)
	}
	for body, field := range map[string]string{
		`{}`:                                  "peer",
		`{"peer":"phones"}`:                   "message",
		`{"peer":"nobody","message":"x"}`:     "peer",
		`{"source":"x","message":"x"}`:        "source",
		`{"source":"udp:1","message":"x"}`:    "source",
		`{"peer":"phones","message":"hallo"}`: "message",
		`{"peer":"phones","source":"udp:127.0.0.9:5060","message":"x"}`:                                          "source",
		`{"peer":"phones","message":"x","call":{}}`:                                                              "call",
		`{"peer":"phones","call":{}}`:                                                                            "call.to",
		`{"peer":"phones","call":{"to":"1\r\nX: y"}}`:                                                            "call.to",
		`{"source":"tcp:127.0.0.9:5060","call":{"to":"112"}}`:                                                    "source",
		`{"peer":"phones","message":` + strings.Replace(string(pasted), `\nCall-ID`, `;tag=b\nCall-ID`, 1) + `}`: "message",
		`{"peer":"phones","cal":{}}`:                                                                             "cal",
		`{"peer":1}`:                                                                                             "peer",
		`[`:                                                                                                      "",
	} {
		var p struct{ Field string }
		if code := post(t, g, "/v1/explain", token, body, &p); code != 400 || p.Field != field {
			t.Errorf("%s: %d, field %q, want %q", body, code, p.Field, field)
		}
	}
	if strings.Contains(log.String(), "612345678") || strings.Contains(log.String(), "201234567") {
		t.Errorf("what was asked is logged:\n%s", log)
	}
}

func TestExplainChange(t *testing.T) {
	g, _ := start(t, served, t.TempDir())
	token := newToken(t, g)
	var out struct {
		Calls []struct {
			Name        string
			Changed     bool
			Differences []string
			After       admin.Explanation
		}
	}
	code := post(t, g, "/v1/explain:change", token, `{"subscribers":[{"number":"+31612345678","clir":"permanent"}],"calls":[
		{"name":"his","peer":"phones","call":{"from":"+31612345678","to":"0201234567"}},
		{"name":"112","peer":"phones","call":{"from":"+31612345678","to":"112"}},
		{"name":"other","peer":"phones","call":{"from":"+31612345679","to":"0201234567"}}]}`, &out)
	if code != 200 || len(out.Calls) != 3 || !out.Calls[0].Changed || out.Calls[0].After.Decision.Rule != "D2" || out.Calls[1].Changed || out.Calls[2].Changed {
		t.Fatalf("%d %+v", code, out)
	}
	if d := strings.Join(out.Calls[0].Differences, "; "); d != "class: N, then W; rule: D8, then D2" {
		t.Errorf("differences %q", d)
	}
	for body, field := range map[string]string{
		`{"subscribers":[],"calls":[{}]}`:                                                           "subscribers",
		`{"subscribers":[{"number":"+31612345678"}],"calls":[]}`:                                    "calls",
		`{"subscribers":[{"number":"+31612345678","clir":"x"}],"calls":[{}]}`:                       "subscribers[0].clir",
		`{"subscribers":[{"clir":"none"}],"calls":[{}]}`:                                            "subscribers[0].number",
		`{"subscribers":[{"number":"+31612345678"}],"calls":[{"peer":"nobody","call":{"to":"1"}}]}`: "calls[0].peer",
	} {
		var p struct{ Field string }
		if code := post(t, g, "/v1/explain:change", token, body, &p); code != 400 || p.Field != field {
			t.Errorf("%s: %d, field %q, want %q", body, code, p.Field, field)
		}
	}
}

func TestPeersAndStatus(t *testing.T) {
	g, _ := start(t, served, t.TempDir())
	token := newToken(t, g)
	var st admin.Status
	if code := post(t, g, "/v1/status", token, "", &st); code != 200 || st.State != "serving" || len(st.Problems) != 0 || st.Peers.Up != 2 || st.Node != "gw1" || !st.Records.Kept {
		t.Errorf("%d %+v", code, st)
	}
	var p admin.Peer
	if code := post(t, g, "/v1/peers/next:drain", token, "", &p); code != 200 || p.State != "drained" || p.Name != "next" {
		t.Errorf("%d %+v", code, p)
	}
	var list struct{ Peers []admin.Peer }
	if code := post(t, g, "/v1/peers", token, "", &list); code != 200 || len(list.Peers) != 2 || list.Peers[1].State != "drained" || list.Peers[1].Targets[0].Address != "127.0.0.2:5170" {
		t.Errorf("%d %+v", code, list)
	}
	if code := post(t, g, "/v1/status", token, "", &st); code != 200 || st.Peers.Drained != 1 {
		t.Errorf("%d %+v", code, st)
	}
	if _, text := read(t, g, "/metrics", token); !strings.Contains(text, `clirgate_peer_drained{peer="next"} 1`) {
		t.Error("metrics do not say that the peer is drained")
	}
	if code := post(t, g, "/v1/peers/next:resume", token, "", &p); code != 200 || p.State != "up" {
		t.Errorf("%d %+v", code, p)
	}
	if code := post(t, g, "/v1/peers/nobody:drain", token, "", nil); code != 404 {
		t.Errorf("%d", code)
	}
}

func TestOpenMetrics(t *testing.T) {
	g, _ := start(t, strings.Replace(served, "admin: {", "admin: {metrics: open, ", 1), t.TempDir())
	code, text := read(t, g, "/metrics", "")
	if code != 200 {
		t.Fatal(code)
	}
	for _, want := range []string{
		`clirgate_peer_up{boundary="access",peer="phones"} 1`, "clirgate_rules_revision 0", `clirgate_record_seconds_bucket{le="0.0005"} 0`,
		"clirgate_rules_subscribers 0", `clirgate_messages_total{direction="received"}`, "clirgate_start_time_seconds",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("does not say %s", want)
		}
	}
}

// pair writes a certificate with that serial number, and its key.
func pair(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "gw"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The API speaks TLS, and shows a new certificate after a reload.
func TestAdminTLS(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir, 1)
	text := strings.Replace(served, "admin: {", "admin: {tls: {cert: cert.pem, key: key.pem}, ", 1)
	g, _ := start(t, text, dir)
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", g.AdminAddr(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
			t.Errorf("%q, %v", answer, err)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("certificate %d", n)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequest("GET", "https://"+g.AdminAddr()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+newToken(t, g))
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(body), `clirgate_certificate_expiry_seconds{use="admin"} `) {
		t.Errorf("the certificate's end is not told: %v", err)
	}
	pair(t, dir, 2)
	if err := g.Reload(parse(t, text, dir)); err != nil {
		t.Fatal(err)
	}
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after the reload", n)
	}
	if g.Addr(transport.TLS).IsValid() {
		t.Error("a TLS listener for SIP")
	}
}
