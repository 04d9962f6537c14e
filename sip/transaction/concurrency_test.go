package transaction

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/sip/transport"
)

// loop is a transport that answers what goes to bob at once, on other goroutines, as
// several reading goroutines would.
type loop struct {
	l    *Layer
	work chan string
}

func (p *loop) Flush() {}

func (p *loop) Send(f transport.Flow, b []byte) error {
	if f == bob {
		p.work <- string(b)
	}
	return nil
}

func (p *loop) answer(text string) {
	say := func(status string) { p.l.Receive([]byte(response(text, status, "b1")), bob) }
	switch headline(text) {
	case "INVITE":
		say("180 Ringing")
		status := "200 OK"
		if strings.Contains(text, "Call-ID: odd") {
			status = "486 Busy"
		}
		say(status)
		say(status) // and once more
	case "BYE":
		say("200 OK")
	case "CANCEL":
		say("200 OK")
		p.l.Receive([]byte(response(strings.Replace(text, " CANCEL\r\n", " INVITE\r\n", 1), "487 Gone", "b1")), bob)
	}
}

// Many calls at once, every message also repeated from another goroutine, with
// timers so short that they fire in between. Run it with -race.
func TestManyGoroutines(t *testing.T) {
	const callers, calls, bobs = 8, 60, 4
	r := &relay{next: bob}
	p := &loop{work: make(chan string, 100_000)}
	l := New(Options{T1: 4 * time.Millisecond, T2: 16 * time.Millisecond, T4: 20 * time.Millisecond, C: 50 * time.Millisecond}, p, r)
	r.l, p.l = l, l

	var answering, calling sync.WaitGroup
	for range bobs {
		answering.Go(func() {
			for text := range p.work {
				p.answer(text)
			}
		})
	}
	for caller := range callers {
		for copies := range 2 {
			calling.Go(func() {
				for i := range calls {
					id := fmt.Sprintf("%s-%d-%d", []string{"even", "odd"}[i%2], caller, i)
					send := func(method, branch string, cseq int) {
						l.Receive([]byte(strings.Replace(request(method, id+branch, cseq), "call-1", id, 1)), alice)
					}
					send("INVITE", "i", 1)
					if i%3 == 0 {
						send("CANCEL", "i", 1)
					}
					send("ACK", []string{"i", "a"}[(i+copies)%2], 1)
					send("BYE", "b", 2)
				}
			})
		}
	}
	calling.Wait()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if st := l.Stats(); st.Servers == 0 && st.Clients == 0 {
			break
		}
	}
	l.Close()
	close(p.work)
	answering.Wait()
	if st := l.Stats(); st.Servers != 0 || st.Clients != 0 || l.Pending() != 0 {
		t.Errorf("left over: %+v, %d pending", st, l.Pending())
	}
	for name, n := range map[string]int{"servers": entries(&l.servers), "invites": entries(&l.invites), "clients": entries(&l.clients)} {
		if n != 0 {
			t.Errorf("index of %s: %d left", name, n)
		}
	}
	if got := r.unexpected.Load(); got != 0 {
		t.Errorf("%d malformed", got)
	}
	if got := r.terminated.Load(); got < callers*calls {
		t.Errorf("%d transactions terminated", got)
	}
}
