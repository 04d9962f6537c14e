package loadtest

import (
	"context"
	"testing"
	"time"
)

// direct runs calls without an element in between: the caller's target is the callee.
func direct(t *testing.T, network, mix string, change func(*Config)) Result {
	t.Helper()
	m, err := ParseMix(mix)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Mix: m, Profile: Profile{{400, 400, time.Second}}, Ring: 20 * time.Millisecond, Hold: 20 * time.Millisecond,
		Linger: 200 * time.Millisecond, Seed: 1, MaxInFlight: 5000}
	if change != nil {
		change(&c)
	}
	// The callee opens first, on a port of its own, so that the callers can aim at it.
	there, err := New(Config{CalleeListen: []string{network + ":127.0.0.1:0"}, ElsewhereCallers: true, Ring: c.Ring, Hold: c.Hold, T1: c.T1, T2: c.T2, Linger: c.Linger, MaxInFlight: 5000})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	c.Target = network + ":" + there.Addresses(false)[0]
	here, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- there.Do(ctx, nil) }()
	if err := here.Do(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
	return here.Result()
}

// everyFlow has all flows that need no rules and no element.
const everyFlow = "ordinary=1,answer=4,callee-bye=2,early-bye=2,cancel-early=2,cancel-ringing=2,busy=2,no-answer=2,redirect=2," +
	"reinvite-caller=2,reinvite-callee=2,update-caller=2,update-callee=2,prack=2,refer=2,message=2,failover=1"

func TestEveryFlowIsCarried(t *testing.T) {
	for _, network := range []string{"udp", "tcp", "tls"} {
		r := direct(t, network, everyFlow, nil)
		if r.Totals.Failed > 0 || r.Totals.Carried < 300 || r.Totals.Strays > 0 {
			t.Errorf("%s: %+v\n%v", network, r.Totals, r.Outcomes)
		}
		if len(r.Findings) > 0 {
			t.Errorf("%s: findings without an element in between: %v", network, r.Findings)
		}
	}
}

// TestLossIsSurvived loses and reorders a fifth of everything. A transaction in a few
// thousand loses every one of its retransmissions, which nothing can carry.
func TestLossIsSurvived(t *testing.T) {
	r := direct(t, "udp", everyFlow, func(c *Config) {
		c.Lose, c.Reorder = 0.2, 0.2
		c.T1, c.T2, c.Linger = 30*time.Millisecond, 240*time.Millisecond, 2*time.Second
		c.Profile = Profile{{200, 200, time.Second}}
	})
	if r.Totals.Carried < 150 || r.Totals.Failed > r.Totals.Offered/20 || r.Totals.Retransmissions == 0 {
		t.Errorf("%+v\n%v", r.Totals, r.Outcomes)
	}
}
