package transaction

import (
	"strings"
	"testing"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

func TestInviteAcceptedUDP(t *testing.T) {
	inRig(t, func(r *rig) {
		r.onRequest = (*Server).Trying
		invite := request("INVITE", "1", 1)
		r.receive(alice, invite)
		r.expect("100", "request INVITE")
		r.receive(alice, invite)
		r.expect("100", "") // last response again
		s := r.servers[0]
		with(s, func() { s.Respond(180, []byte(response(invite, "180 Ringing", "b1"))) })
		r.expect("180", "")
		r.receive(alice, invite)
		r.expect("180", "")
		ok := response(invite, "200 OK", "b1")
		with(s, func() { s.Respond(200, []byte(ok)) })
		with(s, func() { s.Respond(200, []byte(ok)) }) // the callee's retransmission passes
		r.expect("200,200", "")
		r.receive(alice, invite) // RFC 6026 7.1: absorbed
		with(s, func() { s.Respond(486, []byte(response(invite, "486 Busy", "b1"))) })
		r.expect("", "")
		r.receive(alice, request("ACK", "1", 1)) // same branch, as some phones do
		r.receive(alice, request("ACK", "2", 1))
		r.expect("", "ack true,ack true")
		r.sleep(31 * time.Second)
		r.expect("", "")
		r.sleep(2 * time.Second) // timer L
		r.expect("", "terminated")
		r.empty()
		r.receive(alice, request("ACK", "3", 1))
		r.expect("", "ack false")
	})
}

func TestInviteRefusedUDP(t *testing.T) {
	inRig(t, func(r *rig) {
		invite := request("INVITE", "1", 1)
		r.receive(alice, invite)
		s := r.servers[0]
		with(s, func() { s.Reply(486, "", nil) })
		r.expect("486", "request INVITE")
		r.receive(alice, invite)
		r.expect("486", "")
		r.sleep(8 * time.Second) // timer G: 0.5, 1.5, 3.5, 7.5
		r.expect("486,486,486,486", "")
		r.receive(alice, request("ACK", "1", 1))
		r.receive(alice, request("ACK", "1", 1))
		r.receive(alice, invite)
		r.sleep(4 * time.Second)
		r.expect("", "")
		r.sleep(2 * time.Second) // timer I
		r.expect("", "terminated")
		r.empty()
	})
}

func TestInviteRefusedNeverAcknowledged(t *testing.T) {
	inRig(t, func(r *rig) {
		r.onRequest = func(s *Server) { s.Reply(603, "", nil) }
		r.receive(alice, request("INVITE", "1", 1))
		r.sleep(33 * time.Second) // timer H; G at 0.5 1.5 3.5 7.5 11.5 .. 31.5
		r.expect(strings.TrimSuffix(strings.Repeat("603,", 11), ","), "request INVITE,terminated")
		r.empty()
	})
}

func TestInviteStream(t *testing.T) {
	for _, n := range []transport.Network{transport.TCP, transport.TLS} {
		inRig(t, func(r *rig) {
			f := over(alice, n)
			r.onRequest = func(s *Server) { s.Reply(486, "", nil) }
			r.receive(f, request("INVITE", "1", 1))
			r.sleep(20 * time.Second)
			r.expect("486", "request INVITE") // no timer G
			r.receive(f, request("ACK", "1", 1))
			r.expect("", "terminated") // timer I is zero
			r.empty()

			r.receive(f, request("INVITE", "2", 2))
			r.sleep(33 * time.Second) // timer H is not
			r.expect("486", "request INVITE,terminated")
			r.empty()

			r.onRequest = func(s *Server) { s.Reply(200, "", nil) }
			r.receive(f, request("INVITE", "3", 3))
			r.sleep(31 * time.Second)
			r.expect("200", "request INVITE") // nor is timer L
			r.sleep(2 * time.Second)
			r.expect("", "terminated")
			r.empty()
		})
	}
}

func TestInviteGetsTryingIn200ms(t *testing.T) {
	inRig(t, func(r *rig) {
		r.receive(alice, request("INVITE", "1", 1))
		r.sleep(150 * time.Millisecond)
		r.expect("", "request INVITE")
		r.sleep(100 * time.Millisecond)
		r.expect("100", "")
		r.sleep(time.Minute) // no timer while the User does not answer
		r.expect("", "")
		with(r.servers[0], func() {
			if !r.servers[0].Alive() || r.servers[0].Answered() {
				t.Error("unanswered INVITE is not alive")
			}
			r.servers[0].Reply(500, "", nil)
		})
		r.expect("500", "")
		r.sleep(40 * time.Second)
		r.empty()
	})
}

func TestNonInviteUDP(t *testing.T) {
	inRig(t, func(r *rig) {
		bye := request("BYE", "1", 2)
		r.receive(alice, bye)
		r.receive(alice, bye)
		r.expect("", "request BYE")
		s := r.servers[0]
		with(s, func() {
			s.Trying()
			s.Respond(100, []byte(response(bye, "100 Trying", ""))) // RFC 4320 4.1: not yet
			s.Respond(183, []byte(response(bye, "183 Progress", "")))
		})
		r.expect("", "")
		with(s, func() { s.Respond(200, []byte(response(bye, "200 OK", "b1"))) })
		r.receive(alice, bye)
		with(s, func() { s.Respond(500, []byte(response(bye, "500 No", "b1"))) })
		r.expect("200,200", "")
		if s.Request() != nil {
			t.Error("request kept after the final response")
		}
		r.sleep(31 * time.Second)
		r.receive(alice, bye)
		r.expect("200", "")
		r.sleep(2 * time.Second) // timer J
		r.expect("", "terminated")
		r.empty()
	})
}

func TestNonInviteStreamEndsAtOnce(t *testing.T) {
	inRig(t, func(r *rig) {
		r.onRequest = func(s *Server) {
			s.Reply(200, "", nil)
			if s.Request() == nil || s.Request().Method() != message.OPTIONS {
				t.Error("request gone inside the callback")
			}
		}
		r.receive(over(alice, transport.TCP), request("OPTIONS", "1", 1))
		r.expect("200", "request OPTIONS,terminated")
		r.empty()
	})
}

func TestNonInviteQuiet(t *testing.T) {
	for _, n := range []transport.Network{transport.UDP, transport.TCP} {
		inRig(t, func(r *rig) {
			r.receive(over(alice, n), request("MESSAGE", "1", 1))
			r.sleep(3400 * time.Millisecond)
			r.expect("", "request MESSAGE")
			r.sleep(200 * time.Millisecond) // RFC 4320 4.1: 100 once timer E is at T2
			r.expect("100", "")
			r.receive(over(alice, n), request("MESSAGE", "1", 1))
			r.expect("100", "")
			r.sleep(30 * time.Second) // RFC 4320 4.2: nobody waits any more
			r.expect("", "terminated")
			r.empty()
		})
	}
}

func TestNonInvite408Swallowed(t *testing.T) {
	inRig(t, func(r *rig) {
		bye := request("BYE", "1", 2)
		r.onRequest = func(s *Server) {
			s.Reply(408, "", nil)
			s.Reply(500, "", nil) // too late: the answer was silence
		}
		r.receive(alice, bye)
		r.receive(alice, bye)
		if r.l.Pending() != 0 {
			t.Error("still pending")
		}
		r.sleep(33 * time.Second)
		r.expect("", "request BYE,terminated")
		r.empty()
	})
}

func TestInvite408Passes(t *testing.T) {
	inRig(t, func(r *rig) {
		r.onRequest = func(s *Server) { s.Reply(408, "", nil) }
		r.receive(alice, request("INVITE", "1", 1))
		r.receive(alice, request("ACK", "1", 1))
		r.expect("408", "request INVITE")
	})
}

func TestReplyHasTag(t *testing.T) {
	inRig(t, func(r *rig) {
		r.onRequest = func(s *Server) { s.Trying() }
		r.receive(alice, request("INVITE", "1", 1))
		if to := headerOf(r.lastSent().text, "To"); strings.Contains(to, "tag=") {
			t.Errorf("100 has To %q", to)
		}
		with(r.servers[0], func() { r.servers[0].Reply(404, "Nobody", []byte("X-A: b\r\n")) })
		text := r.lastSent().text
		if to := headerOf(text, "To"); !strings.Contains(to, ";tag=") {
			t.Errorf("404 has To %q", to)
		}
		if !strings.HasPrefix(text, "SIP/2.0 404 Nobody\r\n") || headerOf(text, "X-A") != "b" {
			t.Errorf("reply is %q", text)
		}
	})
}

func TestTransportErrorOfResponses(t *testing.T) {
	inRig(t, func(r *rig) {
		r.refuse = func(transport.Flow, []byte) error { return errRefused }
		r.onRequest = func(s *Server) { s.Reply(486, "", nil) }
		r.receive(alice, request("INVITE", "1", 1))
		r.sleep(10 * time.Second)
		r.expect("", "request INVITE") // RFC 6026: no state change
		r.refuse = nil
		r.sleep(2 * time.Second)
		r.expect("486", "")
		r.receive(alice, request("ACK", "1", 1))
		r.sleep(6 * time.Second)
		r.expect("", "terminated")

		r.refuse = func(transport.Flow, []byte) error { return errRefused }
		r.onRequest = func(s *Server) { s.Reply(200, "", nil) }
		r.receive(alice, request("BYE", "2", 2)) // RFC 3261 17.2.4
		r.expect("", "request BYE,terminated")
		r.empty()
	})
}

func TestResponseAfterConnectionLoss(t *testing.T) {
	inRig(t, func(r *rig) {
		f := over(alice, transport.TCP)
		r.refuse = func(to transport.Flow, _ []byte) error {
			if to.Conn != 0 {
				return errRefused
			}
			return nil
		}
		r.onRequest = func(s *Server) { s.Reply(200, "", nil) }
		r.receive(f, request("OPTIONS", "1", 1, "Via: SIP/2.0/TCP 10.1.1.1:9"))
		want := transport.Flow{Net: transport.TCP, Remote: alice.Remote}
		if got := r.lastSent().to; got != want {
			t.Errorf("sent to %v, want %v", got, want)
		}
		r.takeSent()
		// and when the loss shows only afterwards
		lost := response(request("OPTIONS", "1", 1), "200 OK", "x")
		r.l.SendFailed(f, []byte(lost), errRefused)
		if p := r.lastSent(); p.to != want || p.text != lost {
			t.Errorf("sent %q to %v", p.text, p.to)
		}
		r.takeSent()
		r.l.SendFailed(want, []byte(lost), errRefused) // the second try is the last
		r.l.SendFailed(alice, []byte(lost), errRefused)
		r.expect("", "request OPTIONS,terminated")
	})
}

func TestHoldKeepsMemory(t *testing.T) {
	inRig(t, func(r *rig) {
		tcp := over(alice, transport.TCP)
		var held *Server
		r.onRequest = func(s *Server) {
			if held == nil {
				held = s
				s.Hold()
			}
			s.Reply(200, "", nil)
		}
		r.receive(tcp, request("OPTIONS", "1", 1))
		for i := range 50 {
			r.receive(tcp, request("OPTIONS", "x"+string(rune('a'+i)), 2+i))
		}
		for _, s := range r.servers[1:] {
			if s == held {
				t.Fatal("held memory was used again")
			}
		}
		with(held, func() {
			if held.Alive() {
				t.Error("alive after its end")
			}
			if _, err := held.Client([]byte(request("OPTIONS", "q", 1)), []byte("q"), bob, 0); err != ErrEnded {
				t.Errorf("Client: %v", err)
			}
			held.Reply(200, "", nil)
		})
		held.Release()
		r.takeSent()
		r.empty()
	})
}
