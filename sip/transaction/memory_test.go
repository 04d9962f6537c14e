package transaction

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// What a lingering transaction may cost, all told: structs, keys, index entries and
// the bytes that are kept. At 1,000 calls/s by UDP, each with an INVITE and a BYE on
// both sides for the 32 s of timers L, M and J, that is some 32,000 of each.
const (
	lingeringInvite = 3 << 10 // server with its request, and client with its identity
	lingeringBye    = 2 << 10 // server with its last response, and client
)

func TestMemoryOfLingeringTransactions(t *testing.T) {
	if n := unsafe.Sizeof(Server{}); n > 512 {
		t.Errorf("Server is %d bytes", n)
	}
	if n := unsafe.Sizeof(Client{}); n > 384 {
		t.Errorf("Client is %d bytes", n)
	}
	for _, c := range []struct {
		method, status string
		limit          int
	}{
		{"INVITE", "200 OK", lingeringInvite},
		{"BYE", "200 OK", lingeringBye},
	} {
		t.Run(c.method, func(t *testing.T) {
			r := &relay{next: bob}
			// Long timers: none of them may end before all is counted, however slow the machine.
			l := New(Options{T1: time.Hour, T2: time.Hour, T4: time.Hour}, nowhere{}, r)
			defer l.Close()
			r.l = l
			const n = 600
			run := func(from int) {
				for i := from; i < from+n; i++ {
					in := typical(c.method, i)
					l.Receive([]byte(in), alice)
					out := forwarded(in, fmt.Sprint("z9hG4bKrelay", r.n.Load()))
					l.Receive([]byte(response(out, c.status, "b1")), bob)
				}
			}
			run(0)
			before := heap()
			run(n)
			each := (heap() - before) / n
			if st := l.Stats(); st.Servers != 2*n || st.Clients != 2*n {
				t.Fatalf("%d servers, %d clients", st.Servers, st.Clients)
			}
			t.Logf("%s: %d bytes a lingering pair of transactions", c.method, each)
			if each > c.limit {
				t.Errorf("%d bytes, at most %d", each, c.limit)
			}
		})
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// typical is a request of the size that networks send: about 800 bytes, 1,100 with
// its SDP.
func typical(method string, i int) string {
	text := request(method, fmt.Sprintf("%08xabcdef", i), i+1,
		"Contact: <sip:alice@192.0.2.1:5080;transport=udp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-00155d112233>\"",
		"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, PRACK, UPDATE",
		"Supported: replaces, 100rel, timer, norefersub",
		"P-Asserted-Identity: <sip:alice@example.net;user=phone>",
		"User-Agent: Test phone 1.0",
	)
	if method == "INVITE" {
		sdp := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
			"m=audio 49170 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
		text = strings.Replace(text, "Content-Length: 0\r\n\r\n",
			fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp), 1)
	}
	return text
}

// nowhere is a transport that drops everything.
type nowhere struct{}

func (nowhere) Send(transport.Flow, []byte) error { return nil }
func (nowhere) Flush()                            {}

// What is not needed is given free: the request of an answered non-INVITE, the
// INVITE as sent after any final response.
func TestBuffersAreGivenFree(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		r.receive(bob, response(out, "200 OK", "b1"))
		s := r.servers[0]
		with(s, func() {
			s.Reply(200, "", nil)
			if c.sent != nil || c.ack != nil || c.extra != nil || s.last != nil {
				t.Error("Accepted keeps messages")
			}
			if s.Request() == nil {
				t.Error("INVITE gone before the end")
			}
		})
	})
	placed(t, func(r *rig, out string, c *Client) {
		r.receive(bob, response(out, "486 Busy", "b1"))
		with(r.servers[0], func() {
			if c.sent != nil || c.ack == nil {
				t.Error("Completed keeps more than the ACK, or less")
			}
		})
	})
	sentOn(t, bob, 0, func(r *rig, out string, c *Client) {
		r.onResponse = func(c *Client, _ *message.Message) { c.Server().Reply(200, "", nil) }
		r.receive(bob, response(out, "200 OK", "b1"))
		with(r.servers[0], func() {
			if c.sent != nil || r.servers[0].request != nil || r.servers[0].last == nil {
				t.Error("an answered non-INVITE keeps more than its response, or less")
			}
		})
	})
}

func TestBufferSizes(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 1024, 1025, 65535, 65536, 70000} {
		p := newBuffer(make([]byte, n))
		if len(*p) != n {
			t.Errorf("%d bytes: %d", n, len(*p))
		}
		if c := cap(*p); n <= 65536 && (c < 512 || c >= 1024 && c >= 2*n) {
			t.Errorf("%d bytes take %d", n, c)
		}
		free(&p)
		free(&p)
		if p != nil {
			t.Error("not free")
		}
	}
}
