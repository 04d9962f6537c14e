package e2e

import (
	"net"
	"strings"
	"testing"
)

// The proxy before the caller is a strict router: it puts our Record-Route into the
// Request-URI (RFC 3261 16.4).
func TestStrictRouterUpstream(t *testing.T) {
	r := newRig(t, "U1", "")
	c := r.established(t, "TV01", "1")
	own, remote := target(c.a.routes[0]), c.a.target
	c.a.target, c.a.routes = own, []string{"<" + remote + ">"}
	c.ua.send(r.gw, c.a.request("BYE", "strict"))
	bye := c.u1.request("BYE")
	if bye.uri() != remote || len(bye.all("Route")) != 0 {
		t.Errorf("BYE at the callee: %q, Route %q", bye.start, bye.all("Route"))
	}
	c.u1.send(r.gw, answer(bye, "200 OK", ""))
	c.ua.response(200)
}

// The proxy behind us is one: it is put into the Request-URI, and the target to the end of
// the Route set (RFC 3261 16.6 item 6).
func TestStrictRouterDownstream(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "")
		c := r.ringing(t, vector, "1")
		c.u1.send(r.gw, answer(withRoute(c.got, "<sip:"+c.u1.host()+">"), "200 OK", "b9", "Contact: <sip:b@"+c.r.local("192.0.2.99")+">"))
		ok := c.ua.response(200)
		c.a, c.b = asCaller(ok, c.ua.addr()), asCallee(c.got, "b9", c.u1.addr())
		c.ua.send(c.a.hop(), c.a.request("ACK", "ack"))
		ack := c.u1.request("ACK")
		if ack.uri() != "sip:"+c.u1.host() || strings.Join(ack.values("Route"), ",") != "<sip:b@"+c.r.local("192.0.2.99")+">" {
			t.Errorf("ACK %q with Route %q", ack.start, ack.values("Route"))
		}
		c.ua.send(c.a.hop(), c.a.request("BYE", "bye"))
		if bye := c.u1.request("BYE"); bye.uri() != ack.uri() || bye.get("Route") != ack.get("Route") {
			t.Errorf("BYE %q with Route %q", bye.start, bye.values("Route"))
		}
	})
}

// withRoute is a request as a proxy that records its route passes it on.
func withRoute(m sipMsg, route string) sipMsg {
	m.header = append([]sipHeader{{"Record-Route", route}}, m.header...)
	return m
}

// The first target is dead, busy with itself, or silent: the second takes the call.
func TestFailover(t *testing.T) {
	first := "203.0.113.50:5998"
	for name, status := range map[string]string{"port closed": "", "503": "503 Service Unavailable", "silent": "-"} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, vector string) {
				r := newRig(t, "U1", "", "to: [\"sip:203.0.113.50\"]", "to: [\"sip:"+first+"\", \"sip:203.0.113.50\"], give_up: 300ms",
					"listen: [", quick+"\n  listen: [")
				if status != "" {
					bad := newUA(t, "first target", r.local(first))
					go func() {
						for m := range bad.in {
							if status != "-" && m.method() == "INVITE" {
								bad.send(r.gw, answer(m, status, "x"))
							}
						}
					}()
				}
				c := r.established(t, vector, "1")
				c.byeFromCallee(c.b.hop())
			})
		})
	}
}

// What exceeds 1,300 bytes goes by TCP, and by UDP where nobody listens.
func TestLargeRequests(t *testing.T) {
	large := []string{"t=0 0\n", "t=0 0\n" + strings.Repeat("a=fmtp:96 a-rather-long-line-of-no-meaning\n", 30)}
	for name, tcp := range map[string]bool{"TCP": true, "no TCP": false} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, vector string) {
				r := newRig(t, "U1", "streams")
				u1 := r.ua("U1")
				var overTCP chan sipMsg
				if tcp {
					overTCP = listenTCP(t, u1.addr())
				}
				body := "v=0\r\no=jansen 1 1 IN IP4 " + r.local("192.0.2.11") + "\r\ns=-\r\nc=IN IP4 203.0.113.9\r\n" + crlf(large[1]) +
					"m=audio 4000 RTP/AVP 96\r\n"
				body = strings.Replace(body, "\r\n\r\n", "\r\n", 1)
				sent := mustParse(t, strings.Replace(r.local(vectorNamed(t, vector).msg), "Content-Length: 0\r\n\r\n", sized("application/sdp", body), 1))
				r.ua("A").send(r.gw, sent.raw)
				var got sipMsg
				if tcp {
					got = take(t, overTCP, "INVITE over TCP")
				} else {
					got = u1.request("INVITE")
				}
				if tcp != strings.Contains(got.values("Via")[0], "SIP/2.0/TCP ") {
					t.Errorf("Via %q", got.get("Via"))
				}
				if n := strings.Count(got.body, "a=fmtp:96"); n != 30 {
					t.Errorf("%d of 30 lines arrived", n)
				}
				if w := r.line("A").leak(got.raw); vector == "TV02" && w != "" {
					t.Errorf("leak (%s) in\n%s", w, got.raw)
				}
			})
		})
	}
}

func sized(contentType, body string) string {
	return "Content-Type: " + contentType + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

// listenTCP takes messages over TCP, answers them 200 on the connection, and hands them out.
func listenTCP(t *testing.T, addr string) chan sipMsg {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	must(t, err)
	got := make(chan sipMsg, 16)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			readStream(conn, got)
			conn.Close()
		}
	}()
	return got
}

// readStream frames the first message of a connection.
func readStream(conn net.Conn, got chan sipMsg) {
	var all []byte
	b := make([]byte, 65536)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		all = append(all, b[:n]...)
		m, err := parseSIP(string(all))
		if err == nil && itoa(len(m.body)) == m.get("Content-Length") {
			conn.Write([]byte(answer(m, "486 Busy Here", "b9")))
			got <- m
			return
		}
	}
}

func TestUnknownSource(t *testing.T) {
	r := newRig(t, "U1", "")
	u1 := r.ua("U1")
	stranger := newUA(t, "stranger", r.local("192.0.2.200")+":5060")
	stranger.send(r.gw, "no SIP at all\r\n\r\n")
	stranger.send(r.gw, "\r\n\r\n")
	stranger.send(r.gw, strings.ReplaceAll(ordinaryInvite, "HOST", stranger.addr()))
	if reply := stranger.final(); reply.status() != 403 {
		t.Errorf("answered %q", reply.start)
	}
	u1.silent()
}

// A token that nobody of ours made is worth 403; it never leads anywhere.
func TestForgedToken(t *testing.T) {
	r := newRig(t, "U1", "")
	c := r.withheld(t, "1")
	good := c.b.target
	user, rest, _ := strings.Cut(strings.TrimPrefix(good, "sip:"), "@")
	middle := len(user) / 2
	other := "a"
	if user[middle] == 'a' {
		other = "b"
	}
	c.b.target = "sip:" + user[:middle] + other + user[middle+1:] + "@" + rest
	c.u1.send(r.gw, c.b.request("BYE", "forged"))
	if reply := c.u1.final(); reply.status() != 403 {
		t.Errorf("answered %q", reply.start)
	}
	if n := r.g.Stats().Events["forged_token"]; n != 1 {
		t.Errorf("%d forged tokens counted", n)
	}
	c.b.target = good
	c.byeFromCallee(c.b.hop())
	for _, m := range c.ua.got() {
		if m.isRequest() && m.method() == "BYE" && strings.Contains(m.raw, "forged") {
			t.Error("the forged request reached the caller")
		}
	}
}

// Two gateways that send each other every call: Max-Forwards ends it although a withheld
// call's Via chain is cut on each (TV49).
func TestLoopThroughTwoGateways(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "", "udp:198.51.100.1:0", "udp:198.51.100.1:5060",
			`from: ["203.0.113.50"], to: ["sip:203.0.113.50"]`, `from: ["198.51.100.2"], to: ["sip:198.51.100.2"]`)
		dir := t.TempDir()
		second := strings.NewReplacer("198.51.100.1:5060", "198.51.100.2:5060", "[\"198.51.100.2\"]", "[\"198.51.100.1\"]",
			"sip:198.51.100.2", "sip:198.51.100.1").Replace(r.unlocal(r.yaml))
		second = strings.Replace(second, r.dataDir(), dir, 1)
		o := startGateway(t, r.local(second), dir)
		r.ua("A").send(r.gw, r.local(vectorNamed(t, vector).msg))
		if reply := r.ua("A").final(); reply.status() != 483 && !(vector == "TV01" && reply.status() == 482) {
			t.Errorf("answered %q", reply.start)
			t.Log(r.log, o.log)
		}
	})
}
