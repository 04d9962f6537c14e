package transaction

import (
	"strings"
	"testing"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

func TestCancelBeforeAnyResponse(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		with(r.servers[0], func() {
			extra := []byte("Reason: SIP;cause=200\r\n")
			c.Cancel(extra)
			clear(extra) // it is kept until CANCEL may be sent
			c.Cancel(nil)
		})
		r.sleep(time.Second)
		r.expect("INVITE", "") // RFC 3261 9.1: only after a provisional response
		r.receive(bob, response(out, "100 Trying", ""))
		cancel := r.lastSent()
		r.expect("CANCEL", "response 100")
		checkCancel(t, cancel, "Reason: SIP;cause=200")
		r.receive(bob, response(out, "180 Ringing", "b1"))
		r.expect("", "response 180") // once
		r.receive(bob, response(cancel.text, "200 OK", "b1"))
		r.receive(bob, response(out, "487 Terminated", "b1"))
		r.expect("ACK", "response 487") // the 200 is the layer's own
	})
}

func TestCancelAfterRinging(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		r.receive(bob, response(out, "180 Ringing", "b1"))
		with(r.servers[0], func() {
			c.Cancel([]byte("Reason: SIP;cause=200\r\n"))
			c.Cancel(nil)
		})
		cancel := r.lastSent()
		r.expect("CANCEL", "response 180")
		checkCancel(t, cancel, "Reason: SIP;cause=200")
		n := 0
		with(r.servers[0], func() {
			for range r.servers[0].Clients() {
				n++
			}
		})
		if n != 1 {
			t.Errorf("%d clients: that of CANCEL is the layer's own", n)
		}
		r.sleep(600 * time.Millisecond) // timer E of CANCEL
		if again := r.lastSent(); again.text != cancel.text {
			t.Errorf("CANCEL again: %q", again.text)
		}
		r.receive(bob, response(cancel.text, "200 OK", "b1"))
		r.receive(bob, response(out, "487 Terminated", "b1"))
		with(r.servers[0], func() { r.servers[0].Reply(487, "", nil) })
		r.receive(alice, request("ACK", "1", 1))
		r.expect("CANCEL,ACK,487", "response 487")
		r.sleep(33 * time.Second)
		r.expect("", "terminated")
		r.empty()
	})
}

func checkCancel(t *testing.T, p packet, extra string) {
	t.Helper()
	lines := []string{
		"CANCEL sip:bob@example.net SIP/2.0",
		"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKgw1",
		"Max-Forwards: 70",
		"Route: <sip:p1;lr>, <sip:p2;lr>",
		"Route: <sip:p3;lr>",
		"From: <sip:alice@example.net>;tag=a1",
		"To: <sip:bob@example.net>",
		"Call-ID: call-1",
		"CSeq: 1 CANCEL",
	}
	if extra != "" {
		lines = append(lines, extra)
	}
	want := strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")
	if p.to != bob || p.text != want {
		t.Errorf("CANCEL to %v is\n%s\nwant\n%s", p.to.Remote, p.text, want)
	}
}

func TestCancelCrosses200(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) { // 200 on its way when CANCEL left
		r.receive(bob, response(out, "180 Ringing", "b1"))
		with(r.servers[0], func() { c.Cancel(nil) })
		r.receive(bob, response(out, "200 OK", "b1"))
		r.receive(bob, response(out, "200 OK", "b1"))
		r.expect("CANCEL", "response 180,response 200,response 200")
	})
	placed(t, func(r *rig, out string, c *Client) { // 200 instead of any provisional
		with(r.servers[0], func() { c.Cancel(nil) })
		r.receive(bob, response(out, "200 OK", "b1"))
		r.sleep(10 * time.Second)
		r.expect("", "response 200") // nothing more
	})
	placed(t, func(r *rig, out string, c *Client) { // 486 instead
		with(r.servers[0], func() { c.Cancel(nil) })
		r.receive(bob, response(out, "486 Busy", "b1"))
		r.expect("ACK", "response 486")
	})
	placed(t, func(r *rig, out string, c *Client) { // too late
		r.receive(bob, response(out, "200 OK", "b1"))
		with(r.servers[0], func() { c.Cancel(nil) })
		r.expect("", "response 200")
	})
}

func TestCancelOfSilentPeer(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		with(r.servers[0], func() { c.Cancel(nil) })
		r.sleep(33 * time.Second) // timer B: no CANCEL was ever allowed
		r.expect("INVITE,INVITE,INVITE,INVITE,INVITE,INVITE", "failed timed out")
	})
	placed(t, func(r *rig, out string, c *Client) {
		r.refuse = func(f transport.Flow, b []byte) error {
			if strings.HasPrefix(string(b), "CANCEL") {
				return errRefused
			}
			return nil
		}
		r.receive(bob, response(out, "180 Ringing", "b1"))
		with(r.servers[0], func() { c.Cancel(nil) })
		r.sleep(33 * time.Second)
		r.expect("", "response 180,failed timed out")
	})
}

// TestCancelOfNonInvite: RFC 3261 9.1 has CANCEL for INVITE only.
func TestCancelOfNonInvite(t *testing.T) {
	sentOn(t, bob, 0, func(r *rig, out string, c *Client) {
		r.receive(bob, response(out, "100 Trying", ""))
		with(r.servers[0], func() { c.Cancel(nil) })
		r.expect("", "response 100")
	})
}

// TestFailover: the User tries the next target from inside a callback.
func TestFailover(t *testing.T) {
	inRig(t, func(r *rig) {
		in := request("INVITE", "1", 1)
		next := func(s *Server, branch string) {
			if _, err := s.Client([]byte(forwarded(in, branch)), []byte(branch), bob, 0); err != nil {
				t.Error(err)
			}
		}
		r.onRequest = func(s *Server) { next(s, "z9hG4bKgw1") }
		r.onResponse = func(c *Client, m *message.Message) {
			if m.Status() == 503 {
				next(c.Server(), "z9hG4bKgw2")
			}
		}
		r.onFailed = func(c *Client, why Failure) { next(c.Server(), "z9hG4bKgw3") }
		r.receive(alice, in)
		r.receive(bob, response(forwarded(in, "z9hG4bKgw1"), "503 Down", "b1"))
		r.expect("INVITE,ACK,INVITE", "request INVITE,response 503")
		r.l.SendFailed(bob, []byte(forwarded(in, "z9hG4bKgw2")), errRefused)
		r.expect("INVITE", "failed transport error")
		r.receive(bob, response(forwarded(in, "z9hG4bKgw3"), "200 OK", "b3"))
		r.expect("", "response 200")
		with(r.servers[0], func() { r.servers[0].Reply(200, "", nil) })
		r.sleep(33 * time.Second)
		r.expect("200", "terminated")
		r.empty()
	})
}

// TestAnsweredInsideRequest: Respond, then use of the request, inside one callback.
func TestAnsweredInsideRequest(t *testing.T) {
	inRig(t, func(r *rig) {
		r.onRequest = func(s *Server) {
			s.Data = "mine"
			s.Reply(404, "", nil)
			if !s.Answered() || s.Flow() != alice || string(s.Request().MethodName()) != "BYE" {
				t.Error("request gone")
			}
		}
		r.receive(alice, request("BYE", "1", 1))
		s := r.servers[0]
		if s.Data != "mine" {
			t.Error("Data gone before the end")
		}
		r.sleep(33 * time.Second)
		r.empty()
		if s.Data != nil {
			t.Error("Data kept after the end")
		}
	})
}

// TestLate2xx: a 2xx that comes between timer L and timer M still reaches the caller
// (RFC 6026 7.1), anything else does not.
func TestLate2xx(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		s := r.servers[0]
		r.receive(bob, response(out, "180 Ringing", "b1"))
		with(s, func() { s.Reply(200, "", nil) })
		r.sleep(10 * time.Second)
		r.onResponse = func(c *Client, m *message.Message) { c.Server().Respond(m.Status(), m.Bytes()) }
		r.receive(bob, response(out, "200 OK", "b2"))
		r.sleep(25 * time.Second)
		r.expect("200,200", "response 180,response 200")
		with(s, func() {
			if s.Alive() {
				t.Error("alive after timer L")
			}
			s.Reply(486, "", nil)
		})
		r.receive(bob, response(out, "200 OK", "b2"))
		r.expect("200", "response 200")
		r.sleep(10 * time.Second)
		r.expect("", "terminated")
		with(s, func() { s.Respond(200, []byte(out)) })
		r.expect("", "")
		r.empty()
	})
}

func TestFlushAfterTimers(t *testing.T) {
	placed(t, func(r *rig, out string, c *Client) {
		r.sleep(400 * time.Millisecond)
		if r.flushes != 0 {
			t.Errorf("%d flushes with nothing sent", r.flushes)
		}
		r.sleep(200 * time.Millisecond)
		if r.flushes != 1 {
			t.Errorf("%d flushes after timer A", r.flushes)
		}
	})
}
