package proxy

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// streamAgent is a user agent on one TCP connection that the gateway made to it.
type streamAgent struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// get reads the next message whose start line begins with start; bodies are not read.
func (a *streamAgent) get(start string) msg {
	a.t.Helper()
	for {
		var b strings.Builder
		for !strings.HasSuffix(b.String(), "\r\n\r\n") {
			line, err := a.r.ReadString('\n')
			if err != nil {
				a.t.Fatal(err)
			}
			b.WriteString(line)
		}
		if m := readMsg(b.String()); strings.HasPrefix(m.start, start) {
			return m
		}
	}
}

func (a *streamAgent) send(text string) {
	a.t.Helper()
	if _, err := a.conn.Write([]byte(crlf(text))); err != nil {
		a.t.Fatal(err)
	}
}

// TestBetweenTransports: a call that comes by UDP and leaves by TCP. Each side has a Route
// to the gateway that it can use (RFC 5658), and both are taken off.
func TestBetweenTransports(t *testing.T) {
	for _, dialled := range []string{"0611000000", "*31*0611000000"} {
		t.Run(dialled, func(t *testing.T) {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			port := uint16(l.Addr().(*net.TCPAddr).Port)
			r := newRig(t, func(s *settings) {
				s.tcp = true
				s.change = func(c *Config) {
					c.Peers[3].To = []Target{{Host: "127.0.0.1", Port: port, Transport: "tcp"}}
					c.Peers[3].Boundary = Interconnect
				}
			})
			r.a.send(r.gw.addr, r.a.invite(dialled, fromA))
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			core := &streamAgent{t, conn, bufio.NewReader(conn)}
			got := core.get("INVITE")
			contact := "Contact: <sip:c@" + l.Addr().String() + ";transport=tcp>"
			core.send(got.response("200 OK", "ctag", contact))
			caller := asCaller(r.a, r.a.status(200))
			callee := asCallee(r.a, got, "ctag")
			if dialled[0] == '*' {
				leak(t, got)
				if !strings.HasSuffix(callee.target, "@"+r.gw.tl.Advertised(1)+";transport=tcp") || len(caller.routes) != 1 {
					t.Errorf("%s\nRoute %q", got.raw, caller.routes)
				}
			} else if len(callee.routes) != 2 || len(caller.routes) != 2 || !strings.Contains(callee.routes[0], ";transport=tcp;lr") ||
				!strings.Contains(caller.routes[0], "@"+r.gw.addr+";lr") {
				t.Errorf("Route of the callee %q, of the caller %q", callee.routes, caller.routes)
			}
			r.a.send(r.gw.addr, caller.request("ACK"))
			core.get("ACK")
			r.a.send(r.gw.addr, caller.request("INFO"))
			info := core.get("INFO")
			if info.has("Route") {
				t.Errorf("Route %q", info.get("Route"))
			}
			core.send(info.response("200 OK", ""))
			r.a.status(200)
			core.send(strings.Replace(callee.request("BYE"), "SIP/2.0/UDP "+r.a.addr(), "SIP/2.0/TCP "+l.Addr().String(), 1))
			bye := r.a.get("BYE")
			if bye.has("Route") || bye.uri() != "sip:a@"+r.a.addr() {
				t.Errorf("%s", bye.raw)
			}
			r.a.answer(r.gw.addr, bye, "200 OK", "")
			core.get("SIP/2.0 200")
		})
	}
}
