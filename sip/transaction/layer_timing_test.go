package transaction

import (
	"fmt"
	"testing"
	"time"
)

// traffic is the messages of one call as they reach the gateway: INVITE, 100, 180,
// 200, ACK, BYE, 200.
type traffic struct {
	invite, trying, ringing, ok, ack, bye, byeOK []byte
}

// newTraffic writes call i. The relay's branches are counted: INVITE, ACK and BYE
// take three.
func newTraffic(i int) traffic {
	invite := typical("INVITE", 2*i)
	bye := typical("BYE", 2*i+1)
	ack := request("ACK", fmt.Sprint("ack", i), 2*i+1)
	out := forwarded(invite, fmt.Sprint("z9hG4bKrelay", 3*i+1))
	outBye := forwarded(bye, fmt.Sprint("z9hG4bKrelay", 3*i+3))
	return traffic{
		[]byte(invite), []byte(response(out, "100 Trying", "")), []byte(response(out, "180 Ringing", "b1")),
		[]byte(response(out, "200 OK", "b1")), []byte(ack), []byte(bye), []byte(response(outBye, "200 OK", "b1")),
	}
}

func (c *traffic) run(l *Layer) {
	l.Receive(c.invite, alice)
	l.Receive(c.trying, bob)
	l.Receive(c.ringing, bob)
	l.Receive(c.ok, bob)
	l.Receive(c.ack, alice)
	l.Receive(c.bye, alice)
	l.Receive(c.byeOK, bob)
}

// BenchmarkCall is one whole INVITE and BYE call through the layer with a relay on
// top: 7 messages in, 8 out. Timers are short, so that transactions end and memory
// is used again as it is in steady operation.
func BenchmarkCall(b *testing.B) {
	r := &relay{next: bob}
	l := New(Options{T1: time.Millisecond / 2, T2: 4 * time.Millisecond, T4: 5 * time.Millisecond, C: time.Minute}, nowhere{}, r)
	defer l.Close()
	r.l = l
	const batch = 4096
	calls := make([]traffic, 0, batch)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%batch == 0 {
			b.StopTimer()
			calls = calls[:0]
			for k := range batch {
				calls = append(calls, newTraffic(i+k))
			}
			b.StartTimer()
		}
		calls[i%batch].run(l)
	}
	if r.terminated.Load() == 0 && b.N > 1_000_000 {
		b.Error("no transaction ended")
	}
}
