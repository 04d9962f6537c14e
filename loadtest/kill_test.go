package loadtest

import (
	"context"
	"testing"
	"time"
)

// TestKilledGatewayKeepsEveryRecord kills the gateway with -9 under load, twice. Calls
// under way are lost with it; but every call that the callee saw has its record, sealed,
// with the true caller.
func TestKilledGatewayKeepsEveryRecord(t *testing.T) {
	g := serve(t, built(t), "udp")
	m, err := ParseMix("full")
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Target: "udp:" + g.sip, CallerListen: []string{"udp:" + g.caller}, CalleeListen: []string{"udp:" + g.callee, "udp:" + g.psap},
		DyingListen: []string{"udp:" + g.dying}, Mix: m, Profile: Profile{{400, 400, 6 * time.Second}}, Callers: 10, WantPAI: true,
		API: g.api, Token: g.token, Ledger: true, MaxInFlight: 20_000, Linger: 2 * time.Second, T1: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for range 2 {
			time.Sleep(2 * time.Second)
			if err := g.cmd.Process.Kill(); err != nil {
				t.Error(err)
				return
			}
			_ = g.cmd.Wait() // killed
			if !g.begin(t) {
				return
			}
		}
	}()
	if err := r.Do(context.Background(), nil); err != nil {
		t.Error(err)
	}
	<-killed
	g.records(t, r)
}
