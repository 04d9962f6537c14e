package transaction

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	alice = flow(transport.UDP, "192.0.2.1:5080")
	bob   = flow(transport.UDP, "192.0.2.2:5060")
	carol = flow(transport.UDP, "192.0.2.3:5060")
)

func flow(n transport.Network, remote string) transport.Flow {
	f := transport.Flow{Net: n, Remote: netip.MustParseAddrPort(remote)}
	if n != transport.UDP {
		f.Conn = 7
	}
	return f
}

// over is f over another transport protocol.
func over(f transport.Flow, n transport.Network) transport.Flow {
	return flow(n, f.Remote.String())
}

// packet is one message that the layer sent.
type packet struct {
	to   transport.Flow
	text string
	at   time.Duration // since the rig began
}

// rig is a layer between a fake transport and a fake user, in virtual time. Messages
// sent and callbacks are noted in order.
type rig struct {
	t     *testing.T
	l     *Layer
	start time.Time

	mu      sync.Mutex
	sent    []packet
	calls   []string
	refuse  func(f transport.Flow, b []byte) error // what Send answers
	network func(p packet)                         // what else becomes of what is sent
	flushes int

	servers []*Server
	clients []*Client

	onRequest  func(*Server)
	onAck      func(*Server, *message.Message, transport.Flow)
	onCancel   func(*Server)
	onResponse func(*Client, *message.Message)
	onFailed   func(*Client, Failure)
}

// inRig runs f in a bubble of virtual time. At its end no transaction is left that
// should have ended, and no goroutine.
func inRig(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.l.Close()
		f(r)
	})
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, start: time.Now()}
	r.l = New(Options{}, r, r)
	return r
}

func (r *rig) Send(f transport.Flow, b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(f, b); err != nil {
			return err
		}
	}
	p := packet{f, string(b), time.Since(r.start)}
	r.sent = append(r.sent, p)
	if r.network != nil {
		r.network(p)
	}
	return nil
}

func (r *rig) Flush() {
	r.mu.Lock()
	r.flushes++
	r.mu.Unlock()
}

func (r *rig) note(format string, args ...any) {
	r.mu.Lock()
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
	r.mu.Unlock()
}

func (r *rig) Request(s *Server) {
	r.note("request %s", s.Request().MethodName())
	r.servers = append(r.servers, s)
	if r.onRequest != nil {
		r.onRequest(s)
	}
}

func (r *rig) Ack(s *Server, m *message.Message, f transport.Flow) {
	r.note("ack %t", s != nil)
	if r.onAck != nil {
		r.onAck(s, m, f)
	}
}

func (r *rig) Cancel(s *Server, m *message.Message) {
	r.note("cancel")
	if r.onCancel != nil {
		r.onCancel(s)
	}
}

func (r *rig) Response(c *Client, m *message.Message) {
	r.note("response %d", m.Status())
	if r.onResponse != nil {
		r.onResponse(c, m)
	}
}

func (r *rig) Failed(c *Client, why Failure) {
	r.note("failed %s", why)
	if r.onFailed != nil {
		r.onFailed(c, why)
	}
}

func (r *rig) Terminated(s *Server)                  { r.note("terminated") }
func (r *rig) Malformed(f transport.Flow, why error) { r.note("malformed") }
func (r *rig) Stray(f transport.Flow)                { r.note("stray") }

// receive lets the layer have a message.
func (r *rig) receive(f transport.Flow, text string) { r.l.Receive([]byte(text), f) }

// sleep lets virtual time pass.
func (r *rig) sleep(d time.Duration) {
	r.mu.Lock() // so that the timer goroutine, which takes it too, sees the hooks set
	//lint:ignore SA2001 ordering only
	r.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

// takeSent returns what was sent since the last call, as status codes and methods.
func (r *rig) takeSent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, p := range r.sent {
		out = append(out, headline(p.text))
	}
	r.sent = nil
	return out
}

func headline(text string) string {
	words := strings.Fields(text)
	if words[0] == "SIP/2.0" {
		return words[1]
	}
	return words[0]
}

func (r *rig) takeCalls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.calls
	r.calls = nil
	return out
}

// expect compares what was sent and called since the last time; words are separated
// by "," and empty text is nothing.
func (r *rig) expect(sent, calls string) {
	r.t.Helper()
	if got := strings.Join(r.takeSent(), ","); got != sent {
		r.t.Fatalf("sent %q, want %q", got, sent)
	}
	if got := strings.Join(r.takeCalls(), ","); got != calls {
		r.t.Fatalf("called %q, want %q", got, calls)
	}
}

// lastSent is the last message sent.
func (r *rig) lastSent() packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sent) == 0 {
		r.t.Fatal("nothing sent")
	}
	return r.sent[len(r.sent)-1]
}

// empty asserts that nothing is left in the layer.
func (r *rig) empty() {
	r.t.Helper()
	st := r.l.Stats()
	if st.Servers != 0 || st.Clients != 0 || r.l.Pending() != 0 {
		r.t.Fatalf("left over: %d servers, %d clients, %d pending", st.Servers, st.Clients, r.l.Pending())
	}
	for name, n := range map[string]int{"servers": entries(&r.l.servers), "invites": entries(&r.l.invites), "clients": entries(&r.l.clients)} {
		if n != 0 {
			r.t.Fatalf("index of %s: %d entries left", name, n)
		}
	}
}

func entries[T held](x *index[T]) (n int) {
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.Lock()
		n += len(s.m)
		s.mu.Unlock()
	}
	return n
}

// with runs f under the lock of a transaction, as a User from outside does.
func with(s *Server, f func()) {
	s.Lock()
	f()
	s.Unlock()
}

// sip writes a message: a start line and header lines, and what every message has.
func sip(start string, headers ...string) string {
	return start + "\r\n" + strings.Join(headers, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
}

// request is a request of alice's with that branch and CSeq number.
func request(method, branch string, cseq int, more ...string) string {
	return sip(method+" sip:bob@example.net SIP/2.0", append([]string{
		"Via: SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK" + branch,
		"Max-Forwards: 70",
		"From: <sip:alice@example.net>;tag=a1",
		"To: <sip:bob@example.net>",
		"Call-ID: call-1",
		fmt.Sprintf("CSeq: %d %s", cseq, method),
	}, more...)...)
}

// forwarded is the request as the gateway sends it on: its own Via above.
func forwarded(received, branch string) string {
	start, rest, _ := strings.Cut(received, "\r\n")
	return start + "\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=" + branch + "\r\n" + rest
}

// response answers the request text with that status line; a tag makes a To tag.
func response(to, status, tag string) string {
	lines := []string{"SIP/2.0 " + status}
	for _, line := range strings.Split(to, "\r\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq":
			lines = append(lines, line)
		case "To":
			if tag != "" && !strings.Contains(line, "tag=") {
				line += ";tag=" + tag
			}
			lines = append(lines, line)
		}
	}
	return sip(lines[0], lines[1:]...)
}

// call begins a client transaction for the newest server transaction.
func (r *rig) call(text, branch string, f transport.Flow, giveUp time.Duration) (c *Client) {
	r.t.Helper()
	s := r.servers[len(r.servers)-1]
	with(s, func() {
		var err error
		if c, err = s.Client([]byte(text), []byte(branch), f, giveUp); err != nil {
			r.t.Fatal(err)
		}
	})
	r.clients = append(r.clients, c)
	return c
}

var errRefused = errors.New("refused")

// headerOf is the value of the first such header line, as the gateway writes names.
func headerOf(text, name string) string {
	for _, line := range strings.Split(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}
