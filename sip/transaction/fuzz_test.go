package transaction

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// counting is a transport that counts, and a User that does nothing.
type counting struct {
	sent  int
	bytes int
}

func (c *counting) Send(_ transport.Flow, b []byte) error {
	c.sent++
	c.bytes += len(b)
	return nil
}
func (c *counting) Flush()                                        {}
func (c *counting) Request(*Server)                               {}
func (c *counting) Ack(*Server, *message.Message, transport.Flow) {}
func (c *counting) Cancel(*Server, *message.Message)              {}
func (c *counting) Response(*Client, *message.Message)            {}
func (c *counting) Failed(*Client, Failure)                       {}
func (c *counting) Terminated(*Server)                            {}
func (c *counting) Malformed(transport.Flow, error)               {}
func (c *counting) Stray(transport.Flow)                          {}

// Whatever comes in: at most one message goes out for it, not much longer than it
// was, and none for a response or an ACK; by itself the layer adds one 100.
func FuzzReceive(f *testing.F) {
	invite := request("INVITE", "1", 1)
	for _, text := range []string{
		invite, request("ACK", "1", 1), request("CANCEL", "1", 1), request("BYE", "1", 2),
		response(invite, "200 OK", "b1"), strings.Replace(invite, "70", "many", 1), strings.Replace(invite, "2.0", "7.0", 1), "\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &counting{}
		now := time.Unix(0, 0)
		l := newLayer(Options{Now: func() time.Time { return now }}, c, c)
		l.Receive(b, alice)
		if c.sent > 1 || c.bytes > 2*len(b)+200 {
			t.Errorf("%d messages, %d bytes for %d", c.sent, c.bytes, len(b))
		}
		start := bytes.TrimLeft(b, "\r\n")
		if c.sent > 0 && (bytes.HasPrefix(start, []byte("SIP/")) || bytes.HasPrefix(start, []byte("ACK "))) {
			t.Error("answered what must not be answered")
		}
		before := c.sent
		now = now.Add(time.Minute)
		l.wheel.turn()
		if c.sent > before+1 {
			t.Errorf("%d messages by itself", c.sent-before)
		}
	})
}

// The whole layer with a relay on top takes any sequence of messages, and is empty
// when all timers have run out and every INVITE has been answered.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte{0, 8, 12, 9, 1, 10, 2, 11})
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		b := make([]byte, 25)
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		f.Add(b)
	}
	invite, bye := request("INVITE", "1", 1), request("BYE", "2", 2)
	out := func(text string, i string) string { return forwarded(text, "z9hG4bKrelay"+i) }
	steps := []func(l *Layer){
		func(l *Layer) { l.Receive([]byte(invite), alice) },
		func(l *Layer) { l.Receive([]byte(request("CANCEL", "1", 1)), alice) },
		func(l *Layer) { l.Receive([]byte(request("ACK", "1", 1)), alice) },
		func(l *Layer) { l.Receive([]byte(request("ACK", "3", 1)), alice) },
		func(l *Layer) { l.Receive([]byte(bye), alice) },
		func(l *Layer) { l.Receive([]byte(bye), over(alice, transport.TCP)) },
		func(l *Layer) { l.Receive([]byte(response(out(invite, "1"), "100 Trying", "")), bob) },
		func(l *Layer) { l.Receive([]byte(response(out(invite, "1"), "180 Ringing", "b1")), bob) },
		func(l *Layer) { l.Receive([]byte(response(out(invite, "1"), "200 OK", "b1")), bob) },
		func(l *Layer) { l.Receive([]byte(response(out(invite, "1"), "486 Busy", "b1")), bob) },
		func(l *Layer) { l.Receive([]byte(response(out(bye, "2"), "200 OK", "b1")), bob) },
		func(l *Layer) { l.SendFailed(bob, []byte(out(invite, "1")), errRefused) },
		func(l *Layer) {
			cancel := strings.Replace(strings.Replace(out(invite, "1"), "INVITE", "CANCEL", 1), "1 INVITE", "1 CANCEL", 1)
			l.Receive([]byte(response(cancel, "200 OK", "")), bob)
		},
	}
	waits := []time.Duration{0, 0, 0, 600 * time.Millisecond, 6 * time.Second, 33 * time.Second, 200 * time.Second}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := newVirtual()
		for _, c := range b[:min(len(b), 60)] {
			steps[int(c)%len(steps)](v.l)
			v.advance(waits[int(c)/len(steps)%len(waits)])
		}
		for range 12 { // timer C, then CANCEL, then its 64*T1, then H
			v.advance(40 * time.Second)
		}
		if st := v.l.Stats(); st.Servers != 0 || st.Clients != 0 || v.l.Pending() != 0 {
			t.Errorf("left over: %+v, %d pending", st, v.l.Pending())
		}
		if n := entries(&v.l.servers) + entries(&v.l.invites) + entries(&v.l.clients); n != 0 {
			t.Errorf("%d index entries left", n)
		}
	})
}
