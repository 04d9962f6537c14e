package gateway_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
	"clirgate/store/postgres/pgtest"
)

// callee is a user agent that is always busy, and keeps what it was sent.
type callee struct {
	conn *net.UDPConn
	mu   sync.Mutex
	got  []string
}

func newCallee(t *testing.T) *callee {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c := &callee{conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); c.run() }()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return c
}

func (c *callee) run() {
	b := make([]byte, 65536)
	for {
		n, from, err := c.conn.ReadFromUDP(b)
		if err != nil {
			return
		}
		request := string(b[:n])
		if !strings.HasPrefix(request, "INVITE ") {
			continue
		}
		c.mu.Lock()
		c.got = append(c.got, request)
		c.mu.Unlock()
		answer := "SIP/2.0 486 Busy Here\r\n"
		for _, line := range strings.Split(request, "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			switch strings.ToLower(name) {
			case "via", "from", "call-id", "cseq":
				answer += line + "\r\n"
			case "to":
				answer += line + ";tag=busy\r\n"
			}
		}
		_, _ = c.conn.WriteToUDP([]byte(answer+"Content-Length: 0\r\n\r\n"), from)
	}
}

// last is the INVITE that came last.
func (c *callee) last(t *testing.T) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) == 0 {
		t.Fatal("no call came")
	}
	return c.got[len(c.got)-1]
}

// site is a gateway's configuration with a callee that is everybody, 112 too.
func site(c *callee, node, url string) string {
	return fmt.Sprintf(`
sip: {listen: ["udp:127.0.0.1:0"]}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.0.1"], numbers: ["+3161234"]}
  - {name: next, boundary: interconnect, to: ["sip:%[1]s"]}
  - {name: psap, boundary: emergency, to: ["sip:%[1]s"]}
routes: [{emergency: true, to: psap}, {prefix: "", to: next}]
admin: {listen: "127.0.0.1:0", rate: 10000}
node: %[2]s
store: %[3]s
`, c.conn.LocalAddr(), node, url)
}

// called calls a number as +31612345678 and answers whether the callee was shown it.
func called(t *testing.T, g *gateway.Gateway, c *callee, number string) (shown bool) {
	t.Helper()
	if got := ask(t, g, "INVITE", "sip:"+number+"@"+g.Addr(transport.UDP).String()); !strings.HasPrefix(got, "SIP/2.0 486") {
		t.Fatalf("the call to %s failed: %.60s", number, got)
	}
	return strings.Contains(c.last(t), "612345678")
}

// A gateway that starts while the shared store is away serves calls all the same: without
// a copy of the rules everybody is withheld, with one it decides with the rules last known,
// and 112 is always shown. When the store comes, its rules are in force.
func TestStartsWhileStoreIsAway(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	c, dir := newCallee(t), t.TempDir()
	server.Stop(t)
	g, _ := start(t, site(c, "gw1", url), dir)
	if called(t, g, c, "0201234567") {
		t.Error("shown, though the rules cannot be read")
	}
	if !called(t, g, c, "112") {
		t.Error("112 is not shown the caller")
	}
	if r := do(t, g, "clirgate_x", "GET", "/v1/status", ""); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("no token can be checked: %d %s", r.status, r.body)
	}
	server.Restart(t)
	eventually(t, "the rules", func() bool { return g.Rules().Table().Snapshot() != nil })
	token := newToken(t, g)
	if !called(t, g, c, "0201234567") {
		t.Error("withheld, though nothing asks for it")
	}
	if r := do(t, g, token, "PUT", "/v1/subscribers/+31612345678", permanent); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	g, log := start(t, site(c, "gw1", url), dir)
	if !strings.Contains(log.String(), "a copy is in force") {
		t.Errorf("the copy is not told of:\n%s", log)
	}
	if s := g.Rules().Table().Snapshot(); s.Revision() != 1 || s.Len() != 1 {
		t.Errorf("the copy has %d rules at %d", s.Len(), s.Revision())
	}
	if called(t, g, c, "0201234567") || !called(t, g, c, "112") {
		t.Error("not decided with the rules last known")
	}
	server.Restart(t)
	eventually(t, "the store", func() bool { return do(t, g, token, "GET", "/v1/status", "").status == 200 })
	var st admin.Status
	eventually(t, "all well", func() bool {
		do(t, g, token, "GET", "/v1/status", "").into(t, &st)
		return st.Rules.Store && st.State == "serving"
	})
	if r := do(t, g, token, "DELETE", "/v1/subscribers/+31612345678", "", "If-Match: *"); r.status != 204 || !called(t, g, c, "0201234567") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// Two gateways on one store that is stopped, killed and started again under calls and
// changes (VECTORS NV16, NV17): no call fails, what was answered is not lost and in force
// on both, what could not be done is answered 503 and says when to come again, operators
// see what happens.
func TestStoreAwayUnderLoad(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	c := newCallee(t)
	one, log := start(t, site(c, "gw1", url), t.TempDir())
	two, _ := start(t, site(c, "gw2", url), t.TempDir())
	gateways := []*gateway.Gateway{one, two}
	token := newToken(t, one)
	if r := do(t, one, token, "PUT", "/v1/subscribers/+31612345678?wait=all", permanent); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, g := range gateways { // both know the token
		if r := do(t, g, token, "GET", "/v1/whoami", ""); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}

	stop := make(chan struct{})
	var wg sync.WaitGroup
	calls, answered, refused := 0, map[string]int{}, 0
	wg.Go(func() { // calls
		for ; ; calls++ {
			select {
			case <-stop:
				return
			default:
			}
			g := gateways[calls%2]
			if calls%4 < 2 {
				if called(t, g, c, "0201234567") {
					t.Error("a permanently withheld caller was shown")
				}
			} else if !called(t, g, c, "112") {
				t.Error("112 was not shown the caller")
			}
		}
	})
	wg.Go(func() { // changes
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			path := fmt.Sprintf("/v1/subscribers/+3161234%04d", i%3000)
			r := do(t, gateways[i%2], token, "PUT", path, fmt.Sprintf(`{"acr":true,"note":"%d"}`, i), "If-None-Match: *")
			switch {
			case r.status == 201:
				answered[path] = i
			case r.status == 503 && r.header.Get("Retry-After") != "":
				refused++
			case r.status == 412: // made, although the answer was lost
			default:
				t.Errorf("%d %s", r.status, r.body)
			}
		}
	})
	for _, end := range []func(testing.TB){server.Stop, server.Kill} {
		at := one.Rules().Table().Snapshot().Revision()
		eventually(t, "changes", func() bool { return one.Rules().Table().Snapshot().Revision() > at+10 })
		end(t)
		for _, g := range gateways {
			var st admin.Status
			eventually(t, "that the store is known to be away", func() bool {
				do(t, g, token, "GET", "/v1/status", "").into(t, &st)
				return !st.Rules.Store && st.State == "degraded" &&
					strings.Contains(strings.Join(st.Problems, " "), "store does not answer since")
			})
			if !st.Rules.Loaded {
				t.Errorf("%+v", st)
			}
			if _, text := read(t, g, "/metrics", token); !strings.Contains(text, "clirgate_rules_store_up 0\n") {
				t.Error("no metric tells that the store is away")
			}
		}
		server.Restart(t)
		for _, g := range gateways {
			eventually(t, "that the store is back", func() bool {
				var st admin.Status
				do(t, g, token, "GET", "/v1/status", "").into(t, &st)
				return st.Rules.Store
			})
		}
	}
	at := two.Rules().Table().Snapshot().Revision()
	eventually(t, "changes again", func() bool { return two.Rules().Table().Snapshot().Revision() > at+10 })
	close(stop)
	wg.Wait()
	t.Logf("%d calls, %d changes answered, %d refused", calls, len(answered), refused)
	if refused == 0 || calls < 20 {
		t.Errorf("%d changes refused, %d calls: the store was not away", refused, calls)
	}
	begun := time.Now()
	if r := do(t, two, token, "DELETE", "/v1/subscribers/+31612345678?wait=all", "", "If-Match: *"); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	t.Logf("in force on both after %v", time.Since(begun).Round(time.Millisecond))
	for _, g := range gateways {
		if !called(t, g, c, "0201234567") {
			t.Error("withheld after its rule was taken out")
		}
		for path, i := range answered {
			r := do(t, g, token, "GET", path, "")
			if r.status != 200 || !strings.Contains(r.body, fmt.Sprintf(`"note":"%d"`, i)) {
				t.Fatalf("change %d was answered and is lost: %d %s", i, r.status, r.body)
			}
		}
		if n := g.Rules().Table().Snapshot().Len(); n < len(answered) {
			t.Errorf("%d in force, %d answered", n, len(answered))
		}
	}
	verified(t, one)
	if strings.Contains(log.String(), "3161234") { // shorter ones stand in times as well
		t.Error("a number is logged")
	}
}
