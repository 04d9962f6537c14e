package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kamailio is the hop before the gateway and the hop behind it:
//
//	A - Kamailio - gateway - Kamailio - B
func TestThroughKamailio(t *testing.T) {
	const before, behind = "192.0.2.40:5060", "203.0.113.50:5060"
	r := newRig(t, "U1", "", `from: ["192.0.2.11"], to: ["sip:192.0.2.11"]`, `from: ["192.0.2.40"], to: ["sip:192.0.2.40"]`,
		`from: ["198.51.100.112"], to: ["sip:198.51.100.112"]`, `from: ["203.0.113.60"], to: ["sip:203.0.113.50"]`)
	a, b := r.ua("A"), r.ua("B")
	startKamailio(t, a, r.local(before), r.gw)
	startKamailio(t, a, r.local(behind), b.addr())
	hidden := r.line("A")
	hidden.words = append(hidden.words, r.local("192.0.2.40"))
	for _, c := range []struct{ name, vector string }{{"shown", "TV01"}, {"withheld", "TV02"}, {"emergency", "TV10"}} {
		for _, hangsUp := range []string{"caller", "callee"} {
			t.Run(c.name+", "+hangsUp+" hangs up", func(t *testing.T) {
				k := &kamailioCall{t: t, r: r, a: a, b: b, entry: r.local(before), exit: r.local(behind)}
				k.establish(c.vector, c.name+hangsUp)
				k.judge(c.name, hidden)
				k.reinvite()
				if hangsUp == "caller" {
					k.fromCaller("BYE")
				} else {
					k.fromCallee("BYE")
				}
				if c.name == "withheld" {
					for _, m := range b.got() {
						if m.get("Call-ID") == k.got.get("Call-ID") && hidden.leak(m.raw) != "" {
							t.Errorf("leak (%s) in\n%s", hidden.leak(m.raw), m.raw)
						}
					}
				}
			})
		}
	}
}

// kamailioCall is a call over all hops.
type kamailioCall struct {
	t           *testing.T
	r           *rig
	a, b        *ua
	id          string
	entry, exit string // where A sends, and B
	sent, got   sipMsg
	caller      *dialog
	callee      *dialog
}

func (k *kamailioCall) establish(vector, id string) {
	k.t.Helper()
	k.id = id
	k.sent = mustParse(k.t, strings.NewReplacer("z9hG4bKa1", "z9hG4bK"+id, "c1@", id+"@").Replace(k.r.local(vectorNamed(k.t, vector).msg)))
	k.a.send(k.entry, k.sent.raw)
	k.got = k.b.request("INVITE")
	contact := "Contact: <sip:b@" + k.b.host() + ">"
	k.b.send(k.exit, answer(k.got, "180 Ringing", "b9", contact))
	restored(k.t, k.sent, k.a.response(180))
	k.b.send(k.exit, answer(k.got, "200 OK", "b9", contact))
	ok := k.a.response(200)
	restored(k.t, k.sent, ok)
	k.caller, k.callee = asCaller(ok, k.a.addr()), asCallee(k.got, "b9", k.b.addr())
	k.a.send(k.caller.hop(), k.caller.request("ACK", "ack"+id))
	k.b.request("ACK")
}

// judge: what the callee saw of the caller is what the class of the call says.
func (k *kamailioCall) judge(class string, hidden line) {
	k.t.Helper()
	from, asserted := k.got.get("From"), k.got.get("P-Asserted-Identity")
	switch class {
	case "withheld":
		if !anonymous(from) || asserted != "" || hidden.leak(k.got.raw) != "" {
			k.t.Errorf("the caller shows (%s):\n%s", hidden.leak(k.got.raw), k.got.raw)
		}
	default:
		if !strings.Contains(from, hidden.number) || !strings.Contains(asserted, hidden.number) {
			k.t.Errorf("From %q, P-Asserted-Identity %q", from, asserted)
		}
		absent(k.t, k.got, "Privacy")
	}
}

// reinvite of either side keeps the dialog.
func (k *kamailioCall) reinvite() {
	k.t.Helper()
	k.a.send(k.caller.hop(), k.caller.request("INVITE", "rea"+k.id, "Contact: "+k.sent.get("Contact")))
	k.b.send(k.exit, answer(k.b.request("INVITE"), "200 OK", "", "Contact: <sip:b@"+k.b.host()+">"))
	k.a.response(200)
	k.a.send(k.caller.hop(), k.caller.request("ACK", "acka"+k.id))
	k.b.request("ACK")

	k.b.send(k.callee.hop(), k.callee.request("INVITE", "reb"+k.id, "Contact: <sip:b@"+k.b.host()+">"))
	inv := k.a.request("INVITE")
	if tag(inv.get("To")) != "a1" || tag(inv.get("From")) != "b9" || inv.get("Call-ID") != k.caller.callID {
		k.t.Errorf("re-INVITE at the caller:\n%s", inv.raw)
	}
	k.a.send(k.entry, answer(inv, "200 OK", "", "Contact: "+k.sent.get("Contact")))
	k.b.response(200)
	k.b.send(k.callee.hop(), k.callee.request("ACK", "ackb"+k.id))
	k.a.request("ACK")
}

func (k *kamailioCall) fromCaller(method string) {
	k.t.Helper()
	k.a.send(k.caller.hop(), k.caller.request(method, "a"+method+k.id))
	k.b.send(k.exit, answer(k.b.request(method), "200 OK", ""))
	k.a.response(200)
}

func (k *kamailioCall) fromCallee(method string) {
	k.t.Helper()
	k.b.send(k.callee.hop(), k.callee.request(method, "b"+method+k.id))
	k.a.send(k.entry, answer(k.a.request(method), "200 OK", ""))
	k.b.response(200)
}

// startKamailio starts Kamailio on an address, with everything new going to next, and waits
// until it answers.
func startKamailio(t *testing.T, asker *ua, listen, next string) {
	t.Helper()
	binary, err := exec.LookPath("kamailio")
	if err != nil {
		if binary = "/usr/sbin/kamailio"; !isFile(binary) {
			t.Fatal("kamailio is not installed: make deps")
		}
	}
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/kamailio/relay.cfg")
	must(t, err)
	file := filepath.Join(dir, "kamailio.cfg")
	must(t, os.WriteFile(file, []byte(strings.NewReplacer("LISTEN", listen, "NEXT", next, "MODULES", kamailioModules(t)).Replace(string(text))), 0o600))
	cmd := exec.Command(binary, "-f", file, "-DD", "-E", "-w", dir, "-Y", dir, "-m", "32", "-M", "4")
	out, err := os.Create(filepath.Join(dir, "log"))
	must(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil && t.Failed() {
			said, _ := os.ReadFile(out.Name())
			t.Logf("kamailio: %v\n%s", err, tail(string(said), 2000))
		}
		out.Close()
	})
	host, _, err := net.SplitHostPort(asker.addr())
	must(t, err)
	ping := crlf("OPTIONS sip:" + listen + " SIP/2.0\nVia: SIP/2.0/UDP " + host + ";branch=z9hG4bKping" + itoa(cmd.Process.Pid) + ";rport\nMax-Forwards: 0\n" +
		"From: <sip:x@x>;tag=1\nTo: <sip:x@x>\nCall-ID: ping\nCSeq: 1 OPTIONS\nContent-Length: 0\n")
	for end := time.Now().Add(6 * patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		asker.send(listen, ping)
		if asker.hears("483", 200*time.Millisecond) {
			asker.drain()
			return
		}
	}
	t.Fatal("kamailio does not answer")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// kamailioModules is the directory of its modules, which depends on the architecture.
func kamailioModules(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/*/kamailio/modules", "/usr/lib*/kamailio/modules"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0] + "/"
		}
	}
	t.Fatal("the modules of kamailio are not there")
	return ""
}
