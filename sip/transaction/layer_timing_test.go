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

// virtual is a layer on a clock that is driven by hand, and the relay on it.
type virtual struct {
	relay
	now time.Time
}

func newVirtual() *virtual {
	v := &virtual{now: time.Unix(0, 0)}
	v.next = bob
	v.l = newLayer(Options{Now: func() time.Time { return v.now }}, nowhere{}, v)
	return v
}

func (v *virtual) advance(d time.Duration) {
	v.now = v.now.Add(d)
	v.l.wheel.turn()
}

// BenchmarkCall is one whole INVITE and BYE call through the layer with a relay on
// top, 7 messages in and 9 out with parsing and all timers, at a simulated 500
// calls/s: some 16,000 calls linger all the time. The first 32 simulated seconds are
// not measured, since memory for so many is allocated then.
func BenchmarkCall(b *testing.B) {
	const rate, warm, batch = 500, 33 * 500, 1024
	v := newVirtual()
	i := 0
	var calls [batch]traffic
	one := func() {
		v.advance(time.Second / rate)
		calls[i%batch].run(v.l)
		i++
	}
	write := func() {
		for k := range calls {
			calls[k] = newTraffic(i + k)
		}
	}
	for i < warm {
		if i%batch == 0 {
			write()
		}
		one()
	}
	b.ReportAllocs()
	for b.Loop() {
		if i%batch == 0 {
			b.StopTimer()
			write()
			b.StartTimer()
		}
		one()
	}
}

// A call takes no memory that is not used again, but for what message.AppendResponse
// may take for its Via.
func TestCallAllocatesNothing(t *testing.T) {
	v := newVirtual()
	call := newTraffic(0)
	run := func() {
		v.n.Store(0)
		call.run(v.l)
		v.advance(40 * time.Second)
	}
	run()
	if st := v.l.Stats(); st.Servers != 0 || st.Clients != 0 || v.terminated.Load() != 2 {
		t.Fatalf("left over: %+v, %d terminated", st, v.terminated.Load())
	}
	if raceEnabled {
		return // sync.Pool drops things at random then
	}
	if n := testing.AllocsPerRun(200, run); n > 1 {
		t.Errorf("%v allocations a call", n)
	}
}
