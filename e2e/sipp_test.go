package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"clirgate/sip/transport"
)

const (
	sippCaller = "127.0.4.1"
	sippCallee = "127.0.4.2"
	sippCalls  = 20
)

const sippConfig = `
node: gw1
home: {country: NL, domain: gw.example.net}
sip:
  listen: ["udp:127.0.4.3:0", "tcp:127.0.4.3:0"]
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.4.1"], to: ["sip:127.0.4.1"], numbers: ["+31205550101"], default: "+31205550101"}
  - {name: callees, boundary: interconnect, from: ["127.0.4.2"], to: ["sip:127.0.4.2:PORT;transport=NETWORK"], send_pai: true}
routes:
  - {emergency: true, to: callees}
  - {prefix: "", to: callees}
data: data
admin: {listen: "127.0.0.1:0"}
`

// SIPp on both ends: another implementation again, several calls at once, its own checks of
// what the callee sees, and the oracle over everything it got.
func TestSIPp(t *testing.T) {
	sipp, err := exec.LookPath("sipp")
	if err != nil {
		t.Fatal("sipp is not installed: make deps")
	}
	for _, c := range []struct{ name, dialled, callee string }{
		{"basic", "0705550199", "uas_shown.xml"},
		{"withheld", "*31*0705550199", "uas_withheld.xml"},
		{"withheld by 131", "1310705550199", "uas_withheld.xml"},
	} {
		for network, mode := range map[transport.Network]string{transport.UDP: "u1", transport.TCP: "t1"} {
			t.Run(network.String()+" "+c.name, func(t *testing.T) {
				port := freePort(t, sippCallee)
				dir := t.TempDir()
				g := startGateway(t, strings.NewReplacer("PORT", port, "NETWORK", strings.ToLower(network.String())).Replace(sippConfig), dir)
				callee := runSIPp(t, sipp, dir, c.callee, "-i", sippCallee, "-p", port, "-t", mode, "-m", strconv.Itoa(sippCalls), "-trace_msg")
				waitListening(t, network, net.JoinHostPort(sippCallee, port))
				caller := runSIPp(t, sipp, dir, "uac.xml", "-i", sippCaller, "-p", freePort(t, sippCaller), "-t", mode, "-m", strconv.Itoa(sippCalls),
					"-r", "50", "-s", c.dialled, g.addr(network))
				caller.wait(t)
				callee.wait(t)
				heard := callee.heard(t)
				l := line{"31205550101", []string{"jansen", sippCaller}}
				if w := l.leak(heard); c.callee == "uas_withheld.xml" && w != "" {
					t.Errorf("leak (%s) in\n%s", w, heard)
				}
				if n := len(g.records()); n != sippCalls {
					t.Errorf("%d records of %d calls", n, sippCalls)
				}
			})
		}
	}
}

// waitListening waits until somebody listens for streams at an address: a call that dials
// before is refused, and SIPp counts it as failed. Datagrams are sent again anyway.
func waitListening(t *testing.T, network transport.Network, addr string) {
	t.Helper()
	if network == transport.UDP {
		return
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			must(t, c.Close())
			return
		}
	}
	t.Fatalf("nobody listens at %s", addr)
}

// sippRun is a SIPp process.
type sippRun struct {
	cmd *exec.Cmd
	out *bytes.Buffer
	dir string
}

func runSIPp(t *testing.T, sipp, dir, scenario string, args ...string) *sippRun {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata/sipp", scenario))
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	r := &sippRun{out: new(bytes.Buffer), dir: dir}
	r.cmd = exec.CommandContext(ctx, sipp, append([]string{"-sf", file, "-nostdin", "-timeout", "60", "-timeout_error"}, args...)...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = dir, r.out, r.out
	r.cmd.Env = append(os.Environ(), "TERM=dumb")
	must(t, r.cmd.Start())
	return r
}

func (r *sippRun) wait(t *testing.T) {
	t.Helper()
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("sipp %v: %v\n%s", r.cmd.Args[1:3], err, tail(r.out.String(), 3000))
	}
}

// heard is SIPp's log of every message it got or sent.
func (r *sippRun) heard(t *testing.T) string {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join("testdata/sipp", "*_messages.log"))
	must(t, err)
	more, err := filepath.Glob(filepath.Join(r.dir, "*_messages.log"))
	must(t, err)
	if logs = append(logs, more...); len(logs) != 1 {
		t.Fatalf("message logs: %q", logs)
	}
	b, err := os.ReadFile(logs[0])
	must(t, err)
	return string(b)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// freePort is a port of host that is free on UDP and TCP.
func freePort(t *testing.T, host string) string {
	t.Helper()
	for range 50 {
		c, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		must(t, err)
		_, port, err := net.SplitHostPort(c.LocalAddr().String())
		must(t, err)
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		must(t, c.Close())
		if err == nil {
			must(t, l.Close())
			return port
		}
	}
	t.Fatal(fmt.Errorf("no port of %s is free", host))
	return ""
}
