package resolve

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"clirgate/sip/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zone is a DNS server on loopback with the records it is given, one a line.
type zone struct {
	address string
	mu      sync.Mutex
	records map[dns.Question][]dns.RR
	rcodes  map[string]int // by name
	silent  atomic.Bool
	asked   atomic.Int64
	gate    chan struct{} // if set, an answer takes one
}

const soa = "example.net. 60 IN SOA ns.example.net. admin.example.net. 1 2 3 4 120"

func startZone(t *testing.T, records string) *zone {
	t.Helper()
	z := &zone{}
	z.set(t, records)
	pc, ln := listenBoth(t)
	z.address = pc.LocalAddr().String()
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: z}, {Listener: ln, Handler: z}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = s.ActivateAndServe()
		}()
		<-up
		t.Cleanup(func() { _ = s.Shutdown(); <-done })
	}
	return z
}

// listenBoth binds one port for UDP and TCP: a free one for both.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, ln
		}
		pc.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

func (z *zone) set(t *testing.T, records string) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records, z.rcodes = map[dns.Question][]dns.RR{}, map[string]int{}
	for line := range strings.Lines(records) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		h := rr.Header()
		q := dns.Question{Name: dns.CanonicalName(h.Name), Qtype: h.Rrtype, Qclass: dns.ClassINET}
		z.records[q] = append(z.records[q], rr)
	}
}

func (z *zone) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	z.asked.Add(1)
	if z.silent.Load() {
		return
	}
	z.mu.Lock()
	gate := z.gate
	z.mu.Unlock()
	if gate != nil {
		<-gate
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	q := m.Question[0]
	q.Name = dns.CanonicalName(q.Name)
	reply := new(dns.Msg).SetReply(m)
	reply.Rcode = z.rcodes[q.Name]
	if alias := z.records[dns.Question{Name: q.Name, Qtype: dns.TypeCNAME, Qclass: q.Qclass}]; alias != nil {
		reply.Answer = append(reply.Answer, alias...)
		q.Name = dns.CanonicalName(alias[0].(*dns.CNAME).Target)
	}
	if strings.HasPrefix(q.Name, "apart.") { // a server that does not follow aliases
		_ = w.WriteMsg(reply)
		return
	}
	reply.Answer = append(reply.Answer, z.records[q]...)
	if len(reply.Answer) == 0 && reply.Rcode == 0 {
		rr, _ := dns.NewRR(soa)
		reply.Ns = append(reply.Ns, rr)
		if !slices.ContainsFunc(z.names(), func(n string) bool { return n == q.Name }) {
			reply.Rcode = dns.RcodeNameError
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		reply.Truncate(udpSize)
	}
	_ = w.WriteMsg(reply)
}

func (z *zone) names() (names []string) {
	for q := range z.records {
		names = append(names, q.Name)
	}
	return names
}

// clock is set by hand.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func newResolver(t *testing.T, z *zone, o Options) *Resolver {
	t.Helper()
	o.Servers = []string{z.address}
	if o.Rand == nil {
		o.Rand = func(uint64) uint64 { return 0 }
	}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func lookup(t *testing.T, r *Resolver, q Query) (string, error) {
	t.Helper()
	type result struct {
		s   string
		err error
	}
	c := make(chan result, 1)
	r.Lookup(q, func(ts []Target, err error) { c <- result{show(ts), err} })
	select {
	case got := <-c:
		return got.s, got.err
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
		return "", nil
	}
}

func show(ts []Target) string {
	var s []string
	for _, t := range ts {
		s = append(s, fmt.Sprintf("%s %s", t.Net, t.Addr))
	}
	return strings.Join(s, ", ")
}

func query(t *testing.T, uri string) Query {
	t.Helper()
	q, err := Parse(uri)
	if err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
	return q
}

const example = `
full.example.net. 300 IN NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.full.example.net.
full.example.net. 300 IN NAPTR 90 60 "s" "SIP+D2U" "" _sip._udp.full.example.net.
full.example.net. 300 IN NAPTR 90 50 "S" "sip+d2t" "" tcp.elsewhere.example.net.
full.example.net. 300 IN NAPTR 10 50 "s" "SIP+D2S" "" _sip._sctp.full.example.net.
full.example.net. 300 IN NAPTR 10 50 "u" "E2U+sip" "!^.*$!sip:x@y!" .
_sips._tcp.full.example.net. 300 IN SRV 0 0 5061 one.example.net.
_sip._udp.full.example.net. 300 IN SRV 20 0 5060 two.example.net.
_sip._udp.full.example.net. 300 IN SRV 10 0 5080 one.example.net.
tcp.elsewhere.example.net. 300 IN SRV 0 0 5070 two.example.net.
_sip._tcp.full.example.net. 300 IN SRV 0 0 5071 one.example.net.
full.example.net. 300 IN A 192.0.2.99
one.example.net. 300 IN A 192.0.2.1
one.example.net. 300 IN AAAA 2001:db8::1
two.example.net. 300 IN A 192.0.2.2
two.example.net. 300 IN A 192.0.2.3
_sip._udp.srv.example.net. 300 IN SRV 0 0 5062 one.example.net.
_sip._tcp.srv.example.net. 300 IN SRV 0 0 5063 two.example.net.
_sips._tcp.srv.example.net. 300 IN SRV 0 0 5064 two.example.net.
srv.example.net. 300 IN A 192.0.2.98
plain.example.net. 300 IN A 192.0.2.4
plain.example.net. 300 IN AAAA 2001:db8::4
alias.example.net. 300 IN CNAME one.example.net.
far.example.net. 300 IN CNAME apart.example.net.
loop1.example.net. 300 IN CNAME loop2.example.net.
loop2.example.net. 300 IN CNAME loop1.example.net.
_sip._udp.none.example.net. 300 IN SRV 0 0 0 .
none.example.net. 300 IN TXT "no service"
_sip._udp.dangling.example.net. 300 IN SRV 0 0 5060 nowhere.example.net.
dangling.example.net. 300 IN A 192.0.2.5
`

// RFC 3263 4.1 and 4.2, one way through them a line.
func TestTargets(t *testing.T) {
	z := startZone(t, example)
	r := newResolver(t, z, Options{})
	for _, tc := range []struct{ uri, want string }{
		{"sip:192.0.2.7", "UDP 192.0.2.7:5060"},
		{"sip:192.0.2.7:5070", "UDP 192.0.2.7:5070"},
		{"sip:192.0.2.7;transport=TCP", "TCP 192.0.2.7:5060"},
		{"sip:192.0.2.7;transport=tls", "TLS 192.0.2.7:5061"},
		{"sips:192.0.2.7", "TLS 192.0.2.7:5061"},
		{"sips:192.0.2.7;transport=tcp", "TLS 192.0.2.7:5061"},
		{"sip:user@[2001:db8::7]:5070", "UDP [2001:db8::7]:5070"},
		{"sip:localhost:5070", "UDP 127.0.0.1:5070"},
		{"sip:full.example.net;maddr=192.0.2.8", "UDP 192.0.2.8:5060"},
		{"sip:full.example.net", "TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061, TCP 192.0.2.2:5070, TCP 192.0.2.3:5070, " +
			"UDP 192.0.2.1:5080, UDP [2001:db8::1]:5080, UDP 192.0.2.2:5060, UDP 192.0.2.3:5060"},
		{"sip:FULL.example.NET.;transport=tcp", "TCP 192.0.2.1:5071, TCP [2001:db8::1]:5071"},
		{"sips:full.example.net", "TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061"},
		{"sip:full.example.net:5090", "UDP 192.0.2.99:5090"},
		{"sip:full.example.net:5090;transport=tcp", "TCP 192.0.2.99:5090"},
		{"sips:full.example.net:5090", "TLS 192.0.2.99:5090"},
		{"sip:srv.example.net", "UDP 192.0.2.1:5062, UDP [2001:db8::1]:5062, TCP 192.0.2.2:5063, TCP 192.0.2.3:5063"},
		{"sips:srv.example.net", "TLS 192.0.2.2:5064, TLS 192.0.2.3:5064"},
		{"sip:srv.example.net;transport=tls", "TLS 192.0.2.2:5064, TLS 192.0.2.3:5064"},
		{"sip:plain.example.net", "UDP 192.0.2.4:5060, UDP [2001:db8::4]:5060"},
		{"sip:plain.example.net;transport=tcp", "TCP 192.0.2.4:5060, TCP [2001:db8::4]:5060"},
		{"sips:plain.example.net", "TLS 192.0.2.4:5061, TLS [2001:db8::4]:5061"},
		{"sip:alias.example.net", "UDP 192.0.2.1:5060, UDP [2001:db8::1]:5060"},
		{"sip:dangling.example.net", "UDP 192.0.2.5:5060"},
	} {
		q := query(t, tc.uri)
		if got, err := lookup(t, r, q); got != tc.want || err != nil {
			t.Errorf("%s: %s (%v), want %s", tc.uri, got, err, tc.want)
		}
		if got, ok := r.Cached(nil, q); !ok || show(got) != tc.want {
			t.Errorf("%s cached: %s, %v", tc.uri, show(got), ok)
		}
	}
	for _, uri := range []string{
		"sip:nowhere.example.net", "sip:none.example.net", "sip:loop1.example.net", "sip:far.example.net",
		"sip:plain.example.net;transport=sctp", "sips:plain.example.net;transport=udp", "sip:192.0.2.7;transport=ws",
	} {
		if got, err := lookup(t, r, query(t, uri)); !errors.Is(err, ErrNoTarget) {
			t.Errorf("%s: %s (%v)", uri, got, err)
		}
	}
	if got, err := lookup(t, r, Query{Host: "not a\x00name"}); !errors.Is(err, ErrNoTarget) {
		t.Errorf("bad name: %s (%v)", got, err)
	}
}

func TestOnlyOurNetworksAndFamily(t *testing.T) {
	z := startZone(t, example)
	r := newResolver(t, z, Options{Networks: []transport.Network{transport.UDP}, IPv6: true})
	want := "UDP [2001:db8::1]:5080, UDP 192.0.2.1:5080, UDP 192.0.2.2:5060, UDP 192.0.2.3:5060"
	if got, err := lookup(t, r, query(t, "sip:full.example.net")); got != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
	for _, uri := range []string{"sips:full.example.net", "sip:192.0.2.1;transport=tcp"} {
		if _, err := lookup(t, r, query(t, uri)); !errors.Is(err, ErrNoTarget) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

// An alias whose target the server leaves out is asked for.
func TestAliasFollowed(t *testing.T) {
	z := startZone(t, "a.example.net. 60 IN CNAME b.example.net.\nb.example.net. 60 IN CNAME c.example.net.\nc.example.net. 60 IN A 192.0.2.1")
	r := newResolver(t, z, Options{})
	if got, err := lookup(t, r, query(t, "sip:a.example.net:5060")); got != "UDP 192.0.2.1:5060" {
		t.Errorf("%s (%v)", got, err)
	}
}

// SRV records of one priority are drawn by weight (RFC 2782).
func TestWeights(t *testing.T) {
	var records strings.Builder
	for i, w := range []int{70, 20, 10, 0} {
		fmt.Fprintf(&records, "_sip._udp.w.example.net. 60 IN SRV 1 %d 5060 h%d.example.net.\nh%d.example.net. 60 IN A 192.0.2.%d\n", w, i, i, i)
	}
	records.WriteString("_sip._udp.w.example.net. 60 IN SRV 2 100 5060 last.example.net.\nlast.example.net. 60 IN A 192.0.2.9")
	r := newResolver(t, startZone(t, records.String()), Options{Rand: rand.New(rand.NewPCG(1, 2)).Uint64N})
	q := query(t, "sip:w.example.net;transport=udp")
	if _, err := lookup(t, r, q); err != nil {
		t.Fatal(err)
	}
	const draws = 20000
	var first [4]int
	for range draws {
		ts, ok := r.Cached(nil, q)
		if !ok || len(ts) != 5 || ts[4].Addr.Addr().String() != "192.0.2.9" {
			t.Fatalf("%s", show(ts))
		}
		seen := map[Target]bool{}
		for _, target := range ts {
			seen[target] = true
		}
		if len(seen) != 5 {
			t.Fatalf("%s", show(ts))
		}
		first[ts[0].Addr.Addr().As4()[3]]++
	}
	for i, share := range []float64{70, 20, 10, 1} {
		if got := 100 * float64(first[i]) / draws; got < share-2 || got > share+2 {
			t.Errorf("host %d is first in %.1f%%, want %.0f%%", i, got, share)
		}
	}
}

func TestExpiry(t *testing.T) {
	z := startZone(t, "a.example.net. 100 IN A 192.0.2.1")
	var c clock
	r := newResolver(t, z, Options{Now: c.now})
	q := query(t, "sip:a.example.net:5060")
	cached := func() string {
		ts, ok := r.Cached(nil, q)
		return fmt.Sprint(show(ts), ok)
	}
	if got := cached(); got != " false" && got != "false" {
		t.Fatalf("before: %q", got)
	}
	if _, err := lookup(t, r, q); err != nil {
		t.Fatal(err)
	}
	z.set(t, "a.example.net. 100 IN A 192.0.2.2")
	c.advance(50 * time.Second) // AAAA is known not to exist for 60 s
	if _, ok := r.Cached(nil, q); !ok {
		t.Fatal("forgotten too early")
	}
	c.advance(10 * time.Second)
	if _, ok := r.Cached(nil, q); ok {
		t.Fatal("kept too long")
	}
	if got, err := lookup(t, r, q); got != "UDP 192.0.2.2:5060" {
		t.Fatalf("%s (%v)", got, err)
	}
}

// Shortly before it expires an entry in use is asked for again.
func TestRefresh(t *testing.T) {
	z := startZone(t, "a.example.net. 100 IN A 192.0.2.1\na.example.net. 100 IN AAAA 2001:db8::1")
	var c clock
	r := newResolver(t, z, Options{Now: c.now})
	q := query(t, "sip:a.example.net:5060")
	if _, err := lookup(t, r, q); err != nil {
		t.Fatal(err)
	}
	z.set(t, "a.example.net. 100 IN A 192.0.2.2")
	c.advance(99 * time.Second)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		ts, ok := r.Cached(nil, q)
		if !ok || time.Now().After(end) {
			t.Fatal("not refreshed")
		}
		if show(ts) == "UDP 192.0.2.2:5060" {
			return
		}
	}
}

func TestNegative(t *testing.T) {
	z := startZone(t, "other.example.net. 60 IN A 192.0.2.1")
	var c clock
	r := newResolver(t, z, Options{Now: c.now})
	q := query(t, "sip:missing.example.net:5060")
	if _, err := lookup(t, r, q); !errors.Is(err, ErrNoTarget) {
		t.Fatal(err)
	}
	asked := z.asked.Load()
	if ts, ok := r.Cached(nil, q); !ok || len(ts) != 0 {
		t.Fatalf("%s, %v", show(ts), ok)
	}
	if z.asked.Load() != asked {
		t.Fatal("asked for what is known")
	}
	c.advance(61 * time.Second) // the SOA's TTL
	if _, ok := r.Cached(nil, q); ok {
		t.Fatal("kept too long")
	}
}

// While no server answers, what was known serves on; later it does not.
func TestSilentServer(t *testing.T) {
	z := startZone(t, "a.example.net. 100 IN A 192.0.2.1")
	var c clock
	r := newResolver(t, z, Options{Now: c.now, Try: 10 * time.Millisecond, MaxStale: 10 * time.Minute})
	q := query(t, "sip:a.example.net:5060")
	z.silent.Store(true)
	if _, err := lookup(t, r, q); !errors.Is(err, ErrTimeout) {
		t.Fatalf("silent server: %v", err)
	}
	z.silent.Store(false)
	for range 20 { // 10 ms may be too short on a busy machine
		if _, err := lookup(t, r, q); err == nil {
			break
		}
	}
	z.silent.Store(true)
	c.advance(5 * time.Minute)
	if _, ok := r.Cached(nil, q); ok {
		t.Fatal("kept too long")
	}
	if got, err := lookup(t, r, q); got != "UDP 192.0.2.1:5060" {
		t.Fatalf("stale: %s (%v)", got, err)
	}
	if _, ok := r.Cached(nil, q); !ok {
		t.Fatal("stale answer is not kept for a moment")
	}
	c.advance(10 * time.Minute)
	if _, err := lookup(t, r, q); !errors.Is(err, ErrTimeout) {
		t.Fatalf("far too old: %v", err)
	}
}

func TestServerFailure(t *testing.T) {
	z := startZone(t, example)
	z.mu.Lock()
	z.rcodes["plain.example.net."] = dns.RcodeServerFailure
	z.mu.Unlock()
	r := newResolver(t, z, Options{})
	if _, err := lookup(t, r, query(t, "sip:plain.example.net")); !errors.Is(err, ErrServer) {
		t.Fatal(err)
	}
}

// The second server answers when the first does not.
func TestSecondServer(t *testing.T) {
	z := startZone(t, example)
	dead := startZone(t, "")
	dead.silent.Store(true)
	r, err := New(Options{Servers: []string{dead.address, z.address}, Try: 50 * time.Millisecond, Tries: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := lookup(t, r, query(t, "sip:two.example.net:5060")); got != "UDP 192.0.2.2:5060, UDP 192.0.2.3:5060" {
		t.Fatalf("%s (%v)", got, err)
	}
}

// An answer too large for UDP comes over TCP.
func TestTruncated(t *testing.T) {
	var records strings.Builder
	for i := range 120 {
		fmt.Fprintf(&records, "big.example.net. 60 IN A 192.0.2.%d\n", i)
	}
	r := newResolver(t, startZone(t, records.String()), Options{})
	got, err := lookup(t, r, query(t, "sip:big.example.net:5060"))
	if n := strings.Count(got, "UDP"); n != 120 {
		t.Fatalf("%d targets (%v)", n, err)
	}
}

// Equal queries share a lookup; a full queue says so; Close answers everybody.
func TestLookupBounds(t *testing.T) {
	z := startZone(t, example)
	z.mu.Lock()
	z.gate = make(chan struct{})
	z.mu.Unlock()
	r := newResolver(t, z, Options{Workers: 1, Pending: 1, Tries: 1, Try: 5 * time.Second})
	type result struct {
		name string
		err  error
	}
	results := make(chan result, 100)
	ask := func(host string) {
		r.Lookup(Query{Host: host, Port: 5060}, func(_ []Target, err error) { results <- result{host, err} })
	}
	for range 10 {
		ask("one.example.net")
	}
	for z.asked.Load() == 0 { // the worker has begun
		time.Sleep(time.Millisecond)
	}
	ask("two.example.net") // waits
	ask("plain.example.net")
	if got := <-results; got.name != "plain.example.net" || !errors.Is(got.err, ErrBusy) {
		t.Fatalf("%+v", got)
	}
	z.gate <- struct{}{}
	z.gate <- struct{}{}
	for range 10 {
		if got := <-results; got.name != "one.example.net" || got.err != nil {
			t.Fatalf("%+v", got)
		}
	}
	if n := z.asked.Load(); n > 3 {
		t.Fatalf("%d questions for one name and the beginning of another", n)
	}
	r.Close()
	if got := <-results; got.name != "two.example.net" || !errors.Is(got.err, ErrClosed) {
		t.Fatalf("%+v", got)
	}
	ask("one.example.net")
	if got := <-results; !errors.Is(got.err, ErrClosed) {
		t.Fatalf("%+v", got)
	}
	close(z.gate)
}

func TestCacheIsBounded(t *testing.T) {
	z := startZone(t, example)
	r := newResolver(t, z, Options{MaxNames: 10})
	for i := range 50 {
		_, _ = lookup(t, r, Query{Host: fmt.Sprintf("n%d.example.net", i), Port: 5060})
	}
	if n := len(r.plans); n != 10 {
		t.Fatalf("%d entries", n)
	}
}

func TestNumericAllocatesNothing(t *testing.T) {
	r, err := New(Options{Servers: []string{"127.0.0.1:53"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dst := make([]Target, 0, 4)
	for _, host := range []string{"192.0.2.1", "[2001:db8::1]", "2001:db8::1", "localhost"} {
		q := Query{Host: host}
		if n := testing.AllocsPerRun(100, func() {
			if ts, ok := r.Cached(dst[:0], q); !ok || len(ts) != 1 {
				t.Fatal(host)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", host, n)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, uri := range []string{
		"", "sip:", "sip", "tel:+3161234", "sip:host:", "sip:host:0", "sip:host:65536", "sip:host:x", "sip:a b",
		"sip:::1", "sip:[::1", "sip:user@", "sip:host;maddr=", "sip:host;maddr=a b", "sip:[host]", "sip:a,b",
	} {
		if q, err := Parse(uri); !errors.Is(err, ErrURI) {
			t.Errorf("%q: %+v, %v", uri, q, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"sip:192.0.2.7:5070;transport=tcp", "sips:u:p@[2001:db8::1]:5061;lr?x=y", "SIP:host.example.net.;maddr=[::1]"} {
		f.Add(s)
	}
	r, err := New(Options{Servers: []string{"127.0.0.1:53"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(r.Close)
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s)
		if err != nil {
			return
		}
		if !validHost(q.Host) {
			t.Fatalf("host %q", q.Host)
		}
		if ts, ok := r.Cached(nil, q); ok && len(ts) == 1 && (!ts[0].Addr.IsValid() || q.Port != 0 && ts[0].Addr.Port() != q.Port) {
			t.Fatalf("%+v: %s", q, show(ts))
		}
	})
}
