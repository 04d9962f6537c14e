package e2e

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a message that must come is waited for; quiet how long one that
// must not come is. Nothing is measured by them.
const (
	patience = 30 * time.Second
	quiet    = 300 * time.Millisecond
)

// ua is a raw UDP user agent: it sends the bytes it is told and keeps what it gets.
type ua struct {
	t    *testing.T
	name string
	conn *net.UDPConn
	in   chan sipMsg

	close func()

	mu  sync.Mutex
	all []sipMsg
}

func newUA(t *testing.T, name, addr string) *ua {
	t.Helper()
	u, err := openUA(t, name, addr)
	if err != nil {
		t.Fatalf("user agent %s: %v", name, err)
	}
	return u
}

func openUA(t *testing.T, name, addr string) (*ua, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
	if err != nil {
		return nil, err
	}
	u := &ua{t: t, name: name, conn: conn, in: make(chan sipMsg, 256)}
	done := make(chan struct{})
	go u.read(done)
	u.close = func() { conn.Close(); <-done }
	t.Cleanup(u.close)
	return u, nil
}

func (u *ua) read(done chan struct{}) {
	defer close(done)
	defer close(u.in)
	b := make([]byte, 65536)
	for {
		n, _, err := u.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m, err := parseSIP(string(b[:n]))
		if err != nil {
			u.t.Errorf("%s got something that is no SIP: %v", u.name, err)
			continue
		}
		u.mu.Lock()
		u.all = append(u.all, m)
		u.mu.Unlock()
		u.in <- m
	}
}

// got is everything that ever came.
func (u *ua) got() []sipMsg {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.all)
}

func (u *ua) addr() string { return u.conn.LocalAddr().String() }

func (u *ua) host() string {
	h, _, _ := net.SplitHostPort(u.addr())
	return h
}

func (u *ua) send(to, msg string) {
	u.t.Helper()
	_, err := u.conn.WriteToUDPAddrPort([]byte(msg), netip.MustParseAddrPort(to))
	if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
		u.t.Fatalf("%s: send: %v", u.name, err)
	}
}

// next waits for the next message that ok accepts; others (100, retransmissions) are
// passed over.
func (u *ua) next(what string, ok func(sipMsg) bool) sipMsg {
	u.t.Helper()
	limit := time.After(patience)
	var others []string
	for {
		select {
		case m := <-u.in:
			if ok(m) {
				return m
			}
			others = append(others, m.start)
		case <-limit:
			u.t.Fatalf("%s: no %s came, only %q", u.name, what, others)
		}
	}
}

func (u *ua) request(method string) sipMsg {
	u.t.Helper()
	return u.next(method, func(m sipMsg) bool { return m.isRequest() && m.method() == method })
}

func (u *ua) response(status int) sipMsg {
	u.t.Helper()
	return u.next("response", func(m sipMsg) bool { return m.status() == status })
}

// final waits for a final response, whatever it is.
func (u *ua) final() sipMsg {
	u.t.Helper()
	return u.next("final response", func(m sipMsg) bool { return m.status() >= 200 })
}

// hears tells whether something with that in its start line comes within a time.
func (u *ua) hears(what string, within time.Duration) bool {
	limit := time.After(within)
	for {
		select {
		case m := <-u.in:
			if strings.Contains(m.start, what) {
				return true
			}
		case <-limit:
			return false
		}
	}
}

// drain forgets what has come so far.
func (u *ua) drain() {
	for {
		select {
		case <-u.in:
		default:
			return
		}
	}
}

// silent fails when anything comes.
func (u *ua) silent() {
	u.t.Helper()
	select {
	case m := <-u.in:
		u.t.Errorf("%s: nothing was to come, but %q did", u.name, m.start)
	case <-time.After(quiet):
	}
}

// answer builds a response to a request as a user agent server does (RFC 3261 8.2.6).
func answer(req sipMsg, status, toTag string, extra ...string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, n := range []string{"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range req.all(n) {
			if n == "To" && tag(v) == "" && toTag != "" {
				v += ";tag=" + toTag
			}
			b.WriteString(n + ": " + v + "\r\n")
		}
	}
	body := ""
	for _, e := range extra {
		if rest, ok := strings.CutPrefix(e, "body:"); ok {
			body = rest
			continue
		}
		b.WriteString(e + "\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return b.String()
}

// dialog is what a user agent keeps of a dialog (RFC 3261 12).
type dialog struct {
	local, remote string // From and To values to send, tags included
	callID        string
	target        string
	routes        []string
	via           string
	cseq          int
}

// asCallee is the dialog a user agent server has after answering an INVITE.
func asCallee(inv sipMsg, toTag, via string) *dialog {
	return &dialog{
		local: inv.get("To") + ";tag=" + toTag, remote: inv.get("From"), callID: inv.get("Call-ID"),
		target: target(inv.get("Contact")), routes: inv.values("Record-Route"), via: via, cseq: 30,
	}
}

// asCaller is the dialog a user agent client has after a 2xx.
func asCaller(ok sipMsg, via string) *dialog {
	rr := ok.values("Record-Route")
	for i, j := 0, len(rr)-1; i < j; i, j = i+1, j-1 {
		rr[i], rr[j] = rr[j], rr[i]
	}
	return &dialog{
		local: ok.get("From"), remote: ok.get("To"), callID: ok.get("Call-ID"),
		target: target(ok.get("Contact")), routes: rr, via: via, cseq: 1,
	}
}

// request builds a request inside the dialog; extra header lines and "body:" as in answer.
func (d *dialog) request(method, branch string, extra ...string) string {
	if method != "ACK" {
		d.cseq++
	}
	var b strings.Builder
	b.WriteString(method + " " + d.target + " SIP/2.0\r\n")
	b.WriteString("Via: SIP/2.0/UDP " + d.via + ";branch=z9hG4bK" + branch + ";rport\r\n")
	for _, r := range d.routes {
		b.WriteString("Route: " + r + "\r\n")
	}
	b.WriteString("Max-Forwards: 70\r\nFrom: " + d.local + "\r\nTo: " + d.remote + "\r\n")
	b.WriteString("Call-ID: " + d.callID + "\r\nCSeq: " + strconv.Itoa(d.cseq) + " " + method + "\r\n")
	body := ""
	for _, e := range extra {
		if rest, ok := strings.CutPrefix(e, "body:"); ok {
			body = rest
			continue
		}
		b.WriteString(e + "\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return b.String()
}

// hop is where a request of the dialog is to be sent: the first route, else the target.
func (d *dialog) hop() string {
	uri := d.target
	if len(d.routes) > 0 {
		uri = target(d.routes[0])
	}
	hp := strings.TrimPrefix(uri, "sip:")
	if _, rest, ok := strings.Cut(uri, "@"); ok {
		hp = rest
	}
	hp, _, _ = strings.Cut(hp, ";")
	if !strings.Contains(hp, ":") {
		hp += ":5060"
	}
	return hp
}
