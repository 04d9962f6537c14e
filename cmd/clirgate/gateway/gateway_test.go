package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
	"clirgate/store/pebble"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Sharing{M: m},
		// fasthttp keeps a clock for the Date header, for ever, and a sweeper of its
		// workers until that wakes up.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const literal = `
sip: {listen: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], timers: {t1: 20ms, t2: 80ms, t4: 100ms}}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.0.1"], numbers: ["+3161234"]}
  - {name: core, boundary: trusted, to: ["sip:127.1.9.9:9"], health: {every: 1s}}
routes: [{emergency: true, to: core}, {prefix: "", to: core}]
admin: {listen: "127.0.0.1:0"}
`

func parse(t *testing.T, text, dir string) *config.Config {
	t.Helper()
	c, problems := config.Parse([]byte(text), "test", dir)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		t.Fatal(fatal)
	}
	return c
}

// logBuffer is a log, safe to read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, text, dir string) (*gateway.Gateway, *logBuffer) {
	t.Helper()
	log := new(logBuffer)
	g, err := gateway.New(parse(t, text, dir), gateway.WithLog(slog.New(slog.NewJSONHandler(log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	g.Start()
	t.Cleanup(func() { _ = g.Close() })
	return g, log
}

// ask sends a request over UDP and answers the first final response.
func ask(t *testing.T, g *gateway.Gateway, method, uri string) string {
	t.Helper()
	c, err := net.Dial("udp", g.Addr(transport.UDP).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Write([]byte(strings.ReplaceAll(method+" "+uri+` SIP/2.0
Via: SIP/2.0/UDP `+c.LocalAddr().String()+`;branch=z9hG4bK`+trace.NewID(time.Now()).String()+`
From: <sip:+31612345678@127.0.0.1>;tag=a
To: <`+uri+`>
Call-ID: `+trace.NewID(time.Now()).String()+`
CSeq: 1 `+method+`
Contact: <sip:a@`+c.LocalAddr().String()+`>
Max-Forwards: 70
Content-Length: 0

`, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for b := make([]byte, 65536); ; {
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(b[:n]); !strings.HasPrefix(s, "SIP/2.0 1") {
			return s
		}
	}
}

func get(t *testing.T, g *gateway.Gateway, path, token string) int {
	t.Helper()
	code, _ := read(t, g, path, token)
	return code
}

func read(t *testing.T, g *gateway.Gateway, path, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+g.AdminAddr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func newToken(t *testing.T, g *gateway.Gateway) string {
	t.Helper()
	plain, record := admin.NewToken(token.NOC, "test", time.Time{})
	if err := g.Tokens().AddToken(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestGateway(t *testing.T) {
	dir := t.TempDir()
	g, _ := start(t, literal, dir)
	if got := ask(t, g, "OPTIONS", "sip:"+g.Addr(transport.UDP).String()); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Errorf("OPTIONS: %.40s", got)
	}
	if a := g.Addr(transport.TLS); a.IsValid() {
		t.Errorf("a TLS listener at %v", a)
	}
	secret := newToken(t, g)
	for _, c := range []struct {
		path, token string
		want        int
	}{{"/healthz", "", 200}, {"/readyz", "", 401}, {"/readyz", secret, 200}, {"/v1/subscribers/%2B31612345678", secret, 404}} {
		if got := get(t, g, c.path, c.token); got != c.want {
			t.Errorf("%s: %d, want %d", c.path, got, c.want)
		}
	}
	for _, name := range []string{gateway.KeysFile, gateway.RecordsSocket} {
		if info, err := os.Stat(filepath.Join(dir, "data", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

// Counters are there, and nobody's number or address in them.
func TestMetrics(t *testing.T) {
	g, _ := start(t, literal, t.TempDir())
	ask(t, g, "MESSAGE", "sip:*31*0201234567@127.0.0.1")
	if code := get(t, g, "/metrics", ""); code != 401 {
		t.Errorf("without a token: %d", code)
	}
	code, text := read(t, g, "/metrics", newToken(t, g))
	if code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	for _, want := range []string{
		`clirgate_calls_total{class="W"} 1`, `clirgate_decisions_total{rule="D3"} 1`, `clirgate_peer_received_total{peer="phones"} 1`,
		`clirgate_events_total{event="no_route"} 0`, "clirgate_records_kept 1", "clirgate_rules_loaded 1", "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("does not say %s", want)
		}
	}
	for _, secret := range []string{"612345678", "201234567", "127.0.0"} {
		if strings.Contains(text, secret) {
			t.Errorf("holds %s", secret)
		}
	}
}

func TestDrain(t *testing.T) {
	g, _ := start(t, literal, t.TempDir())
	if err := g.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := ask(t, g, "INVITE", "sip:0201234567@127.0.0.1")
	if !strings.HasPrefix(got, "SIP/2.0 503") || !strings.Contains(got, "Retry-After:") {
		t.Errorf("INVITE while draining: %.60s", got)
	}
	if got := get(t, g, "/readyz", newToken(t, g)); got != 503 {
		t.Errorf("ready while draining: %d", got)
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	g, _ := start(t, literal, dir)
	if got := ask(t, g, "OPTIONS", "sip:x@127.0.0.1"); strings.HasPrefix(got, "SIP/2.0 403") {
		t.Errorf("before: %.40s", got)
	}
	for text, want := range map[string]string{
		strings.Replace(literal, "admin: {listen: \"127.0.0.1:0\"}", "admin: {listen: \"127.0.0.1:1\"}\nhome: {country: DE}", 1): "home, admin can only change with a restart",
		strings.Replace(literal, "t1: 20ms", "t1: 30ms", 1):                                                                      "sip.timers can only change",
	} {
		if err := g.Reload(parse(t, text, dir)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("reloaded with %v, want %s", err, want)
		}
	}
	bad := parse(t, literal, dir)
	bad.Peers[0].From = []string{"nonsense"}
	if err := g.Reload(bad); err == nil {
		t.Error("reloaded nonsense")
	}
	if got := ask(t, g, "MESSAGE", "sip:x@127.0.0.1"); strings.HasPrefix(got, "SIP/2.0 403") {
		t.Errorf("after refused reloads: %.40s", got)
	}
	if err := g.Reload(parse(t, strings.Replace(literal, "from: [\"127.0.0.1\"]", "from: [\"127.0.0.3\"]", 1), dir)); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, g, "MESSAGE", "sip:x@127.0.0.1"); !strings.HasPrefix(got, "SIP/2.0 403") {
		t.Errorf("the peer is gone, but: %.40s", got)
	}
}

// Whatever cannot be opened, the gateway starts, answers, and says what is wrong.
func TestStartsWithoutStores(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for name, content := range map[string]string{"records": "in the way", "keys": "no keys"} {
		if err := errors.Join(os.MkdirAll(data, 0o700), os.WriteFile(filepath.Join(data, name), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(data, "clirgate.db", "in-the-way"), 0o700); err != nil {
		t.Fatal(err)
	}
	g, log := start(t, literal, dir)
	if got := ask(t, g, "OPTIONS", "sip:"+g.Addr(transport.UDP).String()); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Errorf("OPTIONS: %.40s", got)
	}
	if got := get(t, g, "/healthz", ""); got != 200 {
		t.Errorf("alive: %d", got)
	}
	if got := get(t, g, "/readyz", "clirgate_x"); got != 503 {
		t.Errorf("tokens cannot be read: %d", got)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"rules cannot be read", "records are not kept", "key ring cannot be used"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("does not log %q:\n%s", want, log)
		}
	}
}

func TestOneGatewayADirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, literal, dir)
	_, err := gateway.New(parse(t, literal, dir), gateway.WithLog(slog.New(slog.DiscardHandler)))
	if !errors.Is(err, pebble.ErrLocked) {
		t.Errorf("second gateway: %v", err)
	}
}

func TestTakenPortsAreSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, text := range []string{
		strings.Replace(literal, "tcp:127.0.0.1:0", "tcp:"+taken.Addr().String(), 1),
		strings.Replace(literal, "{listen: \"127.0.0.1:0\"}", "{listen: \""+taken.Addr().String()+"\"}", 1),
	} {
		_, err := gateway.New(parse(t, text, t.TempDir()), gateway.WithLog(slog.New(slog.DiscardHandler)))
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("started with %v", err)
		}
	}
}

// Records are had from the running gateway by its socket, and from the store when none
// runs.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	g, _ := start(t, literal, dir)
	now := time.Now()
	for range 3 {
		r := tracetest.Record(now)
		if err := g.Records().Append([]trace.Entry{{ID: r.ID, Value: trace.AppendRecord(nil, r)}}); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int {
		t.Helper()
		var out bytes.Buffer
		if err := gateway.CopyRecords(&out, data, now.Add(-time.Second), now.Add(time.Second)); err != nil {
			t.Error(err)
		}
		if strings.Contains(out.String(), "612345678") {
			t.Error("the listing tells who called")
		}
		return strings.Count(out.String(), `"sealed":true`)
	}
	opened := func() int {
		t.Helper()
		var out bytes.Buffer
		by := gateway.Opening{Actor: "root", Reason: "a test of it"}
		if err := gateway.CopyOpened(t.Context(), &out, parse(t, literal, dir), now.Add(-time.Second), now.Add(time.Second), by); err != nil {
			t.Error(err)
		}
		return strings.Count(out.String(), `"calling":"+31612345678"`)
	}
	if n, open := count(), opened(); n != 3 || open != 3 {
		t.Errorf("%d records from the running gateway, %d opened", n, open)
	}
	conn, err := net.Dial("unix", filepath.Join(data, gateway.RecordsSocket))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte("records yesterday now\n"))
	if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "error ") {
		t.Errorf("nonsense answered with %q", answer)
	}
	_ = conn.Close()
	var out bytes.Buffer
	if err := gateway.PrintCalls(&out, g.Records(), now.Add(-time.Second), now.Add(time.Second)); err != nil ||
		strings.Count(out.String(), "class W by rule D3") != 3 || strings.Contains(out.String(), "612345678") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if n, open := count(), opened(); n != 3 || open != 3 {
		t.Errorf("%d records from the store, %d opened", n, open)
	}
	looks := 0
	for _, e := range auditLog(t, dir) {
		if e.Action == "records.open" && e.Actor == "root" && e.Purpose == "a test of it" {
			looks++
		}
	}
	if looks != 2 {
		t.Errorf("%d looks at identities in the audit log, want 2", looks)
	}
	if err := gateway.CopyRecords(&out, t.TempDir(), now, now); err == nil {
		t.Error("records from nothing")
	}
}

func auditLog(t *testing.T, dir string) []audit.Entry {
	t.Helper()
	s, err := gateway.OpenStore(t.Context(), parse(t, literal, dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.Audit().Read(t.Context(), audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What is past its retention is gone after a start, with the keys of its days, and
// counted everywhere.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	offline(t, dir, now.AddDate(0, -12, -3), now.AddDate(0, -12, -2), now.AddDate(0, -11, 0))
	keys := func() (n int) { // of days; others have their own time
		t.Helper()
		_, keys, err := keyring.List(t.Context(), keyring.ReadFile(filepath.Join(dir, "data", gateway.RingFile)))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if strings.HasPrefix(k.Name, "records/") {
				n++
			}
		}
		return n
	}
	if n := keys(); n != 3 {
		t.Errorf("%d keys of three days", n)
	}
	g, log := start(t, literal, dir)
	secret := newToken(t, g)
	within(t, "what expired is counted", func() bool {
		_, text := read(t, g, "/metrics", secret)
		return strings.Contains(text, `clirgate_records_expired_total{service="telephony"} 2`)
	})
	within(t, "it is in the log", func() bool { return strings.Contains(log.String(), `"records":2,"keys":2`) })
	left := 0
	err := g.Records().Scan(time.Time{}, now, func(*trace.Record) bool { left++; return true })
	if left != 1 || keys() != 1 || err != nil {
		t.Errorf("%d records and %d keys left, %v", left, keys(), err)
	}
	within(t, "it is in the audit log", func() bool {
		return slices.ContainsFunc(auditLog(t, dir), func(e audit.Entry) bool {
			return e.Action == "records.expire" && e.Detail == "2 records, 2 keys"
		})
	})
	if strings.Contains(log.String(), "612345678") {
		t.Error("the log names whose records expired")
	}
}

// offline records calls of some times in a data directory, before a gateway runs there.
func offline(t *testing.T, dir string, times ...time.Time) {
	t.Helper()
	data := filepath.Join(dir, "data")
	ring, err := keyring.OpenAt(t.Context(), filepath.Join(data, gateway.RingFile), keyring.File(data+".master"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := pebble.Open(filepath.Join(data, gateway.RecordsFolder), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := trace.NewVault(s, trace.NewKeys(ring), nil)
	for _, at := range times {
		r := tracetest.Record(at)
		if err := v.Append([]trace.Entry{{ID: r.ID, Value: v.AppendSealed(nil, r)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(v.Close(), ring.Close()); err != nil {
		t.Fatal(err)
	}
}
