package transaction

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// answeredWith is a rig whose INVITE, branch 1, CSeq 1, got that status (0: none).
func answeredWith(t *testing.T, status int, f func(r *rig)) {
	t.Helper()
	inRig(t, func(r *rig) {
		r.onRequest = func(s *Server) {
			if status != 0 {
				s.Reply(status, "", nil)
			}
		}
		r.receive(alice, request("INVITE", "1", 1))
		r.takeSent()
		r.takeCalls()
		f(r)
	})
}

func TestAckMatching(t *testing.T) {
	route := "Route: <sip:gw.example.net;lr>"
	for _, c := range []struct {
		name   string
		status int
		ack    string
		calls  string
	}{
		{"by branch, failure", 486, request("ACK", "1", 1), ""},
		{"by branch, 2xx", 200, request("ACK", "1", 1), "ack true"},
		{"new branch, 2xx", 200, request("ACK", "2", 1), "ack true"},
		{"new branch and Route, 2xx", 200, request("ACK", "2", 1, route), "ack true"},
		{"new branch, failure", 486, request("ACK", "2", 1), ""},
		{"new branch and Route, failure", 486, request("ACK", "2", 1, route), ""},
		{"by branch, no answer yet", 0, request("ACK", "1", 1), ""},
		{"other CSeq", 200, request("ACK", "2", 2), "ack false"},
		{"other Call-ID", 200, strings.Replace(request("ACK", "2", 1), "call-1", "call-2", 1), "ack false"},
		{"Call-ID in other case", 200, strings.Replace(request("ACK", "2", 1), "call-1", "CALL-1", 1), "ack false"},
		{"other From tag", 200, strings.Replace(request("ACK", "2", 1), "tag=a1", "tag=a2", 1), "ack false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answeredWith(t, c.status, func(r *rig) {
				r.receive(alice, c.ack)
				r.expect("", c.calls)
				if c.status == 486 { // absorbed means Confirmed: no timer G
					r.sleep(time.Second)
					r.expect("", "")
				}
			})
		})
	}
}

// Two INVITEs with one dialog key: a fork upstream that came together again here.
func TestAckPrefersAccepted(t *testing.T) {
	inRig(t, func(r *rig) {
		r.receive(alice, request("INVITE", "1", 1))
		r.receive(carol, request("INVITE", "2", 1))
		r.receive(bob, request("INVITE", "3", 1))
		r.expect("", "request INVITE,request INVITE,request INVITE") // merged: no error for a proxy
		with(r.servers[0], func() { r.servers[0].Reply(200, "", nil) })
		with(r.servers[1], func() { r.servers[1].Reply(200, "", nil) })
		with(r.servers[2], func() { r.servers[2].Reply(486, "", nil) })
		var to *Server
		r.onAck = func(s *Server, _ *message.Message, _ transport.Flow) { to = s }
		for _, c := range []struct {
			from transport.Flow
			want *Server
		}{
			{alice, r.servers[0]}, {flow(transport.UDP, "192.0.2.1:9999"), r.servers[0]},
			{carol, r.servers[1]}, {bob, r.servers[1]},
		} {
			r.receive(c.from, request("ACK", "9", 1))
			if to != c.want {
				t.Errorf("ACK from %v went to the wrong transaction", c.from.Remote)
			}
		}
	})
}

func TestServerKey(t *testing.T) {
	invite := request("INVITE", "1", 1)
	plain := strings.Replace(invite, "z9hG4bK1", "1", 1) // RFC 2543
	via := func(text, sentBy string) string { return strings.Replace(text, "192.0.2.1:5080", sentBy, 1) }
	for _, c := range []struct {
		name string
		a, b string
		same bool
	}{
		{"repeated", invite, invite, true},
		{"branch in other case", request("INVITE", "ab", 1), request("INVITE", "aB", 1), false},
		{"sent-by in other case", via(invite, "pc.example.net:5080"), via(invite, "PC.Example.NET:5080"), true},
		{"default port written", via(invite, "pc.example.net"), via(invite, "pc.example.net:5060"), true},
		{"other port", via(invite, "pc.example.net"), via(invite, "pc.example.net:5061"), false},
		{"other host", via(invite, "pc1.example.net"), via(invite, "pc2.example.net"), false},
		{"Request-URI does not count", invite, strings.Replace(invite, "INVITE sip:bob@", "INVITE sip:rob@", 1), true},
		{"branch used again", invite, request("INVITE", "1", 2), false},
		{"method", request("OPTIONS", "1", 1), request("MESSAGE", "1", 1), false},
		{"unknown methods", request("FOO", "1", 1), request("BAR", "1", 1), false},
		{"unknown method again", request("FOO", "1", 1), request("FOO", "1", 1), true},
		{"2543: repeated", plain, plain, true},
		{"2543: other Request-URI", plain, strings.Replace(plain, "INVITE sip:bob@", "INVITE sip:rob@", 1), false},
		{"2543: other Call-ID", plain, strings.Replace(plain, "call-1", "call-2", 1), false},
		{"2543: other From tag", plain, strings.Replace(plain, "tag=a1", "tag=a2", 1), false},
		{"2543: other CSeq", plain, strings.Replace(plain, "CSeq: 1", "CSeq: 2", 1), false},
		{"2543: other Via", plain, strings.Replace(plain, "branch=1", "branch=2", 1), false},
		{"2543: no branch at all", strings.Replace(plain, ";branch=1", "", 1), strings.Replace(plain, ";branch=1", "", 1), true},
		{"cookie alone is 2543", strings.Replace(invite, "z9hG4bK1", "z9hG4bK", 1), strings.Replace(strings.Replace(invite, "z9hG4bK1", "z9hG4bK", 1), "call-1", "call-2", 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inRig(t, func(r *rig) {
				r.receive(alice, c.a)
				r.receive(alice, c.b)
				if got := len(r.servers) == 1; got != c.same {
					t.Errorf("same transaction: %t", got)
				}
			})
		})
	}
}

func TestRFC2543Peer(t *testing.T) {
	old := func(method string) string {
		return strings.Replace(request(method, "", 1), ";branch=z9hG4bK", "", 1)
	}
	inRig(t, func(r *rig) {
		r.receive(alice, old("INVITE"))
		r.receive(alice, old("CANCEL"))
		r.expect("200", "request INVITE,cancel")
		with(r.servers[0], func() { r.servers[0].Reply(487, "", nil) })
		ack := strings.Replace(old("ACK"), "To: <sip:bob@example.net>", "To: "+headerOf(r.lastSent().text, "To"), 1)
		r.receive(alice, ack)
		r.expect("487", "")
		r.sleep(33 * time.Second) // the transaction of CANCEL too
		r.expect("", "terminated")
		r.empty()
	})
}

func TestCancelMatching(t *testing.T) {
	route := "Route: <sip:gw.example.net;lr>"
	for _, c := range []struct {
		name        string
		status      int
		cancel      string
		sent, calls string
	}{
		{"by branch", 0, request("CANCEL", "1", 1), "200", "cancel"},
		{"after 180", 180, request("CANCEL", "1", 1), "200", "cancel"},
		{"new branch", 0, request("CANCEL", "2", 1), "200", "cancel"},
		{"new branch and Route", 180, request("CANCEL", "2", 1, route), "200", "cancel"},
		{"too late, 2xx", 200, request("CANCEL", "1", 1), "200", ""},
		{"too late, failure", 486, request("CANCEL", "1", 1), "200", ""},
		{"other CSeq", 0, request("CANCEL", "2", 2), "481", ""},
		{"other Call-ID", 0, strings.Replace(request("CANCEL", "2", 1), "call-1", "call-2", 1), "481", ""},
		{"unfounded, without state", 0, strings.Replace(request("CANCEL", "2", 1), "tag=a1", "tag=a2", 1), "481", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			answeredWith(t, c.status, func(r *rig) {
				before := r.l.Stats().Servers
				r.receive(alice, c.cancel)
				r.expect(c.sent, c.calls)
				r.receive(alice, c.cancel)
				r.expect(c.sent, "") // once only
				want := before + 1
				if c.sent == "481" {
					want = before
				}
				if got := r.l.Stats().Servers; got != want {
					t.Errorf("%d server transactions, want %d", got, want)
				}
			})
		})
	}
}

// RFC 3261 9.2: the To tag of the answer to CANCEL is that of the answer to INVITE.
func TestCancelTag(t *testing.T) {
	answeredWith(t, 0, func(r *rig) {
		r.onCancel = func(s *Server) { s.Reply(487, "", nil) }
		r.receive(alice, request("CANCEL", "1", 1))
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.sent) != 2 {
			t.Fatalf("%d sent", len(r.sent))
		}
		ok, terminated := headerOf(r.sent[0].text, "To"), headerOf(r.sent[1].text, "To")
		if ok != terminated || !strings.Contains(ok, ";tag=") {
			t.Errorf("200 has To %q, 487 has %q", ok, terminated)
		}
	})
}

// RFC 3261 17.2.2: the transaction of CANCEL outlives that of its INVITE.
func TestCancelAgainAfterInvite(t *testing.T) {
	answeredWith(t, 0, func(r *rig) {
		r.onCancel = func(s *Server) { s.Reply(487, "", nil) }
		r.receive(alice, request("CANCEL", "1", 1))
		r.receive(alice, request("ACK", "1", 1))
		r.sleep(6 * time.Second)
		r.expect("200,487", "cancel,terminated")
		r.receive(alice, request("CANCEL", "1", 1))
		r.expect("200", "")
		r.sleep(30 * time.Second)
		r.receive(alice, request("CANCEL", "1", 1))
		r.expect("481", "")
		r.empty()
	})
}

// The ACK for a failure of our own never goes on, not even when nothing is known of
// its INVITE any more.
func TestAckOfOwnResponse(t *testing.T) {
	ackOf := func(response string) string {
		return strings.Replace(request("ACK", "1", 1), "To: <sip:bob@example.net>", "To: "+headerOf(response, "To"), 1)
	}
	inRig(t, func(r *rig) {
		r.receive(alice, strings.Replace(request("INVITE", "1", 1), "70", "many", 1))
		ack := ackOf(r.lastSent().text)
		r.receive(alice, ack)
		r.expect("400", "malformed")
		r.receive(alice, strings.Replace(ack, "tag=", "tag=x", 2))
		r.expect("", "ack false")
	})
	answeredWith(t, 486, func(r *rig) {
		r.receive(alice, request("INVITE", "1", 1))
		ack := ackOf(r.lastSent().text)
		r.receive(alice, ack)
		r.sleep(6 * time.Second)
		r.expect("486", "terminated")
		r.receive(alice, ack)
		r.expect("", "")
	})
}

func TestResponseMatching(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		for _, stray := range []string{
			strings.Replace(response(out, "180 Ringing", "b"), "z9hG4bKgw1", "z9hG4bKgw2", 1),
			strings.Replace(response(out, "180 Ringing", "b"), "z9hG4bKgw1", "z9hG4bKGW1", 1),
			strings.Replace(response(out, "180 Ringing", "b"), "1 INVITE", "1 BYE", 1),
			strings.Replace(response(out, "200 OK", "b"), ";branch=z9hG4bKgw1", "", 1),
		} {
			r.receive(bob, stray)
			r.expect("", "stray") // and never sent on
		}
		if got := r.l.Stats().Strays; got != 4 {
			t.Errorf("%d strays", got)
		}
	})
}

func TestUnreadable(t *testing.T) {
	options := request("OPTIONS", "1", 1)
	for _, c := range []struct {
		name        string
		text        string
		sent, calls string
	}{
		{"keep-alive", "\r\n\r\n", "", ""},
		{"nothing", "", "", ""},
		{"garbage", "\x00\x01\x02 hello", "", "malformed"},
		{"other protocol", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", "malformed"},
		{"version", strings.Replace(options, "net SIP/2.0", "net SIP/7.0", 1), "505", "malformed"},
		{"Max-Forwards", strings.Replace(options, "70", "many", 1), "400", "malformed"},
		{"CSeq method", strings.Replace(options, "1 OPTIONS", "1 INVITE", 1), "400", "malformed"},
		{"ACK is never answered", strings.Replace(request("ACK", "1", 1), "70", "many", 1), "", "malformed"},
		{"nor are responses", strings.Replace(response(options, "200 OK", "b"), "CSeq: 1 OPTIONS", "CSeq: x", 1), "", "malformed"},
		{"no Call-ID", strings.Replace(options, "Call-ID", "X-ID", 1), "400", "malformed"},
		{"no Via", strings.Replace(options, "Via", "X-Via", 1), "", "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inRig(t, func(r *rig) {
				r.receive(alice, c.text)
				r.receive(alice, c.text)
				twice := func(s string) string {
					if s == "" {
						return ""
					}
					return s + "," + s
				}
				r.expect(twice(c.sent), twice(c.calls))
				r.sleep(40 * time.Second)
				r.expect("", "") // never by itself
				r.empty()
			})
		})
	}
}

// On a stream nobody knows where a message without Content-Length ends (RFC 3261 18.3).
func TestNoContentLength(t *testing.T) {
	inRig(t, func(r *rig) {
		text := strings.Replace(request("OPTIONS", "1", 1), "Content-Length", "X-Length", 1)
		r.receive(over(alice, transport.TCP), text)
		r.expect("400", "malformed")
	})
}

func TestDiscarded(t *testing.T) {
	inRig(t, func(r *rig) {
		for _, why := range []transport.Discard{transport.DiscardEmpty, transport.DiscardLimit, transport.DiscardFraming, transport.DiscardTooLarge, transport.DiscardSlow} {
			r.l.Discarded(alice, why)
		}
		r.expect("", "malformed,malformed,malformed")
	})
}

func TestResponseFlow(t *testing.T) {
	source := flow(transport.UDP, "203.0.113.9:40000")
	source.Listener = 3
	for _, c := range []struct {
		via, from, want string
		net             transport.Network
	}{
		{"SIP/2.0/UDP 10.0.0.1:5080;branch=z9hG4bKx;rport", "203.0.113.9:40000", "203.0.113.9:40000", transport.UDP},
		{"SIP/2.0/UDP 10.0.0.1:5080;rport=1;branch=z9hG4bKx", "203.0.113.9:40000", "203.0.113.9:40000", transport.UDP},
		{"SIP/2.0/UDP 10.0.0.1:5080;branch=z9hG4bKx", "203.0.113.9:40000", "203.0.113.9:5080", transport.UDP},
		{"SIP/2.0/UDP pc.example.net;branch=z9hG4bKx", "203.0.113.9:40000", "203.0.113.9:5060", transport.UDP},
		{"SIP/2.0/UDP [2001:db8::9]:5090;branch=z9hG4bKx", "[2001:db8::9]:40000", "[2001:db8::9]:5090", transport.UDP},
		{"SIP/2.0/UDP 10.0.0.1;maddr=224.0.1.75;branch=z9hG4bKx", "203.0.113.9:40000", "224.0.1.75:5060", transport.UDP},
		{"SIP/2.0/UDP 10.0.0.1:7;maddr=192.0.2.7;rport;branch=z9hG4bKx", "203.0.113.9:40000", "192.0.2.7:7", transport.UDP},
		{"SIP/2.0/UDP 10.0.0.1:5080;maddr=evil.example.net;branch=z9hG4bKx", "203.0.113.9:40000", "203.0.113.9:5080", transport.UDP},
		{"SIP/2.0/UDP 10.0.0.1:5080;maddr=[2001:db8::1];branch=z9hG4bKx", "203.0.113.9:40000", "203.0.113.9:5080", transport.UDP},
		{"SIP/2.0/TCP 10.0.0.1:5080;branch=z9hG4bKx", "203.0.113.9:40000", "203.0.113.9:40000", transport.TCP},
		{"SIP/2.0/TLS 10.0.0.1:5080;branch=z9hG4bKx;maddr=192.0.2.7", "203.0.113.9:40000", "203.0.113.9:40000", transport.TLS},
	} {
		var m message.Message
		text := strings.Replace(request("OPTIONS", "1", 1), "SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK1", c.via, 1)
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatalf("%s: %v", c.via, err)
		}
		via, _ := m.TopVia()
		from := flow(c.net, c.from)
		from.Listener = 3
		got := responseFlow(&m, &via, from)
		want := flow(c.net, c.want)
		want.Listener = 3
		if got != want {
			t.Errorf("%s from %s: %v, want %v", c.via, c.from, got, want)
		}
	}
}

func TestSentVia(t *testing.T) {
	for _, c := range []struct {
		text   string
		branch string
		port   uint16
	}{
		{"BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h:5070;branch=z9x;rport\r\n", "z9x", 5070},
		{"BYE sip:b SIP/2.0\r\nMax-Forwards: 70\r\nv : SIP/2.0/UDP h;branch=z9x", "", 5060},
		{"BYE sip:b SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9x\r\n", "z9x", 5060},
		{"BYE sip:b SIP/2.0\nVIA: SIP/2.0/TLS [::1] ; BRANCH = z9x , SIP/2.0/UDP h;branch=y", "z9x", 5061},
		{"BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h:5070;rport;branch=z9", "", 5070},
		{"BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h:99999;branch=z9x\r\nVia: SIP/2.0/UDP h;branch=no\r\n", "z9x", 5060},
		{"BYE sip:b SIP/2.0\r\nVi", "", 5060},
		{"", "", 5060},
	} {
		got := sentVia([]byte(c.text))
		if string(got.branch) != c.branch || got.port != c.port {
			t.Errorf("%q: %q %d", c.text, got.branch, got.port)
		}
	}
}

func FuzzSentVia(f *testing.F) {
	text := request("INVITE", "1", 1)
	for _, n := range []int{0, 10, 60, 100, len(text)} {
		f.Add([]byte(text[:n]))
	}
	f.Add([]byte("v:;branch=,\n\nVia:=;\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v := sentVia(b)
		if strings.ContainsAny(string(v.branch), "\n;,") {
			t.Errorf("branch %q", v.branch)
		}
		if v.port == 0 {
			t.Error("no port")
		}
		var m message.Message
		if m.Parse(b) == nil { // where the strict reading works, this agrees with it
			via, _ := m.TopVia()
			if plain(b) && string(via.Branch) != string(v.branch) {
				t.Errorf("branch %q, parsed %q", v.branch, via.Branch)
			}
		}
	})
}

// plain: without the quoting, folding and comments that the gateway never writes.
func plain(b []byte) bool {
	return !strings.ContainsAny(string(b), "\"\\()\t<>") && !strings.Contains(string(b), "\n ") && !strings.Contains(string(b), " \r\n") && strings.Count(string(b), "\r") == strings.Count(string(b), "\r\n")
}

func TestTagLetters(t *testing.T) {
	inRig(t, func(r *rig) {
		seen := map[string]bool{}
		for i := range 100 {
			var buf [tagLength]byte
			tag := string(r.l.tag(&buf, fmt.Append(nil, i)))
			if strings.Trim(tag, "abcdefghijklmnop") != "" || seen[tag] {
				t.Fatalf("tag %q", tag)
			}
			seen[tag] = true
		}
	})
}
