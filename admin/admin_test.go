package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/rules/bulk"
	"clirgate/store/sqlite"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// One per process for good; one per server that sleeps on for some seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// api is a running API on a store of its own.
type api struct {
	t      *testing.T
	url    string
	addr   string
	db     *sqlite.DB
	rules  *rules.Service
	server *admin.Server
	log    lockedBuffer
	ready  atomic.Pointer[error]
	noc    string
	client http.Client
	parts  parts
	office *office
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newAPI(t *testing.T, change ...func(*admin.Options)) *api {
	t.Helper()
	ctx := context.Background()
	db, err := sqlite.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := numbering.NewPlan("NL", nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{t: t, db: db, rules: rules.NewService(db.Rules(), new(rules.Table))}
	if err := a.rules.Load(ctx); err != nil {
		t.Fatal(err)
	}
	o := admin.Options{
		Rules: a.rules, Tokens: db.Tokens(), Plan: plan, Log: slog.New(slog.NewJSONHandler(&a.log, nil)),
		Ready: func() error {
			if err := a.ready.Load(); err != nil {
				return *err
			}
			return nil
		},
		Rate: 100_000,
	}
	jobs := bulk.NewJobs(bulk.JobOptions{Dir: t.TempDir(), Service: a.rules, Plan: plan, Log: o.Log, Everywhere: a.parts.WaitAll})
	o.Jobs = jobs
	a.parts.fill(&o)
	a.office = newOffice(t, db, &o)
	for _, f := range change {
		f(&o)
	}
	a.server = admin.New(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.addr, a.url = ln.Addr().String(), "http://"+ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(ln) }()
	t.Cleanup(func() {
		a.client.CloseIdleConnections()
		stop, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := errors.Join(a.server.Shutdown(stop), <-served, jobs.Close(), db.Close()); err != nil {
			t.Error(err)
		}
		// Seven digits: five come up by chance in so many times and durations.
		if strings.Contains(a.log.String(), "6123456") || strings.Contains(a.log.String(), "clirgate_") {
			t.Errorf("a number or token is in the log:\n%s", a.log.String())
		}
	})
	a.noc = a.token(token.NOC, "alice", time.Time{})
	return a
}

func (a *api) token(role token.Role, name string, expires time.Time) string {
	a.t.Helper()
	plain, r := admin.NewToken(role, name, expires)
	if err := a.db.Tokens().AddToken(context.Background(), r); err != nil {
		a.t.Fatal(err)
	}
	return plain
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (r answer) field(name string) string {
	s, _ := r.json[name].(string)
	return s
}

// do sends one request; headers as "Name: value".
func (a *api) do(method, path, body string, headers ...string) answer {
	a.t.Helper()
	return a.as(a.noc, method, path, body, headers...)
}

func (a *api) as(plain, method, path, body string, headers ...string) answer {
	a.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, a.url+path, in)
	if err != nil {
		a.t.Fatal(err)
	}
	if plain != "" {
		req.Header.Set("Authorization", "Bearer "+plain)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	res, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	out := answer{status: res.StatusCode, header: res.Header, body: string(data)}
	conform(a.t, req, body, res, data)
	if len(data) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") && !strings.Contains(res.Header.Get("Content-Type"), "jsonl") {
		if err := json.Unmarshal(data, &out.json); err != nil {
			a.t.Fatalf("%s %s: %q is no JSON", method, path, data)
		}
	}
	if out.status >= 400 {
		a.checkProblem(out)
	}
	return out
}

// Every refusal is a problem document that repeats nothing that was sent.
func (a *api) checkProblem(r answer) {
	a.t.Helper()
	if r.header.Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(r.field("type"), "urn:clirgate:problem:") ||
		r.field("title") == "" || r.json["status"] != float64(r.status) {
		a.t.Errorf("%d: no problem document: %v %s", r.status, r.header, r.body)
	}
	if strings.Contains(r.body, "61234") {
		a.t.Errorf("the problem repeats the number: %s", r.body)
	}
}

func (a *api) want(r answer, status int, field string) {
	a.t.Helper()
	if r.status != status || r.field("field") != field {
		a.t.Errorf("%d %s, want %d and field %q", r.status, r.body, status, field)
	}
}

const one = "/v1/subscribers/+31612345678"

func TestSubscriberLife(t *testing.T) {
	a := newAPI(t)
	n := numbering.New(numbering.International, []byte("31612345678"))
	inForce := func() rules.CLIR {
		sub, _ := a.rules.Table().Snapshot().Subscriber(n, time.Now())
		return sub.CLIR
	}
	a.want(a.do("GET", one, ""), 404, "")
	a.want(a.do("DELETE", one, "", "If-Match: *"), 404, "")

	r := a.do("PUT", one, `{"clir":"permanent"}`)
	first := r.header.Get("ETag")
	if r.status != 201 || first == "" || inForce() != rules.CLIRPermanent {
		t.Fatalf("%d %s %v", r.status, r.body, r.header)
	}
	r = a.do("GET", one, "")
	want := `{"number":"+31612345678","clir":"permanent","clip":true,"acr":false,"tir":"none","override":false,"shield_on_bills":false,"mcid":"none","note":"","until":null}` + "\n"
	if r.status != 200 || r.body != want || r.header.Get("ETag") != first || r.header.Get("Content-Type") != "application/json" || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s %v", r.status, r.body, r.header)
	}
	// The answer can be sent back as it is.
	r = a.do("PUT", one, r.body, "If-Match: "+first, "Content-Type: application/json; charset=utf-8")
	second := r.header.Get("ETag")
	if r.status != 200 || second == first {
		t.Fatalf("%d %s %v", r.status, r.body, r.header)
	}
	if r := a.do("GET", one, "", "If-None-Match: W/"+second); r.status != 304 || r.body != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("PUT", one, `{}`), 428, "If-Match")
	a.want(a.do("PUT", one, `{}`, "If-Match: "+first), 412, "")
	a.want(a.do("PUT", one, `{}`, "If-Match: W/"+second), 412, "")
	a.want(a.do("PUT", one, `{}`, `If-Match: "other"`), 412, "")
	a.want(a.do("PUT", one, `{}`, "If-None-Match: *"), 412, "")
	a.want(a.do("PUT", "/v1/subscribers/+31612345679", `{}`, "If-Match: *"), 412, "")
	a.want(a.do("PUT", one, `{}`, "If-Match: 17"), 400, "If-Match")
	a.want(a.do("PUT", one, `{}`, `If-Match: "1", "2"`), 400, "If-Match")
	a.want(a.do("PUT", one, `{}`, "If-Match: "+second, "If-None-Match: *"), 400, "If-Match")
	a.want(a.do("PUT", one, `{}`, "If-None-Match: "+second), 400, "If-None-Match")
	a.want(a.do("DELETE", one, ""), 428, "If-Match")
	a.want(a.do("DELETE", one, "", "If-Match: "+first), 412, "")
	if inForce() != rules.CLIRPermanent {
		t.Error("a refused change is in force")
	}
	if r := a.do("DELETE", one+"?reason=ticket%207", "", "If-Match: "+second); r.status != 204 || r.body != "" || inForce() != rules.CLIRNone {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("PUT", one, `{"until":"2099-01-01T00:00:00Z"}`, "If-None-Match: *"); r.status != 201 || r.field("until") != "2099-01-01T00:00:00Z" {
		t.Errorf("%d %s", r.status, r.body)
	}

	changes, err := a.db.Rules().Changes(context.Background(), 0, 10)
	if err != nil || len(changes) != 4 || changes[2].By != (rules.By{Actor: "noc:alice", Reason: "ticket 7"}) {
		t.Errorf("%+v, %v", changes, err)
	}
}

// One subscriber, however the number is spelled.
func TestSpellings(t *testing.T) {
	a := newAPI(t)
	if r := a.do("PUT", "/v1/subscribers/0612345678", `{"number":"06-1234 5678","note":"n"}`); r.status != 201 || r.field("number") != "+31612345678" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, spelling := range []string{"+31612345678", "%2B31612345678", "0031612345678", "06-12345678", "06%2012%2034%2056%2078", "%2B31%20(0)6%201234%205678", "tel:+31612345678"} {
		if r := a.do("GET", "/v1/subscribers/"+spelling, ""); r.status != 200 || r.field("number") != "+31612345678" {
			t.Errorf("%s: %d %s", spelling, r.status, r.body)
		}
	}
	for _, spelling := range []string{"alice", "112", "+31112", "14020", "+3161234", "%2A31%2A0612345678", "%20", "061234567890123456", "%2525"} {
		a.want(a.do("GET", "/v1/subscribers/"+spelling, ""), 400, "number")
		a.want(a.do("PUT", "/v1/subscribers/"+spelling, `{}`), 400, "number")
		a.want(a.do("DELETE", "/v1/subscribers/"+spelling, "", "If-Match: *"), 400, "number")
	}
}

func TestBodies(t *testing.T) {
	a := newAPI(t)
	for body, field := range map[string]string{
		`{"clirr":"permanent"}`:              "clirr",
		`{"clir":"always"}`:                  "clir",
		`{"clip":"no"}`:                      "clip",
		`{"acr":1}`:                          "acr",
		`{"number":"+31612345679"}`:          "number",
		`{"number":"x"}`:                     "number",
		`{"until":"2001-01-01T00:00:00Z"}`:   "until",
		`{"until":"tomorrow"}`:               "until",
		`{"clir":"none","clir":"permanent"}`: "clir",
		`{"clir":`:                           "",
		`[]`:                                 "",
		`null`:                               "",
		`{} {}`:                              "",
		`{"note":"+31612345678}`:             "",
	} {
		a.want(a.do("PUT", one, body), 400, field)
	}
	a.want(a.do("PUT", one, ""), 400, "")
	a.want(a.do("PUT", one, "{}", "Content-Type: text/plain"), 415, "Content-Type")
	a.want(a.do("PUT", one+"?reason=a%0Ab", "{}"), 400, "reason")
	a.want(a.do("PUT", one+"?reason="+strings.Repeat("x", 501), "{}"), 400, "reason")
	a.want(a.do("GET", one, ""), 404, "")

	r := a.do("PUT", one, `{"note":"`+strings.Repeat("x", 70_000)+`"}`)
	if r.status != 413 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("GET", "/readyz", "", "X-Long: "+strings.Repeat("x", 20_000)); r.status != 431 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestTokens(t *testing.T) {
	a := newAPI(t)
	expired := a.token(token.NOC, "late", time.Now().Add(-time.Second))
	revoked := a.token(token.NOC, "gone", time.Time{})
	list, err := a.db.Tokens().Tokens(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Name == "gone" {
			if err := a.db.Tokens().RevokeToken(context.Background(), r.ID, time.Now().Add(-time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	}
	endpoints := []struct{ method, path string }{
		{"GET", one}, {"PUT", one}, {"DELETE", one}, {"GET", "/readyz"}, {"GET", "/v1/whoami"},
		{"GET", "/"}, {"GET", "/v1/nothing"}, {"POST", "/v1/whoami"}, {"OPTIONS", one}, {"GET", "/healthz/"},
	}
	for _, e := range endpoints {
		for name, plain := range map[string]string{"no": "", "wrong": a.noc + "x", "expired": expired, "revoked": revoked} {
			r := a.as(plain, e.method, e.path, "")
			challenge := r.header.Get("WWW-Authenticate")
			if r.status != 401 || !strings.HasPrefix(challenge, "Bearer ") || (plain != "") != strings.Contains(challenge, "invalid_token") {
				t.Errorf("%s token, %s %s: %d %q", name, e.method, e.path, r.status, challenge)
			}
		}
		if r := a.as("", e.method, e.path, "", "Authorization: Basic "+a.noc); r.status != 401 {
			t.Errorf("Basic, %s %s: %d", e.method, e.path, r.status)
		}
	}
	for _, role := range token.Roles() {
		plain := a.token(role, "somebody", time.Now().Add(time.Hour))
		for _, e := range endpoints[:3] {
			if r := a.as(plain, e.method, e.path, ""); role != token.NOC && r.status != 403 || role == token.NOC && r.status == 403 {
				t.Errorf("%s, %s: %d", role, e.method, r.status)
			}
		}
		if r := a.as(plain, "GET", "/v1/whoami", ""); r.status != 200 || r.field("role") != string(role) || r.field("name") != "somebody" || r.field("expires") == "" {
			t.Errorf("%s: %d %s", role, r.status, r.body)
		}
		if r := a.as(plain, "GET", "/readyz", ""); r.status != 200 {
			t.Errorf("%s: %d %s", role, r.status, r.body)
		}
	}
	if r := a.as("", "GET", "/v1/whoami", "", "Authorization: bearer  "+a.noc); r.status != 200 || r.json["expires"] != nil {
		t.Errorf("scheme in lower case: %d %s", r.status, r.body)
	}
	if r := a.as("", "GET", "/healthz", ""); r.status != 200 {
		t.Errorf("healthz: %d", r.status)
	}
}

func TestUnknownEndpointsAndMethods(t *testing.T) {
	a := newAPI(t)
	a.want(a.do("GET", "/v1/nothing", ""), 404, "")
	a.want(a.do("GET", one+"/", ""), 404, "")
	a.want(a.do("GET", "/V1/Subscribers/+31612345678", ""), 404, "")
	r := a.do("POST", one, "{}")
	if a.want(r, 405, ""); !strings.Contains(r.header.Get("Allow"), "PUT") {
		t.Errorf("Allow: %q", r.header.Get("Allow"))
	}
	a.want(a.do("BREW", one, ""), 405, "")
}

func TestReady(t *testing.T) {
	a := newAPI(t)
	why := errors.New("rules are being loaded")
	a.ready.Store(&why)
	if r := a.do("GET", "/readyz", ""); r.status != 503 || r.field("detail") != why.Error() || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.as("", "GET", "/healthz", ""); r.status != 200 {
		t.Errorf("alive, but %d", r.status)
	}
}

// Two engineers, one subscriber: one wins, the other is told.
func TestRace(t *testing.T) {
	a := newAPI(t)
	tag := a.do("PUT", one, `{}`).header.Get("ETag")
	const engineers = 6
	status := make(chan int, engineers)
	var wg sync.WaitGroup
	for range engineers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			status <- a.do("PUT", one, `{"acr":true}`, "If-Match: "+tag).status
		}()
	}
	wg.Wait()
	close(status)
	got := map[int]int{}
	for s := range status {
		got[s]++
	}
	if got[200] != 1 || got[412] != engineers-1 {
		t.Errorf("%v", got)
	}
}

func TestExtraRoutes(t *testing.T) {
	extra := []admin.Route{
		{Method: "GET", Path: "/extra", Open: true, Handler: func(ctx *fasthttp.RequestCtx) {
			_, known := admin.Holder(ctx)
			ctx.SetContentType("application/json")
			ctx.SetBodyString(`{"holder":` + map[bool]string{true: "1", false: "0"}[known] + `}`)
		}},
		{Method: "GET", Path: "/v1/extra", Roles: []token.Role{token.Investigator}, Handler: func(ctx *fasthttp.RequestCtx) {
			panic("+31612345678")
		}},
	}
	a := newAPI(t, func(o *admin.Options) { o.Extra = extra })
	if r := a.as("", "GET", "/extra", ""); r.status != 200 || r.body != `{"holder":0}` {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("GET", "/v1/extra", ""), 403, "")
	a.want(a.as(a.token(token.Investigator, "i", time.Time{}), "GET", "/v1/extra", ""), 500, "")
	if !strings.Contains(a.log.String(), "admin_test.go:") {
		t.Errorf("the panic's place is not logged:\n%s", a.log.String())
	}
	a.parts.mu.Lock()
	defer a.parts.mu.Unlock()
	if e := a.parts.log[len(a.parts.log)-1]; e.Actor != "i" || e.Action != "GET /v1/extra" || e.Outcome != audit.Failed {
		t.Errorf("the panic is not written down: %+v", e)
	}
}

func TestStoreAway(t *testing.T) {
	a := newAPI(t)
	if err := a.db.Close(); err != nil {
		t.Fatal(err)
	}
	r := a.do("GET", one, "")
	if a.want(r, 503, ""); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if r := a.as("", "GET", "/healthz", ""); r.status != 200 {
		t.Errorf("alive, but %d", r.status)
	}
}

// The rules' store alone is away: the token is known, the change is refused.
func TestRulesStoreAway(t *testing.T) {
	away, err := sqlite.Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, func(o *admin.Options) { o.Rules = rules.NewService(away.Rules(), new(rules.Table)) })
	for _, r := range []answer{a.do("GET", one, ""), a.do("PUT", one, "{}"), a.do("DELETE", one, "", "If-Match: *")} {
		if a.want(r, 503, ""); r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

// What is no HTTP gets an answer and the connection is closed; numbers in it
// are not logged (checked when the test ends).
func TestNotHTTP(t *testing.T) {
	a := newAPI(t)
	conn, err := net.Dial("tcp", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "INVITE sip:+31612345678@x SIP/2.0 +31612345678\r\nbad header 61234\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(data), "HTTP/1.1 400") || strings.Contains(string(data), "61234") {
		t.Errorf("%q, %v", data, err)
	}
}
