package probe_test

import (
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/cmd/clirgate/probe"
)

// rig stands in for a gateway: it sends an INVITE on, as edit makes it, and its answer back.
type rig struct {
	conn   *net.UDPConn
	done   sync.WaitGroup
	mu     sync.Mutex
	caller netip.AddrPort
	psap   netip.AddrPort
	callee netip.AddrPort
	edit   func(emergency bool, head string) string // "": 503
	sent   int                                      // emergency calls
}

func newRig(t *testing.T) *rig {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{conn: conn}
	r.done.Go(func() {
		for b := make([]byte, 65536); ; {
			n, _, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			r.handle(string(b[:n]))
		}
	})
	t.Cleanup(func() { _ = conn.Close(); r.done.Wait() })
	return r
}

func (r *rig) addr() netip.AddrPort { return netip.MustParseAddrPort(r.conn.LocalAddr().String()) }

func (r *rig) handle(m string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.caller
	switch {
	case strings.HasPrefix(m, "SIP/2.0 "): // its top Via is ours
		i := strings.Index(m, "Via:")
		m = m[:i] + m[i+strings.Index(m[i:], "\r\n")+2:]
	case strings.HasPrefix(m, "INVITE "):
		emergency := strings.HasPrefix(m, "INVITE sip:*31*112@")
		if to = r.callee; emergency {
			to = r.psap
			r.sent++
		}
		line, rest, _ := strings.Cut(m, "\r\n")
		edited := r.edit(emergency, rest)
		if edited == "" {
			busy := "SIP/2.0 503 Service Unavailable\r\nRetry-After: 1\r\n"
			for h := range strings.SplitSeq(rest, "\r\n") {
				if name, _, _ := strings.Cut(h, ":"); name == "Via" || name == "From" || name == "Call-ID" || name == "CSeq" {
					busy += h + "\r\n"
				} else if name == "To" {
					busy += h + ";tag=x\r\n"
				}
			}
			m, to = busy+"Content-Length: 0\r\n\r\n", r.caller
			break
		}
		uri := "sip:" + probe.Nobody + "@127.0.0.1"
		if emergency {
			uri = "sip:112@127.0.0.1"
		}
		m = strings.Replace(line, strings.Fields(line)[1], uri, 1) + "\r\nVia: SIP/2.0/UDP " + r.addr().String() + ";branch=z9hG4bKr" + hex.EncodeToString([]byte(time.Now().String())) + "\r\n" + edited
	default:
		return
	}
	_, _ = r.conn.WriteToUDPAddrPort([]byte(m), to)
}

// replaced is a header with its first field of that name replaced, or without it.
func replaced(head, name, value string) string {
	i := strings.Index(head, name+": ")
	end := i + strings.Index(head[i:], "\r\n") + 2
	if value != "" {
		value = name + ": " + value + "\r\n"
	}
	return head[:i] + value + head[end:]
}

// good does what a gateway has to.
func good(emergency bool, head string) string {
	if !emergency {
		return head
	}
	head = replaced(replaced(head, "Privacy", ""), "From", "<sip:"+number+"@127.0.0.1>;tag=x")
	return "P-Asserted-Identity: <sip:" + number + "@127.0.0.1>\r\n" + head
}

// Every fault of a gateway is found, and named without a number.
func TestFaults(t *testing.T) {
	const notMade = "it was not made, for the other call did not come back to the gateway"
	only := func(which bool, change func(string) string) func(bool, string) string {
		return func(emergency bool, head string) string {
			head = good(emergency, head)
			if emergency == which {
				head = change(head)
			}
			return head
		}
	}
	with := func(field string) func(string) string {
		return func(head string) string { return field + "\r\n" + head }
	}
	for name, c := range map[string]struct {
		edit                func(bool, string) string
		emergency, withheld string
		calls               int
	}{
		"good":               {good, "", "", 1},
		"no PAI":             {only(true, func(h string) string { return replaced(h, "P-Asserted-Identity", "") }), "P-Asserted-Identity does not show the caller's number", "", 1},
		"another PAI":        {only(true, func(h string) string { return replaced(h, "P-Asserted-Identity", "<sip:+31201111111@x>") }), "P-Asserted-Identity does not show the caller's number", "", 1},
		"anonymous From":     {only(true, func(h string) string { return replaced(h, "From", "<sip:anonymous@anonymous.invalid>;tag=x") }), "From does not show the caller's number", "", 1},
		"Privacy to 112":     {only(true, with("Privacy: id")), "it asks for privacy", "", 1},
		"number in a header": {only(false, with("X-A: +31 (0)20-555 9999")), "", "the withheld number was shown", 1},
		"number in From":     {only(false, func(h string) string { return replaced(h, "From", "<sip:"+number+"@127.0.0.1>;tag=x") }), "", "the withheld number was shown", 1},
		"From of somebody":   {only(false, func(h string) string { return replaced(h, "From", "<sip:jan@127.0.0.1>;tag=x") }), "", "From is not anonymous", 1},
		"PAI, withheld":      {only(false, with("P-Asserted-Identity: <sip:jan@x>")), "", "it has P-Asserted-Identity", 1},
		"lost":               {only(false, func(h string) string { return replaced(h, "Via", "SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKq") }), notMade, "it was not answered in time", 0},
		"busy":               {only(false, func(string) string { return "" }), "waiting", "waiting", 0},
		"112 refused":        {only(true, func(string) string { return "" }), "it was refused, as if there were too many calls", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			log := new(buffer)
			patience := time.Duration(0) // the default
			if name == "lost" {
				patience = 100 * time.Millisecond
			}
			p, err := probe.New(probe.Options{
				Gateway: r.addr(), Number: number, Emergency: "112", Every: time.Hour, Log: slog.New(slog.NewTextHandler(log, nil)), Patience: patience,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}()
			r.mu.Lock()
			r.caller, r.psap, r.callee, r.edit = p.Caller(), p.PSAP(), p.Callee(), c.edit
			r.mu.Unlock()
			p.Round()
			for k, want := range map[probe.Kind]string{probe.Emergency: c.emergency, probe.Withheld: c.withheld} {
				got := p.Result(k)
				if want == "waiting" && !got.Ran {
					continue
				}
				if !got.Ran || got.OK != (want == "") || got.Reason != want || got.OK != (got.Failures == 0) {
					t.Errorf("%v: %+v, want %q", k, got, want)
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.sent != c.calls {
				t.Errorf("%d emergency calls, want %d", r.sent, c.calls)
			}
			if strings.Contains(log.String(), "205559999") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestShown(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"From: <sip:+31205559999@x>", true},
		{"X: 0205559999", true},
		{"X: 020-555 99 99", true},
		{"X: +31(20)555.9999", true},
		{"X: %2B%33%31%32%30%35%35%35%39%39%39%39", true},
		{"X: %252B312055%2535%39999", true},
		{"X: " + base64.StdEncoding.EncodeToString([]byte("sip:+31205559999@x")), true},
		{"X: " + base64.RawURLEncoding.EncodeToString([]byte("a+31205559999")), true},
		{"X: " + strings.ToUpper(hex.EncodeToString([]byte("+31205559999"))), true},
		{"X: +31205559998", false},
		{"To: <sip:+999000000000@127.0.0.1:5060>;tag=abcdefgh\r\nCSeq: 1 INVITE", false},
		{"", false},
	} {
		if got := probe.Shown([]byte(c.text), number); got != c.want {
			t.Errorf("%q: %v", c.text, got)
		}
	}
}
