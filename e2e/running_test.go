package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/admin/token"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
)

// running is a gateway in this process, made of a configuration as a file would hold it.
type running struct {
	t     *testing.T
	g     *gateway.Gateway
	yaml  string
	dir   string // relative paths in yaml are relative to it
	gw    string // host:port of the first SIP listener
	admin string // base URL of the admin API
	token string // a NOC engineer's
	log   *logBuffer

	stopped sync.Once
}

// startGateway starts a gateway that the test's end stops.
func startGateway(t *testing.T, yaml, dir string) *running {
	t.Helper()
	r := &running{t: t, yaml: yaml, dir: dir, log: new(logBuffer)}
	var err error
	r.g, err = gateway.New(r.config(yaml), gateway.WithLog(slog.New(slog.NewJSONHandler(r.log, nil))))
	must(t, err)
	r.g.Start()
	t.Cleanup(r.stop)
	for _, network := range []transport.Network{transport.UDP, transport.TCP, transport.TLS} {
		if a := r.g.Addr(network); a.IsValid() {
			r.gw = a.String()
			break
		}
	}
	r.admin = "http://" + r.g.AdminAddr()
	return r
}

// config reads a configuration that must be right.
func (r *running) config(yaml string) *config.Config {
	r.t.Helper()
	cfg, problems := config.Parse([]byte(yaml), "test.yaml", r.dir)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		r.t.Fatal(fatal)
	}
	return cfg
}

// addr is host:port of the first listener of a network.
func (r *running) addr(network transport.Network) string { return r.g.Addr(network).String() }

// stop stops the gateway as a SIGTERM does, without the drain, and reads its log: no
// number of the fixture may be in it (DESIGN 6.4).
func (r *running) stop() {
	r.stopped.Do(func() {
		if err := r.g.Close(); err != nil {
			r.t.Errorf("close: %v", err)
		}
		for name, l := range fixtureLines {
			l.words = nil
			if w := l.leak(r.log.String()); w != "" {
				r.t.Errorf("line %s leaked (%s) into the log:\n%s", name, w, r.log)
			}
		}
	})
}

// nocToken makes the token when it is first needed: a rule store that is down has none.
func (r *running) nocToken() string {
	r.t.Helper()
	if r.token == "" {
		plain, record := token.New(token.NOC, "e2e", time.Time{})
		must(r.t, r.g.Tokens().AddToken(context.Background(), record))
		r.token = plain
	}
	return r.token
}

// records reads the trace records there are, oldest first.
func (r *running) records() []record {
	r.t.Helper()
	var out bytes.Buffer
	now := time.Now()
	must(r.t, gateway.WriteRecords(&out, r.g.Records(), now.Add(-time.Hour), now.Add(time.Hour)))
	var rs []record
	for _, line := range lines(out.String()) {
		rs = append(rs, readRecord(r.t, line))
	}
	return rs
}

// record waits for the newest record.
func (r *running) record() record {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if rs := r.records(); len(rs) > 0 {
			return rs[len(rs)-1]
		}
	}
	return record{}
}

// record is the fields of a trace record that the tests speak of.
type record struct {
	Found         bool   `json:"-"`
	Text          string `json:"-"` // all of it
	Class         string `json:"class"`
	Rule          string `json:"rule"`
	Called        string `json:"called"`
	Calling       string `json:"calling"`
	Identity      string `json:"identity"`
	Withheld      bool   `json:"withheld"`
	Egress        string `json:"egress"`
	Status        int    `json:"status"`
	IdentityKnown bool   `json:"-"`
}

func readRecord(t *testing.T, line string) record {
	t.Helper()
	rec := record{Found: true, Text: line}
	must(t, json.Unmarshal([]byte(line), &rec))
	rec.IdentityKnown = rec.Calling != "" && rec.Identity != "unknown"
	return rec
}

func (r record) String() string { return r.Text }

// logBuffer is the gateway's log, safe to read while it is written.
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

var _ fmt.Stringer = (*logBuffer)(nil)
