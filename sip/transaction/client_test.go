package transaction

import (
	"strings"
	"testing"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// placed is a rig with one INVITE of alice's sent on to bob; out is its text.
func placed(t *testing.T, f func(r *rig, out string, c *Client)) { placedBy(t, bob, 0, f) }

func placedBy(t *testing.T, to transport.Flow, giveUp time.Duration, f func(r *rig, out string, c *Client)) {
	t.Helper()
	inRig(t, func(r *rig) {
		r.onRequest = (*Server).Trying
		in := request("INVITE", "1", 1, "Route: <sip:p1;lr>, <sip:p2;lr>", "Route: <sip:p3;lr>")
		r.receive(alice, in)
		out := forwarded(in, "z9hG4bKgw1")
		c := r.call(out, "z9hG4bKgw1", to, giveUp)
		r.expect("100,INVITE", "request INVITE")
		f(r, out, c)
	})
}

func TestClientInviteAccepted(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		r.sleep(4 * time.Second) // timer A: 0.5, 1.5, 3.5
		r.expect("INVITE,INVITE,INVITE", "")
		r.receive(bob, response(out, "100 Trying", ""))
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.sleep(10 * time.Second)
		r.expect("", "response 100,response 180")
		if c.Final() || string(c.Sent()) != out {
			t.Error("not pending with its request")
		}
		r.receive(bob, response(out, "200 OK", "b1"))
		r.receive(bob, response(out, "200 OK", "b1"))
		r.receive(bob, response(out, "200 OK", "b2"))
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.receive(bob, response(out, "486 Busy", "b1"))
		r.expect("", "response 200,response 200,response 200")
		if !c.Final() || c.Sent() != nil {
			t.Error("not final without its request")
		}
		with(r.servers[0], func() { r.servers[0].Respond(200, []byte(response(out, "200 OK", "b1"))) })
		r.sleep(33 * time.Second) // timers L and M
		r.expect("200", "terminated")
		r.receive(bob, response(out, "200 OK", "b1"))
		r.expect("", "stray")
		r.empty()
	})
}

func TestClientInviteRefused(t *testing.T) {
	for _, status := range []string{"302 Moved", "404 Not Found", "503 Unavailable", "603 Decline"} {
		placed(t, func(r *rig, out string, c *Client) {
			s := r.servers[0]
			r.receive(bob, response(out, status, "b7"))
			ack := r.lastSent()
			r.expect("ACK", "response "+status[:3])
			checkAck(t, ack, "<sip:bob@example.net>;tag=b7")
			r.receive(bob, response(out, status, "b7"))
			if again := r.lastSent(); again.text != ack.text || again.to != ack.to {
				t.Errorf("second ACK differs: %q", again.text)
			}
			r.expect("ACK", "")
			r.receive(bob, response(out, "200 OK", "b7"))
			r.receive(bob, response(out, "180 Ringing", "b7"))
			with(s, func() { s.Reply(480, "", nil) })
			r.receive(alice, request("ACK", "1", 1))
			r.sleep(31 * time.Second)
			r.expect("480", "")
			r.receive(bob, response(out, status, "b7"))
			r.expect("ACK", "")
			r.sleep(2 * time.Second) // timer D
			r.expect("", "terminated")
			r.empty()
		})
	}
}

func checkAck(t *testing.T, p packet, to string) {
	t.Helper()
	want := strings.Join([]string{
		"ACK sip:bob@example.net SIP/2.0",
		"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKgw1",
		"Max-Forwards: 70",
		"Route: <sip:p1;lr>, <sip:p2;lr>",
		"Route: <sip:p3;lr>",
		"From: <sip:alice@example.net>;tag=a1",
		"To: " + to,
		"Call-ID: call-1",
		"CSeq: 1 ACK",
		"Content-Length: 0", "", "",
	}, "\r\n")
	if p.text != want || p.to != bob {
		t.Errorf("ACK to %v is\n%s\nwant\n%s", p.to.Remote, p.text, want)
	}
}

func TestClientInviteStream(t *testing.T) {
	tcp := over(bob, transport.TCP)
	placedBy(t, tcp, 0, func(r *rig, out string, c *Client) {
		r.sleep(10 * time.Second)
		r.expect("", "") // no timer A
		r.onResponse = func(c *Client, m *message.Message) { c.Server().Reply(486, "", nil) }
		r.receive(tcp, response(out, "486 Busy", "b1"))
		r.expect("ACK,486", "response 486")
		if n := r.l.Stats().Clients; n != 0 {
			t.Errorf("%d clients left: timer D is zero", n)
		}
		r.receive(tcp, response(out, "486 Busy", "b1"))
		r.expect("", "stray")
	})
	placedBy(t, tcp, 0, func(r *rig, out string, c *Client) {
		r.sleep(33 * time.Second) // timer B is not zero
		r.expect("", "failed timed out")
	})
}

func TestClientInviteTimesOut(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		r.onFailed = func(c *Client, _ Failure) {
			if !c.Final() || string(c.Sent()) != out {
				t.Error("failed, but not final with its request")
			}
			c.Server().Reply(408, "", nil)
		}
		r.sleep(33 * time.Second) // A at 0.5 1.5 3.5 7.5 15.5 31.5, B at 32
		r.expect("INVITE,INVITE,INVITE,INVITE,INVITE,INVITE,408,408", "failed timed out")
		r.receive(bob, response(out, "200 OK", "b1"))
		r.receive(alice, request("ACK", "1", 1))
		r.sleep(6 * time.Second)
		r.expect("", "stray,terminated")
		r.empty()
	})
}

func TestClientGiveUp(t *testing.T) {
	giveUp := func(f func(r *rig, out string, c *Client)) {
		placedBy(t, bob, 2*time.Second, func(r *rig, out string, c *Client) {
			r.sleep(2100 * time.Millisecond)
			r.expect("INVITE,INVITE", "failed timed out")
			if !c.Final() || r.l.Pending() != 1 {
				t.Error("failed, but not final")
			}
			f(r, out, c)
			with(r.servers[0], func() { r.servers[0].Reply(480, "", nil) })
			r.receive(alice, request("ACK", "1", 1))
			r.sleep(100 * time.Second)
			r.takeSent()
			r.takeCalls()
			r.empty()
		})
	}
	giveUp(func(r *rig, out string, c *Client) { // silence for good
		r.sleep(10 * time.Second)
		r.expect("", "")
	})
	giveUp(func(r *rig, out string, c *Client) { // rings late: cancelled, once
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.expect("CANCEL", "")
		r.receive(bob, response(out, "487 Cancelled", "b1"))
		r.expect("ACK", "")
	})
	giveUp(func(r *rig, out string, c *Client) { // refuses late: acknowledged
		r.receive(bob, response(out, "503 Unavailable", "b1"))
		r.expect("ACK", "")
	})
	giveUp(func(r *rig, out string, c *Client) { // answers late: the User's business
		r.receive(bob, response(out, "200 OK", "b1"))
		r.expect("", "response 200")
	})
	// a response in time ends the give-up time
	placedBy(t, bob, 2*time.Second, func(r *rig, out string, c *Client) {
		r.receive(bob, response(out, "100 Trying", ""))
		r.sleep(60 * time.Second)
		r.expect("", "response 100")
	})
}

func TestClientTimerC(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.sleep(189 * time.Second)
		r.receive(bob, response(out, "100 Trying", "")) // does not reset it
		r.receive(bob, response(out, "183 Progress", "b1"))
		r.sleep(189 * time.Second)
		r.expect("", "response 180,response 100,response 183")
		r.onFailed = func(c *Client, why Failure) {
			if why == TimerC {
				c.Cancel([]byte("Reason: SIP;cause=408\r\n"))
			}
		}
		r.sleep(1200 * time.Millisecond)
		r.receive(bob, response(r.lastSent().text, "200 OK", "b1"))
		r.expect("CANCEL", "failed timer C")
		r.sleep(33 * time.Second) // no 487: RFC 3261 9.1
		r.expect("", "failed timed out")
		if !c.Final() {
			t.Error("not final")
		}
	})
	placed(t, func(r *rig, out string, c *Client) { // the User forgets to cancel
		r.receive(bob, response(out, "100 Trying", ""))
		r.sleep(191 * time.Second)
		if got := r.takeSent(); got[0] != "CANCEL" {
			t.Errorf("sent %v", got)
		}
	})
}

func TestClientTransportError(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		for cut := range 80 { // ICMP may quote little; then nobody can tell
			r.l.SendFailed(bob, []byte(out[:cut]), errRefused)
		}
		r.expect("", "")
		r.l.SendFailed(bob, []byte(out[:120]), errRefused)
		r.expect("", "failed transport error")
		r.l.SendFailed(bob, []byte(out[:120]), errRefused)
		r.expect("", "")
		if !c.Final() {
			t.Error("not final")
		}
	})
	placed(t, func(r *rig, out string, c *Client) { // at a retransmission
		r.refuse = func(transport.Flow, []byte) error { return errRefused }
		r.sleep(time.Second)
		r.expect("", "failed transport error")
	})
	placed(t, func(r *rig, out string, c *Client) { // of the ACK: the User knows already
		r.refuse = func(transport.Flow, []byte) error { return errRefused }
		r.receive(bob, response(out, "486 Busy", "b1"))
		r.expect("", "response 486")
		r.receive(bob, response(out, "486 Busy", "b1"))
		r.expect("", "stray")
	})
	placed(t, func(r *rig, out string, c *Client) { // after a response it means nothing
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.l.SendFailed(bob, []byte(out), errRefused)
		r.expect("", "response 180")
	})
}

func TestClientRefusedAtOnce(t *testing.T) {
	inRig(t, func(r *rig) {
		in := request("INVITE", "1", 1)
		r.receive(alice, in)
		s := r.servers[0]
		r.refuse = func(transport.Flow, []byte) error { return errRefused }
		out := forwarded(in, "z9hG4bKgw1")
		with(s, func() {
			if _, err := s.Client([]byte(out), []byte("z9hG4bKgw1"), bob, 0); err != errRefused {
				t.Errorf("Client: %v", err)
			}
		})
		r.refuse = nil
		c := r.call(out, "z9hG4bKgw1", carol, 0) // the branch is free again
		with(s, func() {
			if _, err := s.Client([]byte(out), []byte("z9hG4bKgw1"), bob, 0); err != ErrBranchInUse {
				t.Errorf("Client: %v", err)
			}
			for _, bad := range []string{"", "INVITE", "SIP/2.0 200 OK\r\n", "ACK sip:b SIP/2.0\r\n"} {
				if _, err := s.Client([]byte(bad), []byte("z9hG4bKgw2"), bob, 0); err != ErrNoRequest {
					t.Errorf("Client(%q): %v", bad, err)
				}
			}
			n := 0
			for other := range s.Clients() {
				if n++; other != c {
					t.Error("unknown client")
				}
			}
			if n != 1 {
				t.Errorf("%d clients", n)
			}
		})
		if c.Server() != s || c.Method() != message.INVITE || c.Flow() != carol {
			t.Error("accessors")
		}
		with(s, func() { s.Reply(500, "", nil) })
		r.sleep(70 * time.Second)
		r.takeSent()
		r.empty()
	})
}

// sentOn is a rig with one BYE of alice's sent on to bob.
func sentOn(t *testing.T, to transport.Flow, giveUp time.Duration, f func(r *rig, out string, c *Client)) {
	t.Helper()
	inRig(t, func(r *rig) {
		in := request("BYE", "9", 2)
		r.receive(alice, in)
		out := forwarded(in, "z9hG4bKgw9")
		c := r.call(out, "z9hG4bKgw9", to, giveUp)
		r.expect("BYE", "request BYE")
		f(r, out, c)
	})
}

func TestClientNonInvite(t *testing.T) {
	sentOn(t, bob, 0, func(r *rig, out string, c *Client) {
		r.sleep(3 * time.Second) // timer E: 0.5, 1.5
		r.expect("BYE,BYE", "")
		r.receive(bob, response(out, "100 Trying", ""))
		r.receive(bob, response(out, "100 Trying", ""))
		r.takeSent()
		r.sleep(600 * time.Millisecond) // the one that was pending, at 3.5
		if got := strings.Join(r.takeSent(), ","); got != "BYE,100" && got != "100,BYE" {
			t.Errorf("sent %v", got) // and RFC 4320's 100 to alice
		}
		r.sleep(8 * time.Second) // then every T2
		r.expect("BYE,BYE", "response 100,response 100")
		r.onResponse = func(c *Client, m *message.Message) {
			if c.Method() != message.BYE || len(c.Sent()) == 0 {
				t.Error("request gone inside the callback")
			}
			c.Server().Respond(200, []byte(response(request("BYE", "9", 2), "200 OK", "b1")))
		}
		r.receive(bob, response(out, "200 OK", "b1"))
		r.receive(bob, response(out, "200 OK", "b1"))
		r.receive(bob, response(out, "500 No", "b1"))
		r.expect("200", "response 200")
		r.sleep(6 * time.Second) // timer K
		if n := r.l.Stats().Clients; n != 0 {
			t.Errorf("%d clients after timer K", n)
		}
		r.receive(bob, response(out, "200 OK", "b1"))
		r.expect("", "stray")
		r.sleep(30 * time.Second)
		r.expect("", "terminated")
		r.empty()
	})
}

func TestClientNonInviteStream(t *testing.T) {
	tcp := over(bob, transport.TCP)
	sentOn(t, tcp, 0, func(r *rig, out string, c *Client) {
		r.sleep(3 * time.Second)
		r.expect("", "")
		r.receive(tcp, response(out, "481 Unknown", "b1"))
		r.receive(tcp, response(out, "481 Unknown", "b1"))
		r.expect("", "response 481,stray") // timer K is zero
	})
}

func TestClientNonInviteTimesOut(t *testing.T) {
	sentOn(t, bob, 0, func(r *rig, out string, c *Client) {
		r.onFailed = func(c *Client, _ Failure) { c.Server().Reply(408, "", nil) }
		r.sleep(31900 * time.Millisecond)
		// E at 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5; 100 to alice at 3.5
		sent := r.takeSent()
		if n := strings.Count(strings.Join(sent, " "), "BYE"); n != 10 {
			t.Errorf("%d retransmissions: %v", n, sent)
		}
		r.sleep(2 * time.Second)
		r.expect("", "failed timed out")
		r.receive(alice, request("BYE", "9", 2))
		r.sleep(33 * time.Second)
		r.expect("", "terminated") // and no 408
		r.empty()
	})
	sentOn(t, bob, time.Second, func(r *rig, out string, c *Client) { // given up
		r.sleep(1100 * time.Millisecond)
		r.expect("BYE", "failed timed out")
		r.receive(bob, response(out, "200 OK", "b1"))
		r.expect("", "stray")
	})
	sentOn(t, bob, time.Second, func(r *rig, out string, c *Client) { // not given up
		r.receive(bob, response(out, "100 Trying", ""))
		r.sleep(30 * time.Second)
		if calls := strings.Join(r.takeCalls(), ","); calls != "response 100" {
			t.Errorf("called %s", calls)
		}
		r.sleep(3 * time.Second) // timer F counts from the start
		if calls := strings.Join(r.takeCalls(), ","); !strings.Contains(calls, "failed timed out") {
			t.Errorf("called %s", calls)
		}
	})
	sentOn(t, bob, 0, func(r *rig, out string, c *Client) {
		r.l.SendFailed(bob, []byte(out), errRefused)
		r.expect("", "failed transport error")
	})
}

func TestLateResponseToAnsweredNonInvite(t *testing.T) {
	sentOn(t, bob, 0, func(r *rig, out string, c *Client) {
		with(r.servers[0], func() { r.servers[0].Reply(500, "", nil) })
		r.receive(bob, response(out, "200 OK", "b1"))
		r.expect("500", "") // RFC 4320 4.2
	})
}
