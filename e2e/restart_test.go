package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clirgate/cmd/clirgate/gateway"
)

// fixedPort gives the gateway an address that it has again after a restart.
var fixedPort = []string{"udp:198.51.100.1:0", "udp:198.51.100.1:5060"}

// dataDir is the data directory as the configuration names it.
func (r *running) dataDir() string { return filepath.Join(r.dir, "data") }

// Dialogs survive the gateway: what they need is in their own tokens and the key ring.
func TestDialogSurvivesRestart(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "", fixedPort...)
		first, second := r.established(t, vector, "1"), r.established(t, vector, "2")
		ringing := r.ringing(t, vector, "3")
		r.stop()
		r.running = startGateway(t, r.yaml, r.dir)
		first.byeFromCaller(first.a.hop())
		second.byeFromCallee(second.b.hop())
		if ringing.hidden {
			if rs := r.records(); len(rs) != 3 || rs[2].Calling != "+"+r.line("A").number {
				t.Errorf("records after the restart: %v", rs)
			}
		}
		r.established(t, vector, "4").byeFromCaller(r.gw)
	})
}

// Another gateway with the same key ring takes the dialogs over.
func TestDialogContinuesOnAnotherGateway(t *testing.T) {
	eachKind(t, func(t *testing.T, vector string) {
		r := newRig(t, "U1", "", fixedPort...)
		first, second := r.established(t, vector, "1"), r.established(t, vector, "2")
		other := r.twin(t, true)
		r.stop()
		first.byeFromCaller(other.gw)
		second.byeFromCallee(other.gw)
	})
}

// One with another key ring cannot read the tokens, and tells nobody anything.
func TestForeignGatewayRefusesDialogs(t *testing.T) {
	r := newRig(t, "U1", "", fixedPort...)
	c := r.withheld(t, "1")
	other := r.twin(t, false)
	c.b.target = strings.Replace(c.b.target, r.gw, other.gw, 1)
	c.u1.send(other.gw, c.b.request("BYE", "foreign"))
	if reply := c.u1.final(); reply.status() != 403 {
		t.Errorf("answered %q", reply.start)
	}
	for _, m := range c.ua.got() {
		if m.isRequest() {
			t.Errorf("reached the caller: %q", m.start)
		}
	}
}

// twin is a second gateway like r's own at another address, with or without its keys.
func (r *rig) twin(t *testing.T, keys bool) *running {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	if keys {
		ring, err := os.ReadFile(filepath.Join(r.dataDir(), gateway.KeysFile))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "data", gateway.KeysFile), ring, 0o600))
	}
	text := strings.Replace(r.yaml, r.local("198.51.100.1:5060"), r.local("198.51.100.2:5060"), 1)
	return startGateway(t, strings.Replace(text, r.dataDir(), filepath.Join(dir, "data"), 1), dir)
}
