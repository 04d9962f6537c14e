//go:build !race

package proxy

import (
	"testing"

	"clirgate/sip/message"
)

// TestRequestAllocatesNothing: from the received request to the finished bytes, decision,
// header table, token and leak guard included.
func TestRequestAllocatesNothing(t *testing.T) {
	r := newRig(t)
	flow := r.flow()
	for _, dialled := range []string{"0705550199", "*31*0705550199", "112"} {
		m := new(message.Message)
		text := r.a.invite(dialled, fromA, "Content-Type: application/sdp", "body:v=0\r\no=- 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")
		if err := m.Parse([]byte(crlf(text))); err != nil {
			t.Fatal(err)
		}
		run := func() {
			c := r.gw.proxy.newCall(nil, m, flow)
			w := takeWork()
			for _, step := range steps[:len(steps)-1] {
				if !step(c, w) {
					t.Fatalf("%s: refused", dialled)
				}
			}
			to, _ := c.nextTarget()
			if err := c.build(w, c.newBranch(to), false); err != nil || len(w.out) == 0 {
				t.Fatal(err)
			}
			w.giveBack()
			c.giveBack()
		}
		for range 10 {
			run()
		}
		if n := testing.AllocsPerRun(200, run); n > 0 {
			t.Errorf("%s: %v allocations", dialled, n)
		}
	}
}
