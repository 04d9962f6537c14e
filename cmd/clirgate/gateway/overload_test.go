package gateway_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
)

// answerer answers every INVITE with 200.
func answerer(t *testing.T, at string) (addr string) {
	t.Helper()
	c := listen(t, at)
	var done sync.WaitGroup
	done.Go(func() {
		for b := make([]byte, 65536); ; {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if text := string(b[:n]); strings.HasPrefix(text, "INVITE") {
				_, _ = c.WriteToUDPAddrPort([]byte(accept(text, c.LocalAddr().String())), from)
			}
		}
	})
	t.Cleanup(func() { _ = c.Close(); done.Wait() })
	return c.LocalAddr().String()
}

func listen(t *testing.T, at string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadBuffer(4 << 20)
	_ = c.SetWriteBuffer(4 << 20)
	return c
}

// accept is the 200 to a request.
func accept(request, contact string) string {
	out := "SIP/2.0 200 OK\r\n"
	for line := range strings.SplitSeq(request, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq", "Record-Route":
			out += line + "\r\n"
		case "To":
			out += line + ";tag=b\r\n"
		}
	}
	return out + "Contact: <sip:b@" + contact + ">\r\nContent-Length: 0\r\n\r\n"
}

// flood calls as fast as a window of calls without an answer lets it, and sends again what
// is not answered (RFC 3261 17.1.1.2).
type flood struct {
	t      *testing.T
	conn   net.Conn
	in     *bufio.Reader // of a stream
	window int
	open   map[string]*flooding // by Call-ID
	status map[string]map[string]int
	order  []bool // of ordinary calls, in the order they ended: served
	bad    string // an answer that should not be
}

type flooding struct {
	text, kind string
	sent       time.Time
}

func (f *flood) call(kind, uri string, n int) {
	id := fmt.Sprintf("flood-%d-%s", n, kind)
	network := strings.ToUpper(f.conn.LocalAddr().Network())
	text := strings.ReplaceAll("INVITE "+uri+` SIP/2.0
Via: SIP/2.0/`+network+` `+f.conn.LocalAddr().String()+`;branch=z9hG4bK`+id+`
From: <sip:+31612345678@127.0.0.1>;tag=a
To: <`+uri+`>
Call-ID: `+id+`
CSeq: 1 INVITE
Contact: <sip:a@`+f.conn.LocalAddr().String()+`>
Max-Forwards: 70
Content-Length: 0

`, "\n", "\r\n")
	f.open[id] = &flooding{text, kind, time.Now()}
	f.send(text)
}

func (f *flood) send(text string) {
	if _, err := f.conn.Write([]byte(text)); err != nil {
		f.t.Fatal(err)
	}
}

// next is one message; an error when there is none for a while.
func (f *flood) next(b []byte) (string, error) {
	_ = f.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if f.in == nil {
		n, err := f.conn.Read(b)
		return string(b[:n]), err
	}
	if _, err := f.in.Peek(1); err != nil {
		return "", err
	}
	_ = f.conn.SetReadDeadline(time.Now().Add(time.Minute))
	text := ""
	for !strings.HasSuffix(text, "\r\n\r\n") { // none has a body
		line, err := f.in.ReadString('\n')
		if err != nil {
			f.t.Fatal(err)
		}
		text += line
	}
	return text, nil
}

// receive takes in one response, and sends again what is overdue when none comes.
func (f *flood) receive(b []byte) {
	text, err := f.next(b)
	if err != nil {
		if f.in != nil {
			return
		}
		for _, c := range f.open {
			if time.Since(c.sent) > 500*time.Millisecond {
				c.sent = time.Now()
				f.send(c.text)
			}
		}
		return
	}
	if strings.HasPrefix(text, "SIP/2.0 1") {
		return
	}
	_, rest, _ := strings.Cut(text, "\r\nCall-ID: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	c := f.open[id]
	if c == nil {
		return
	}
	delete(f.open, id)
	status := strings.Fields(text)[1]
	f.status[c.kind][status]++
	if c.kind == "call" {
		f.order = append(f.order, status == "200")
	}
	if status != "200" && (status != "503" || !strings.Contains(text, "\r\nRetry-After: ")) {
		f.bad = text
	}
}

const flooded = `
sip: {listen: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], overload: {target: %s, interval: 20ms}}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.0.1"], numbers: ["+3161234"]}
  - {name: core, boundary: interconnect, from: ["127.0.0.3"], to: ["sip:%s"]}
  - {name: psap, boundary: emergency, from: ["127.0.0.4"], to: ["sip:%s"]}
routes: [{emergency: true, to: psap}, {prefix: "", to: core}]
admin: {listen: "127.0.0.1:0"}
`

func startFlooded(t *testing.T, target string) (*gateway.Gateway, *flood) {
	t.Helper()
	g, _ := start(t, fmt.Sprintf(flooded, target, answerer(t, "127.0.0.3:0"), answerer(t, "127.0.0.4:0")), t.TempDir())
	return g, newFlood(t, g, transport.UDP)
}

func newFlood(t *testing.T, g *gateway.Gateway, network transport.Network) *flood {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	name := "tcp4"
	if network == transport.UDP {
		d.LocalAddr, name = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, "udp4"
	}
	conn, err := d.Dial(name, g.Addr(network).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &flood{
		t: t, conn: conn, window: 1200,
		open: map[string]*flooding{}, status: map[string]map[string]int{"call": {}, "emergency": {}},
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(4 << 20)
		_ = udp.SetWriteBuffer(4 << 20)
		return f
	}
	f.in = bufio.NewReader(conn)
	return f
}

func (f *flood) run(calls int) {
	b := make([]byte, 65536)
	limit := time.Now().Add(2 * time.Minute)
	for n := 0; n < calls || len(f.open) > 0; {
		if time.Now().After(limit) {
			f.t.Fatalf("%d calls have no answer, of the others %v", len(f.open), f.status)
		}
		for ; n < calls && len(f.open) < f.window; n++ {
			if n%20 == 0 {
				f.call("emergency", "sip:*31*112@127.0.0.1", n)
			} else {
				f.call("call", "sip:0201234567@127.0.0.1", n)
			}
		}
		f.receive(b)
	}
}

// judge wants every emergency call answered, and others served all the while.
func (f *flood) judge(calls int) {
	f.t.Helper()
	f.t.Logf("answers: %v", f.status)
	if got := f.status["emergency"]; got["200"] != calls/20 || len(got) != 1 {
		f.t.Errorf("emergency calls: %v", got)
	}
	if f.bad != "" {
		f.t.Errorf("answered:\n%s", f.bad)
	}
	if f.status["call"]["503"] == 0 {
		f.t.Error("nobody was refused")
	}
	for third := range 3 {
		if !slices.Contains(f.order[third*len(f.order)/3:(third+1)*len(f.order)/3], true) {
			f.t.Errorf("nobody was served in third %d of the flood", third+1)
		}
	}
}

// What waits behind a connection is refused like what waits behind a socket.
func TestFloodOverTCP(t *testing.T) {
	g, _ := startFlooded(t, "2ms")
	f := newFlood(t, g, transport.TCP)
	f.window = 4000 // more than a fast machine works off within the interval
	const calls = 20_000
	f.run(calls)
	f.judge(calls)
}

// Flooded, the gateway answers every emergency call, serves others all the while, and tells
// those it refuses when to come again. When it is over all is as before.
func TestFlood(t *testing.T) {
	g, f := startFlooded(t, "2ms")
	const calls = 12_000
	f.run(calls)
	f.judge(calls)
	token := newToken(t, g)
	var s admin.Status
	for limit := time.Now().Add(time.Minute); ; {
		if code := post(t, g, "/v1/status", token, "", &s); code != 200 {
			t.Fatal(code)
		}
		if s.Overload.Refused == 0 {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("overloaded for ever: %+v", s.Overload)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if s.Overload.Total != uint64(f.status["call"]["503"]) && s.Overload.Total < uint64(f.status["call"]["503"]) {
		t.Errorf("%d refused, %d counted", f.status["call"]["503"], s.Overload.Total)
	}
	if got := ask(t, g, "INVITE", "sip:0201234567@127.0.0.1"); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Errorf("after the flood: %s", got)
	}
	if _, text := read(t, g, "/metrics", token); !strings.Contains(text, `clirgate_overload_refused_total{peer="phones"} `) || !strings.Contains(text, "clirgate_overload_refused_ratio 0\n") {
		t.Error("metrics do not tell of it")
	}
}

// Drained over the API a peer gets no new calls, but emergency calls where nobody else
// takes them; resumed it gets them again.
func TestDrainPeerOverAPI(t *testing.T) {
	g, _ := start(t, fmt.Sprintf(flooded, "500ms", answerer(t, "127.0.0.3:0"), answerer(t, "127.0.0.4:0")), t.TempDir())
	token := newToken(t, g)
	for _, x := range []struct{ verb, peer, uri, want string }{
		{"drain", "core", "sip:0201234567@127.0.0.1", "503"},
		{"drain", "psap", "sip:112@127.0.0.1", "200"},
		{"resume", "core", "sip:0201234567@127.0.0.1", "200"},
		{"resume", "psap", "sip:112@127.0.0.1", "200"},
	} {
		var p admin.Peer
		if code := post(t, g, "/v1/peers/"+x.peer+":"+x.verb, token, "", &p); code != 200 || (p.State == "drained") != (x.verb == "drain") {
			t.Fatalf("%s %s: %d %+v", x.verb, x.peer, code, p)
		}
		got := ask(t, g, "INVITE", x.uri)
		if !strings.HasPrefix(got, "SIP/2.0 "+x.want) || x.want == "503" && !strings.Contains(got, "Retry-After") {
			t.Errorf("%s after %s of %s: %s", x.uri, x.verb, x.peer, got)
		}
	}
}
