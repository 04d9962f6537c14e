package proxy

import (
	"bytes"
	"strconv"
	"testing"
	"time"
)

// BenchmarkInvite is what an INVITE costs until it has left, or its refusal has, without
// record. Nobody answers it.
func BenchmarkInvite(b *testing.B) {
	for name, wait := range map[string]time.Duration{"served": 0, "refused": time.Second} {
		b.Run(name, func(b *testing.B) {
			done := make(chan struct{})
			b.Cleanup(func() { close(done) }) // after the agents are gone
			r := newLoadedRig(b, func(s *settings) { s.options.T1 = time.Hour })
			for _, a := range []*agent{r.a, r.b} {
				go func() {
					for {
						select {
						case <-a.in:
						case <-done:
							return
						}
					}
				}()
			}
			r.wait(wait)
			t := newBenchCall(b, r.rig, "0705550199")
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				id := []byte("z9hG4bK" + strconv.Itoa(n) + "x")
				r.gw.txl.Receive(bytes.Replace(t.invite, []byte("z9hG4bKout"), id, 1), t.caller)
				if n%32 == 31 {
					r.gw.tl.Flush()
				}
			}
		})
	}
}
