package loadtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gatewayConfig is a gateway between untrusted phones and an untrusted network: both
// must be kept from what is withheld.
const gatewayConfig = `
node: gw1
home: {country: NL, domain: carrier.example}
sip:
  listen: ["NET:SIP"]
  tls: {cert: cert.pem, key: key.pem, ca: cert.pem}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["HOST1"], to: ["sip:CALLER;transport=NET"], numbers: ["+3161234"], default: "+31612340000"}
  - {name: core, boundary: interconnect, from: ["HOST2"], to: ["sip:CALLEE;transport=NET"], send_pai: true, tcp: never}
  - {name: failing, boundary: interconnect, from: ["HOST3"], to: ["sip:DYING;transport=NET", "sip:CALLEE;transport=NET"], send_pai: true, tcp: never, give_up: 300ms}
  - {name: psap, boundary: emergency, from: ["HOST4"], to: ["sip:PSAP;transport=NET"], tcp: never}
routes:
  - {emergency: true, to: psap}
  - {prefix: "+3175", to: failing}
  - {prefix: "+3176", to: failing}
  - {prefix: "+3177", to: failing}
  - {prefix: "", to: core}
data: data
admin: {listen: "ADMIN"}
`

// built is the gateway's program, built once.
func built(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "clirgate")
	cmd := exec.Command("go", "build", "-o", bin, "../cmd/clirgate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the gateway: %v\n%s", err, out)
	}
	return bin
}

// own is one of eight loopback hosts that only this process uses: a port of a common one
// that is free now may be anybody's the moment after.
func own(n int) string {
	n += os.Getpid() * 8
	return fmt.Sprintf("127.%d.%d.%d", 128+n>>16&63, n>>8&255, n&255)
}

// The hosts of one gateway and its neighbours.
var gatewayHost, callerHost, calleeHost, dyingHost, psapHost = own(0), own(1), own(2), own(3), own(4)

// free is an address of a host that nobody uses.
func free(t *testing.T, host string) string {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		p, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			p.Close()
			return address
		}
	}
	t.Fatal("no port is free for both TCP and UDP")
	return ""
}

// served is a gateway process and the addresses around it.
type served struct {
	bin, dir                                     string
	sip, caller, callee, dying, psap, api, token string
	cert                                         tls.Certificate
	cmd                                          *exec.Cmd
	log                                          *os.File
}

// Numbers of callers, in any form; and what has as many digits by chance.
var (
	callers = regexp.MustCompile(`61234\d{4}`)
	clock   = regexp.MustCompile(`"(time":"[^"]*|duration":\d+)`)
)

func serve(t *testing.T, bin, network string) *served {
	t.Helper()
	g := &served{bin: bin, dir: t.TempDir(), sip: free(t, gatewayHost), api: free(t, gatewayHost),
		caller: free(t, callerHost), callee: free(t, calleeHost), dying: free(t, dyingHost), psap: free(t, psapHost)}
	text := strings.NewReplacer("NET", network, "SIP", g.sip, "CALLER", g.caller, "CALLEE", g.callee, "DYING", g.dying, "PSAP", g.psap, "ADMIN", g.api,
		"HOST1", callerHost, "HOST2", calleeHost, "HOST3", dyingHost, "HOST4", psapHost).Replace(gatewayConfig)
	if err := os.WriteFile(g.config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g.certify(t)
	out, err := exec.Command(bin, "token", "create", "--config", g.config(), "--role", "noc", "--name", "load").Output()
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	g.token = strings.TrimSpace(string(out))
	if g.log, err = os.Create(filepath.Join(g.dir, "log")); err != nil {
		t.Fatal(err)
	}
	g.start(t)
	t.Cleanup(func() {
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
		if err := g.cmd.Wait(); err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
		g.log.Close()
		b, _ := os.ReadFile(g.log.Name())
		b = clock.ReplaceAll(b, nil)
		if callers.Match(b) || bytes.Contains(b, []byte(marker)) {
			t.Error("the gateway's log holds a caller")
		}
	})
	return g
}

// certify makes the certificate that both sides show and trust.
func (g *served) certify(t *testing.T) {
	t.Helper()
	var err error
	if g.cert, err = SelfSigned(net.ParseIP(gatewayHost), net.ParseIP(callerHost), net.ParseIP(calleeHost), net.ParseIP(dyingHost), net.ParseIP(psapHost)); err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(g.cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: g.cert.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(g.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (g *served) config() string { return filepath.Join(g.dir, "gateway.yaml") }

// start starts the process and waits until it is ready.
func (g *served) start(t *testing.T) {
	t.Helper()
	if !g.begin(t) {
		t.FailNow()
	}
}

// begin does it, from any goroutine.
func (g *served) begin(t *testing.T) bool {
	t.Helper()
	g.cmd = exec.Command(g.bin, "serve", "--config", g.config())
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		t.Error(err)
		return false
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get("http://" + g.api + "/healthz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
	}
	b, _ := os.ReadFile(g.log.Name())
	t.Errorf("the gateway does not get ready:\n%s", b)
	return false
}

// run calls through the gateway and wants everything right.
func (g *served) run(t *testing.T, network, mix string, rate float64, length time.Duration) {
	t.Helper()
	m, err := ParseMix(mix)
	if err != nil {
		t.Fatal(err)
	}
	with := func(a string) string { return network + ":" + a }
	r, err := New(Config{Target: with(g.sip), CallerListen: []string{with(g.caller)}, CalleeListen: []string{with(g.callee), with(g.psap)},
		DyingListen: []string{with(g.dying)}, DyingEvery: 3 * time.Second, Mix: m, Profile: Profile{{rate, rate, length}}, Callers: 10, WantPAI: true,
		API: g.api, Token: g.token, ToggleEvery: 200 * time.Millisecond, Ledger: true, MaxInFlight: 20_000, Linger: 2 * time.Second, Certificate: &g.cert})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Do(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	result := r.Result()
	for _, broken := range (Limits{Leaks: 0, Missing: 0, Unrestored: 0, Form: 0, Failed: 0, P99: -1, AnswerP99: -1, PerCall: -1, Rate: -1, RSSGrowth: -1}).Check(&result) {
		t.Error(broken)
	}
	if int64(rate*length.Seconds()/2) > result.Totals.Carried {
		t.Errorf("only %d calls were carried", result.Totals.Carried)
	}
	if t.Failed() {
		t.Logf("%+v\noutcomes: %v\nfindings: %v", result.Totals, result.Outcomes, result.Findings)
		for _, s := range result.Samples {
			t.Logf("%v %s: %s\n%s", s.Kind, s.Vector, s.What, s.Message)
		}
	}
	g.records(t, r)
}

// records compares the gateway's records with what the callee saw.
func (g *served) records(t *testing.T, r *Run) {
	t.Helper()
	cmd := exec.Command(g.bin, "records", "--open", "--reason", "a test", "--config", g.config())
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("records: %v\n%s", err, &problems)
	}
	u, err := r.Compare(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if !u.OK() || u.Calls == 0 {
		t.Error(fmt.Sprint(u))
	}
}

// TestGatewayKeepsEveryIdentity puts some thousand calls of every kind through the
// gateway's own program.
func TestGatewayKeepsEveryIdentity(t *testing.T) {
	bin := built(t)
	t.Run("udp", func(t *testing.T) {
		serve(t, bin, "udp").run(t, "udp", "full,failover=3", 450, 7*time.Second)
	})
	t.Run("tcp", func(t *testing.T) {
		serve(t, bin, "tcp").run(t, "tcp", "full", 150, 2*time.Second)
	})
	t.Run("tls", func(t *testing.T) {
		serve(t, bin, "tls").run(t, "tls", "full", 100, 2*time.Second)
	})
}
