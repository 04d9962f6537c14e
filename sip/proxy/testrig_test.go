package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	numberA = "+31205550101" // plain
	numberP = "+31205550102" // permanent CLIR
	numberB = "+31705550199" // callee
	numberC = "+31705550133" // callee with ACR
	numberZ = "+31705550188" // callee with TIR
	numberO = "+31705550110" // callee with override category
	numberN = "+31705550120" // callee that takes no numbers
)

// patience bounds the wait for what must come, silence the wait for what must not.
const (
	patience = 30 * time.Second // never part of an assertion
	silence  = 150 * time.Millisecond
)

// gateway is a proxy with real layers on loopback.
type gateway struct {
	t     testing.TB
	proxy *Proxy
	tl    *transport.Layer
	txl   *transaction.Layer
	addr  string
	rules *rules.Table
	store *tracetest.Store
	rec   *trace.Recorder
	log   *strings.Builder
}

// rig is a gateway between user agents.
type rig struct {
	t       testing.TB
	gw      *gateway
	keys    *privacy.KeyRing
	plan    *numbering.Plan
	a, p, b *agent // access lines A and P; U1, the interconnect with B behind it
	core    *agent // a trusted core
	psap    *agent
	config  *Config
}

// settings of a rig.
type settings struct {
	change  func(c *Config)
	deps    func(d *Deps)
	options transaction.Options
	tcp     bool
	record  bool
	at      netip.AddrPort // any free one when zero
}

func newRig(t testing.TB, change ...func(*settings)) *rig {
	t.Helper()
	s := settings{options: transaction.Options{T1: 100 * time.Millisecond}}
	for _, f := range change {
		f(&s)
	}
	r := &rig{t: t, a: newAgent(t, "A"), p: newAgent(t, "P"), b: newAgent(t, "B"), core: newAgent(t, "core"), psap: newAgent(t, "psap")}
	r.keys = privacy.MemoryKeys(24*time.Hour, time.Now().Add(-time.Hour))
	plan, err := numbering.NewPlan("NL", []string{"112"})
	if err != nil {
		t.Fatal(err)
	}
	r.plan = plan
	r.config = r.defaultConfig()
	if s.change != nil {
		s.change(r.config)
	}
	r.gw = r.newGateway(s)
	return r
}

// defaultConfig: A and P are access lines, everything goes to U1 (B), 0611... to the core,
// 112 to the PSAP.
func (r *rig) defaultConfig() *Config {
	line := func(name string, a *agent, number string) Peer {
		return Peer{
			Name: name, Boundary: Access, From: []Source{a.source()}, To: []Target{a.target()},
			Codes: numbering.FixedCodes(), Default: r.number(number), SupportsPrivacy: true,
		}
	}
	return &Config{
		Node: "gw1", Domain: "gw.example.net",
		Peers: []Peer{
			line("A", r.a, numberA), line("P", r.p, numberP),
			{Name: "U1", Boundary: Interconnect, From: []Source{r.b.source()}, To: []Target{r.b.target()}, SendPAI: true, SupportsPrivacy: true},
			{Name: "core", Boundary: Trusted, From: []Source{r.core.source()}, To: []Target{r.core.target()}, SupportsPrivacy: true},
			{Name: "psap", Boundary: Emergency, To: []Target{r.psap.target()}, SupportsPrivacy: true},
		},
		Routes: []Route{
			{Emergency: true, Peer: "psap"}, {Prefix: "", Peer: "U1"}, {Prefix: "+31611", Peer: "core"}, {Prefix: numberA, Peer: "A"}, {Prefix: numberP, Peer: "P"},
		},
	}
}

// flow is what A sends by.
func (r *rig) flow() transport.Flow {
	return transport.Flow{Net: transport.UDP, Remote: r.a.addrPort()}
}

// port is the gateway's.
func (r *rig) port() string {
	_, port, _ := net.SplitHostPort(r.gw.addr)
	return port
}

func (r *rig) number(text string) numbering.Number { return r.plan.ParseText(text) }

// newGateway starts a gateway with the rig's keys and configuration.
func (r *rig) newGateway(s settings) *gateway {
	t := r.t
	t.Helper()
	g := &gateway{t: t, rules: new(rules.Table), log: new(strings.Builder)}
	at := s.at
	if !at.IsValid() {
		at = netip.MustParseAddrPort("127.0.0.1:0")
	}
	listeners := []transport.Listener{{Net: transport.UDP, Address: at}}
	if s.tcp {
		listeners = append(listeners, transport.Listener{Net: transport.TCP, Address: netip.MustParseAddrPort("127.0.0.1:0")})
	}
	var err error
	if g.tl, err = transport.New(transport.Options{Listeners: listeners, Sockets: 1}); err != nil {
		t.Fatal(err)
	}
	err = g.rules.Load(func(put func(rules.Subscriber)) (uint64, error) {
		put(rules.Subscriber{Number: r.number(numberP), CLIR: rules.CLIRPermanent})
		put(rules.Subscriber{Number: r.number(numberC), ACR: true})
		put(rules.Subscriber{Number: r.number(numberZ), TIR: rules.TIRPermanent})
		put(rules.Subscriber{Number: r.number(numberO), Override: true})
		put(rules.Subscriber{Number: r.number(numberN), CLIPOff: true})
		return 1, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.record {
		g.store = new(tracetest.Store)
		g.rec = trace.NewRecorder(g.store, trace.Options{After: g.tl.Flush})
	}
	d := Deps{
		Transport: g.tl, Rules: g.rules, Plan: r.plan, Keys: r.keys, Recorder: g.rec,
		Log: slog.New(slog.NewTextHandler(g.log, nil)),
	}
	if s.deps != nil {
		s.deps(&d)
	}
	if g.proxy, err = New(r.config, d); err != nil {
		t.Fatal(err)
	}
	s.options.Gate = g.proxy
	g.txl = transaction.New(s.options, g.tl, g.proxy)
	g.tl.Start(g.txl)
	g.addr = g.tl.Local(0).String()
	t.Cleanup(g.close)
	return g
}

func (g *gateway) close() {
	if g.txl == nil {
		return
	}
	if g.rec != nil {
		_ = g.rec.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = g.tl.Close(ctx)
	g.txl.Close()
	g.txl = nil
}

// records waits until every record begun is in the store and returns them.
func (g *gateway) records() (list []trace.Record) {
	g.t.Helper()
	_ = g.rec.Close()
	err := g.store.Scan(time.Time{}, time.Now().Add(time.Hour), func(rec *trace.Record) bool {
		list = append(list, *rec)
		return true
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return list
}

// agent is a raw UDP user agent.
type agent struct {
	t    testing.TB
	name string
	conn *net.UDPConn
	in   chan msg

	answered sync.Map // branch and method of requests with a final response
}

// agentHost is where agents are: no other test listens there, so a port that an agent has by
// UDP refuses TCP, and may be taken by TCP as well.
const agentHost = "127.0.0.2"

func newAgent(t testing.TB, name string) *agent {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(agentHost)})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, name: name, conn: conn, in: make(chan msg, 64)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			a.in <- readMsg(string(b[:n]))
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return a
}

func (a *agent) addr() string { return a.conn.LocalAddr().String() }

func (a *agent) addrPort() netip.AddrPort { return netip.MustParseAddrPort(a.addr()) }

func (a *agent) source() Source {
	return Source{Prefix: netip.PrefixFrom(a.addrPort().Addr(), 32), Port: a.addrPort().Port()}
}

func (a *agent) target() Target {
	return Target{Host: a.addrPort().Addr().String(), Port: a.addrPort().Port()}
}

func (a *agent) send(to, text string) {
	a.t.Helper()
	if _, err := a.conn.WriteToUDPAddrPort([]byte(crlf(text)), netip.MustParseAddrPort(to)); err != nil {
		a.t.Fatal(err)
	}
}

// get waits for a message whose start line begins with start, passing over others, and over
// repetitions of what has been answered.
func (a *agent) get(start string) msg {
	a.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case m := <-a.in:
			if _, again := a.answered.Load(m.transaction()); !again && strings.HasPrefix(m.start, start) {
				return m
			}
		case <-limit:
			a.t.Fatalf("%s: no %q came", a.name, start)
		}
	}
}

// status waits for a response with that status.
func (a *agent) status(code int) msg {
	a.t.Helper()
	return a.get(fmt.Sprintf("SIP/2.0 %d", code))
}

// final waits for any final response.
func (a *agent) final() msg {
	a.t.Helper()
	for {
		if m := a.get("SIP/2.0 "); !strings.HasPrefix(m.start, "SIP/2.0 1") {
			return m
		}
	}
}

// nothing fails when a message comes.
func (a *agent) nothing() {
	a.t.Helper()
	select {
	case m := <-a.in:
		a.t.Errorf("%s: got %q, expected nothing", a.name, m.start)
	case <-time.After(silence):
	}
}

// answer sends a response to a request that came from the gateway.
func (a *agent) answer(to string, req msg, status, tag string, extra ...string) {
	a.t.Helper()
	if !strings.HasPrefix(status, "1") {
		a.answered.Store(req.transaction(), nil)
	}
	a.send(to, req.response(status, tag, extra...))
}

// msg is a message as text.
type msg struct {
	raw, start, body string
	lines            []string
}

// transaction tells a request apart from all but its repetitions.
func (m msg) transaction() string {
	method, _, _ := strings.Cut(m.start, " ")
	return method + " " + m.get("Via")
}

func crlf(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	if !strings.Contains(s, "\r\n\r\n") {
		s += "\r\n"
	}
	return s
}

func readMsg(raw string) (m msg) {
	m.raw = raw
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	m.body = body
	m.lines = strings.Split(head, "\r\n")
	m.start, m.lines = m.lines[0], m.lines[1:]
	return m
}

// all is the values of every line with that name.
func (m msg) all(name string) (values []string) {
	for _, l := range m.lines {
		n, v, _ := strings.Cut(l, ":")
		if strings.EqualFold(strings.TrimSpace(n), name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

func (m msg) get(name string) string {
	if v := m.all(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (m msg) has(name string) bool { return len(m.all(name)) > 0 }

// list is the comma-separated values of every line with that name.
func (m msg) list(name string) (values []string) {
	for _, v := range m.all(name) {
		for _, one := range strings.Split(v, ",") {
			values = append(values, strings.TrimSpace(one))
		}
	}
	return values
}

// uri is the Request-URI.
func (m msg) uri() string { return strings.Fields(m.start)[1] }

var (
	tagPattern    = regexp.MustCompile(`;tag=([^;\s]+)`)
	addrPattern   = regexp.MustCompile(`<([^>]*)>`)
	branchPattern = regexp.MustCompile(`branch=([^;\s,]+)`)
)

func find(p *regexp.Regexp, s string) string {
	if x := p.FindStringSubmatch(s); x != nil {
		return x[1]
	}
	return ""
}

func tagOf(v string) string    { return find(tagPattern, v) }
func addrOf(v string) string   { return find(addrPattern, v) }
func branchOf(v string) string { return find(branchPattern, v) }

func withoutTag(v string) string { return tagPattern.ReplaceAllString(v, "") }

// response is what a user agent answers (RFC 3261 8.2.6, 12.1.1). extra: header lines, and
// "body:..." with the body.
func (m msg) response(status, tag string, extra ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\n", status)
	for _, n := range []string{"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range m.all(n) {
			if n == "To" && tagOf(v) == "" && tag != "" {
				v += ";tag=" + tag
			}
			fmt.Fprintf(&b, "%s: %s\n", n, v)
		}
	}
	return finishText(&b, extra)
}

func finishText(b *strings.Builder, extra []string) string {
	body := ""
	for _, e := range extra {
		if rest, ok := strings.CutPrefix(e, "body:"); ok {
			body = rest
			continue
		}
		b.WriteString(e + "\n")
	}
	fmt.Fprintf(b, "Content-Length: %d\n\n%s", len(body), body)
	return b.String()
}

// dialog is a dialog as one side keeps it.
type dialog struct {
	a              *agent
	local, remote  string
	callID, target string
	routes         []string
	cseq           int
}

// asCaller is the dialog of the one who got the response ok.
func asCaller(a *agent, ok msg) *dialog {
	rr := ok.list("Record-Route")
	for i, j := 0, len(rr)-1; i < j; i, j = i+1, j-1 {
		rr[i], rr[j] = rr[j], rr[i]
	}
	return &dialog{a, ok.get("From"), ok.get("To"), ok.get("Call-ID"), addrOf(ok.get("Contact")), rr, 1}
}

// asCallee is the dialog of the one who answered req with that tag.
func asCallee(a *agent, req msg, tag string) *dialog {
	return &dialog{a, req.get("To") + ";tag=" + tag, req.get("From"), req.get("Call-ID"), addrOf(req.get("Contact")), req.list("Record-Route"), 70}
}

// branches counts what must be unique in messages.
var branches atomic.Int64

// request is a request inside the dialog.
func (d *dialog) request(method string, extra ...string) string {
	if method != "ACK" {
		d.cseq++
	}
	n := branches.Add(1)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKin%d;rport\n", method, d.target, d.a.addr(), n)
	for _, r := range d.routes {
		fmt.Fprintf(&b, "Route: %s\n", r)
	}
	fmt.Fprintf(&b, "Max-Forwards: 70\nFrom: %s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\n", d.local, d.remote, d.callID, d.cseq, method)
	return finishText(&b, extra)
}

// invite is an INVITE of a line; subs are pairs to replace.
func (a *agent) invite(user, from string, extra ...string) string {
	return a.initial("INVITE", user, from, extra...)
}

func (a *agent) initial(method, user, from string, extra ...string) string {
	n := branches.Add(1)
	var b strings.Builder
	fmt.Fprintf(&b, `%s sip:%s@gw.example.net SIP/2.0
Via: SIP/2.0/UDP %s;branch=z9hG4bKout%d;rport
Max-Forwards: 70
From: %s;tag=%stag
To: <sip:%s@gw.example.net>
Call-ID: call%d@%s.lan
CSeq: 1 %s
Contact: <sip:%s@%s>
`, method, user, a.addr(), n, from, strings.ToLower(a.name), user, n, strings.ToLower(a.name), method, strings.ToLower(a.name), a.addr())
	return finishText(&b, extra)
}

const (
	fromA = `"Jan Jansen" <sip:+31205550101@gw.example.net>`
	fromP = `<sip:+31205550102@gw.example.net>`
)

// leak fails when the message tells who A is.
func leak(t testing.TB, m msg) {
	t.Helper()
	for _, s := range []string{"205550101", "Jansen", "a.lan", ";tag=atag"} {
		if strings.Contains(m.raw, s) {
			t.Errorf("leak of %q in\n%s", s, m.raw)
		}
	}
}
