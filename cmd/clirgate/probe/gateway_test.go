package probe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/cmd/clirgate/probe"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/transport"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const number = "+31205559999"

// buffer is a log, safe to read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// line is a neighbour that keeps what it gets and answers nothing.
type line struct {
	conn net.PacketConn
	got  buffer
	done sync.WaitGroup
}

func newLine(t *testing.T) *line {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{conn: conn}
	l.done.Go(func() {
		for b := make([]byte, 65536); ; {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = l.got.Write(b[:n])
		}
	})
	t.Cleanup(func() { _ = conn.Close(); l.done.Wait() })
	return l
}

func (l *line) addr() string { return l.conn.LocalAddr().String() }

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

// site is a whole gateway that probes itself every 10 ms, with a PSAP and a carrier.
type site struct {
	*gateway.Gateway
	log           *buffer
	psap, carrier *line
	token         string
}

func newSite(t *testing.T, listen string) *site {
	t.Helper()
	s := &site{log: new(buffer), psap: newLine(t), carrier: newLine(t)}
	cfg, problems := config.Parse([]byte(`
sip: {listen: [`+listen+`]}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.0.1"], numbers: ["+3161234"]}
  - {name: psap, boundary: emergency, to: ["sip:`+s.psap.addr()+`"]}
  - {name: carrier, boundary: interconnect, to: ["sip:`+s.carrier.addr()+`"]}
routes: [{emergency: true, to: psap}, {prefix: "", to: carrier}]
admin: {listen: "127.0.0.1:0"}
probe: {every: 1m, number: "`+number+`"}
`), "test", t.TempDir())
	if fatal := problems.Fatal(); len(fatal) > 0 {
		t.Fatal(fatal)
	}
	var err error
	s.Gateway, err = gateway.New(cfg, gateway.WithLog(slog.New(slog.NewJSONHandler(s.log, nil))), gateway.ProbeEvery(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { _ = s.Close() })
	plain, record := admin.NewToken(token.NOC, "test", time.Time{})
	if err := s.Tokens().AddToken(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	s.token = plain
	return s
}

func (s *site) read(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+s.AdminAddr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
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

func (s *site) status(t *testing.T) (st admin.Status) {
	t.Helper()
	_, body := s.read(t, "/v1/status")
	if err := json.Unmarshal([]byte(body), &st); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return st
}

// proved waits until calls of both kinds have ended well.
func (s *site) proved(t *testing.T) {
	t.Helper()
	eventually(t, "both calls", func() bool {
		for _, k := range probe.Kinds {
			if r := s.Probe().Result(k); r.Ran && !r.OK && r.Failures > 20 {
				t.Fatalf("%v: %s", k, r.Reason)
			} else if !r.OK {
				return false
			}
		}
		return true
	})
}

// On a healthy gateway both calls succeed, go nowhere else, and tell nobody's number.
func TestHealthy(t *testing.T) {
	for _, listen := range []string{`"udp:127.0.0.1:0"`, `"udp:0.0.0.0:0"`, `"tcp:127.0.0.1:0", "udp:127.0.0.7:0"`, `"udp:[::1]:0"`, `"udp:[::]:0"`, `"udp:[::1]:0", "udp:127.0.0.1:0"`} {
		t.Run(listen, func(t *testing.T) {
			s := newSite(t, listen)
			s.proved(t)
			st := s.status(t)
			if st.State != "serving" || st.Probe == nil || st.Probe.Emergency.State != "ok" || st.Probe.Withheld.State != "ok" || !strings.Contains(st.Probe.Hint, "permanent CLIR") {
				t.Errorf("%+v %+v", st, st.Probe)
			}
			if at := st.Probe.Emergency.LastOK; at == nil || st.Probe.Withheld.LastOK == nil || time.Since(*at) > time.Minute {
				t.Errorf("%+v", st.Probe)
			}
			if _, list := s.read(t, "/v1/peers"); strings.Count(list, `"own":true`) != 3 || strings.Count(list, `"own":false`) != 3 {
				t.Errorf("peers: %s", list)
			}
			_, text := s.read(t, "/metrics")
			for _, want := range []string{`clirgate_probe_ok{probe="emergency"} 1`, `clirgate_probe_ok{probe="withheld"} 1`, `clirgate_probe_failures_total{probe="emergency"} 0`, `clirgate_probe_seconds{probe="withheld"} `,
				`clirgate_probe_age_seconds{probe="emergency"} `, `clirgate_probe_age_seconds{probe="withheld"} `, "clirgate_probe_interval_seconds 60\n"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not there", want)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			for _, at := range []string{s.Probe().Caller().String(), s.Probe().PSAP().String(), s.Probe().Callee().String()} {
				c, err := net.ListenPacket("udp", at)
				if err != nil {
					t.Errorf("the socket is still open: %v", err)
					continue
				}
				_ = c.Close()
			}
			if got := s.psap.got.String() + s.carrier.got.String(); got != "" {
				t.Errorf("a neighbour got a probe call:\n%s", got)
			}
			if log := s.log.String() + text; strings.Contains(log, "205559999") {
				t.Errorf("a number:\n%s", log)
			}
		})
	}
}

// A number with permanent CLIR is shown to 112 all the same, and there is no hint any more.
func TestPermanent(t *testing.T) {
	s := newSite(t, `"udp:127.0.0.1:0"`)
	s.proved(t)
	n := numbering.New(numbering.International, []byte(number[1:]))
	sub := rules.Subscriber{Number: n, CLIR: rules.CLIRPermanent}
	if _, err := s.Rules().Put(t.Context(), sub, rules.Unsaid(), rules.By{Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rule", func() bool { return s.status(t).Probe.Hint == "" })
	began := s.Stats().Classes["E"]
	eventually(t, "calls under the rule", func() bool { return s.Stats().Classes["E"] > began+2 })
	s.proved(t)
	if st := s.status(t); st.Probe.Emergency.Failures > 0 || st.Probe.Withheld.Failures > 0 {
		t.Errorf("%+v", st.Probe)
	}
}

// The emergency service does not answer: alarm, in words, in metrics and in the log; the
// gateway is ready all the same.
func TestBrokenEmergency(t *testing.T) {
	s := newSite(t, `"udp:127.0.0.1:0"`)
	s.proved(t)
	s.Probe().HangUpPSAP()
	eventually(t, "the alarm", func() bool { return s.status(t).State == "degraded" })
	st := s.status(t)
	if len(st.Problems) != 1 || !strings.HasPrefix(st.Problems[0], "The test call to 112 fails since ") || st.Probe.Emergency.State != "failed" || st.Probe.Withheld.State != "ok" {
		t.Errorf("%q %+v", st.Problems, st.Probe)
	}
	if code, body := s.read(t, "/readyz"); code != 200 {
		t.Errorf("not ready: %d %s", code, body)
	}
	if _, text := s.read(t, "/metrics"); !strings.Contains(text, `clirgate_probe_ok{probe="emergency"} 0`) || strings.Contains(text, `clirgate_probe_failures_total{probe="emergency"} 0`) {
		t.Error("metrics do not tell")
	}
	if log := s.log.String(); !strings.Contains(log, `"level":"ERROR","msg":"probe call","probe":"emergency","ok":false,"reason":"it was `) || strings.Contains(log, number[1:]) {
		t.Errorf("log:\n%s", log)
	}
	if got := s.psap.got.String(); got != "" {
		t.Errorf("the real one got it:\n%s", got)
	}
}

// While the probe calls, a real call to 112 reaches the real service, whatever Route it has.
func TestRealCalls(t *testing.T) {
	s := newSite(t, `"udp:127.0.0.1:0"`)
	c, err := net.Dial("udp", s.Addr(transport.UDP).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dial := func(id, uri, route string) {
		t.Helper()
		at := c.LocalAddr().String()
		text := "INVITE " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + at + ";branch=z9hG4bK" + id + "\r\n" + route +
			"From: <sip:+31612345678@127.0.0.1>;tag=a\r\nTo: <" + uri + ">\r\nCall-ID: " + id + "\r\nCSeq: 1 INVITE\r\nContact: <sip:a@" + at + ">\r\nMax-Forwards: 70\r\nX-Id: " + id + "\r\nContent-Length: 0\r\n\r\n"
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s.proved(t)
	dial("real", "sip:*31*112@127.0.0.1", "Route: <sip:"+s.Probe().PSAP().String()+";lr>\r\n")
	eventually(t, "the real call", func() bool { return strings.Contains(s.psap.got.String(), "INVITE sip:112@") })
	if got := s.psap.got.String(); !strings.Contains(got, "+31612345678") || strings.Contains(got, number[1:]) {
		t.Errorf("the emergency service got\n%s", got)
	}
	s.proved(t)
	if st := s.status(t); st.Probe.Emergency.Failures+st.Probe.Withheld.Failures > 0 {
		t.Errorf("%+v", st.Probe)
	}
}
