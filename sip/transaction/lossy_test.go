package transaction

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/sip/transport"
)

// network is alice, the relay and bob with a bad network between them, in virtual
// time. alice and bob are as simple as user agents can be that keep to RFC 3261.
type network struct {
	l  *Layer
	mu sync.Mutex

	lose  func(leg, headline string) bool
	twice func() bool
	delay func() time.Duration

	// of alice
	answered bool   // she got a final response
	final    string // its status
	trying   bool   // she got any response
	byeDone  bool
	cancelOK bool
	// of bob
	answer    string // status bob will send, "" for none
	wait      time.Duration
	decided   string // status bob has sent
	acked     bool
	invites   map[string]bool // branches of INVITEs seen
	byes      map[string]bool
	confirmed int // ACKs that reached bob
}

func (n *network) Flush() {}

// Send is the relay's transport.
func (n *network) Send(f transport.Flow, b []byte) error {
	leg, to := "relay-alice", n.alice
	if f == bob {
		leg, to = "relay-bob", n.bob
	}
	n.carry(leg, string(b), to)
	return nil
}

// carry brings a message to its receiver, late, twice or not at all.
func (n *network) carry(leg, text string, to func(text string)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lose(leg, headline(text)) {
		return
	}
	time.AfterFunc(n.delay(), func() { to(text) })
	if n.twice() {
		time.AfterFunc(n.delay(), func() { to(text) })
	}
}

func (n *network) fromAlice(text string) {
	n.carry("alice-relay", text, func(text string) { n.l.Receive([]byte(text), alice) })
}

func (n *network) fromBob(text string) {
	n.carry("bob-relay", text, func(text string) { n.l.Receive([]byte(text), bob) })
}

// repeat sends a message at T1, doubled up to most, until done or 64*T1 have passed.
func (n *network) repeat(send func(string), text string, most time.Duration, done *bool) {
	for passed, d := time.Duration(0), 500*time.Millisecond; passed < 32*time.Second; {
		n.mu.Lock()
		enough := *done
		n.mu.Unlock()
		if enough {
			return
		}
		send(text)
		time.Sleep(d)
		passed += d
		d = min(2*d, most)
	}
}

func (n *network) alice(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	status := headline(text)
	method := strings.Fields(headerOf(text, "CSeq"))[1]
	switch {
	case method == "BYE" && status >= "200":
		n.byeDone = true
	case method == "CANCEL":
		n.cancelOK = true
	case method == "INVITE":
		n.trying = true
		if status < "200" {
			return
		}
		n.answered, n.final = true, status
		branch := "inv"
		if status < "300" {
			branch = "ack"
		}
		ack := strings.Replace(request("ACK", branch, 1), "To: <sip:bob@example.net>", "To: "+headerOf(text, "To"), 1)
		go n.fromAlice(ack)
	}
}

func (n *network) bob(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	branch := headerOf(text, "Via")
	switch headline(text) {
	case "INVITE":
		if n.invites[branch] {
			go n.fromBob(response(text, n.lastStatus(), "b1"))
			return
		}
		n.invites[branch] = true
		go n.ring(text)
	case "CANCEL":
		go n.fromBob(response(text, "200 OK", "b1"))
		if n.decided == "" {
			n.decided = "487 Terminated"
			go n.repeat(n.fromBob, response(strings.Replace(text, "1 CANCEL", "1 INVITE", 1), n.decided, "b1"), 4*time.Second, &n.acked)
		}
	case "ACK":
		n.acked = true
		n.confirmed++
	case "BYE":
		n.byes[headerOf(text, "Call-ID")] = true
		go n.fromBob(response(text, "200 OK", "b1"))
	}
}

func (n *network) lastStatus() string {
	if n.decided != "" {
		return n.decided
	}
	return "180 Ringing"
}

func (n *network) ring(invite string) {
	n.fromBob(response(invite, "180 Ringing", "b1"))
	time.Sleep(n.wait)
	n.mu.Lock()
	decided := n.decided
	if decided == "" {
		n.decided = n.answer
	}
	n.mu.Unlock()
	if decided == "" && n.answer != "" {
		n.repeat(n.fromBob, response(invite, n.answer, "b1"), 4*time.Second, &n.acked)
	}
}

// call places one call and lets it end; cancel after that time, if not zero.
func (n *network) call(cancel time.Duration) {
	go n.repeat(n.fromAlice, request("INVITE", "inv", 1), 64*time.Second, &n.trying)
	if cancel > 0 {
		time.Sleep(cancel)
		go n.repeat(n.fromAlice, request("CANCEL", "inv", 1), 4*time.Second, &n.cancelOK)
	}
	time.Sleep(40 * time.Second)
	n.mu.Lock()
	accepted := n.final == "200"
	n.mu.Unlock()
	if accepted {
		go n.repeat(n.fromAlice, request("BYE", "bye", 2), 4*time.Second, &n.byeDone)
	}
	time.Sleep(110 * time.Second)
	synctest.Wait()
}

func inNetwork(t *testing.T, f func(n *network, r *relay)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &relay{next: bob}
		n := &network{
			answer: "200 OK", wait: 3 * time.Second,
			invites: map[string]bool{}, byes: map[string]bool{},
			lose:  func(string, string) bool { return false },
			twice: func() bool { return false },
			delay: func() time.Duration { return 10 * time.Millisecond },
		}
		n.l = New(Options{}, n, r)
		r.l = n.l
		defer n.l.Close()
		f(n, r)
		if st := n.l.Stats(); st.Servers != 0 || st.Clients != 0 || n.l.Pending() != 0 {
			t.Errorf("left over: %+v", st)
		}
		if len(n.invites) != 1 {
			t.Errorf("bob saw %d INVITEs", len(n.invites))
		}
		if r.unexpected.Load() != 0 {
			t.Error("malformed messages")
		}
	})
}

// first loses the first k of such messages on a leg.
func first(k int, leg, what string) func(string, string) bool {
	return func(l, h string) bool {
		if l == leg && h == what && k > 0 {
			k--
			return true
		}
		return false
	}
}

func TestLosses(t *testing.T) {
	const none, soon = 0, 1500 * time.Millisecond
	for _, c := range []struct {
		name   string
		lose   func(string, string) bool
		answer string
		cancel time.Duration
		final  string
	}{
		{"nothing", first(0, "", ""), "200 OK", none, "200"},
		{"INVITE to relay", first(3, "alice-relay", "INVITE"), "200 OK", none, "200"},
		{"INVITE to bob", first(3, "relay-bob", "INVITE"), "200 OK", none, "200"},
		{"180", first(2, "bob-relay", "180"), "200 OK", none, "200"},
		{"100", first(2, "relay-alice", "100"), "200 OK", none, "200"},
		{"200 from bob", first(3, "bob-relay", "200"), "200 OK", none, "200"},
		{"200 to alice", first(3, "relay-alice", "200"), "200 OK", none, "200"},
		{"ACK to relay", first(3, "alice-relay", "ACK"), "200 OK", none, "200"},
		{"ACK to bob", first(3, "relay-bob", "ACK"), "200 OK", none, "200"},
		{"BYE to relay", first(3, "alice-relay", "BYE"), "200 OK", none, "200"},
		{"BYE to bob", first(3, "relay-bob", "BYE"), "200 OK", none, "200"},
		{"486 from bob", first(3, "bob-relay", "486"), "486 Busy", none, "486"},
		{"486 to alice", first(3, "relay-alice", "486"), "486 Busy", none, "486"},
		{"ACK of 486 to relay", first(3, "alice-relay", "ACK"), "486 Busy", none, "486"},
		{"ACK of 486 to bob", first(3, "relay-bob", "ACK"), "486 Busy", none, "486"},
		{"nothing, cancelled", first(0, "", ""), "200 OK", soon, "487"},
		{"CANCEL to relay", first(1, "alice-relay", "CANCEL"), "", soon, "487"},
		{"CANCEL to bob", first(3, "relay-bob", "CANCEL"), "", soon, "487"},
		{"487 from bob", first(3, "bob-relay", "487"), "", soon, "487"},
		{"487 to alice", first(3, "relay-alice", "487"), "", soon, "487"},
		{"ACK of 487 to bob", first(3, "relay-bob", "ACK"), "", soon, "487"},
		{"CANCEL comes after 200", first(0, "", ""), "200 OK", 5 * time.Second, "200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inNetwork(t, func(n *network, r *relay) {
				n.lose, n.answer = c.lose, c.answer
				n.call(c.cancel)
				if n.final != c.final {
					t.Errorf("alice got %q, want %s", n.final, c.final)
				}
				if n.confirmed == 0 {
					t.Error("bob got no ACK")
				}
				if c.final == "200" && (!n.byeDone || !n.byes["call-1"]) {
					t.Error("BYE did not come through")
				}
			})
		})
	}
}

// A network that loses, doubles and reorders everything: the call is settled all
// the same, both sides agree, and nothing stays behind.
func TestBadNetwork(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inNetwork(t, func(n *network, r *relay) {
				random := rand.New(rand.NewPCG(seed, 1))
				n.lose = func(string, string) bool { return random.IntN(10) == 0 }
				n.twice = func() bool { return random.IntN(5) == 0 }
				n.delay = func() time.Duration { return time.Duration(1+random.IntN(700)) * time.Millisecond }
				n.answer = []string{"200 OK", "486 Busy"}[seed%2]
				n.call(time.Duration(seed%4) * 1300 * time.Millisecond)
				if !n.answered {
					t.Fatal("alice never got a final response")
				}
				if !strings.HasPrefix(n.decided, n.final) {
					t.Errorf("bob decided %q, alice got %q", n.decided, n.final)
				}
			})
		})
	}
}
