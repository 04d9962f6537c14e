package transaction

import (
	"fmt"
	"strings"
	"testing"
)

// Each table below is one figure of the RFC in full: what is not listed is ignored.
// A line reads "state event -> state: actions; repeat; until".

func TestInviteClientMachine(t *testing.T) {
	checkMachine(t, &inviteClient, []string{
		// RFC 3261 figure 5, RFC 6026 7.2
		"calling A -> calling: again; A; -",
		"calling B -> terminated: fail; stop; stop",
		"calling transport-error -> terminated: fail; stop; stop",
		"calling 100 -> proceeding: pass; stop; C",
		"calling 1xx -> proceeding: pass; stop; C",
		"calling 2xx -> accepted: pass; stop; M",
		"calling 3-6xx -> completed: pass ack; stop; D",
		"proceeding 100 -> proceeding: pass; -; -",
		"proceeding 1xx -> proceeding: pass; -; C",
		"proceeding 2xx -> accepted: pass; -; M",
		"proceeding 3-6xx -> completed: pass ack; -; D",
		"completed 3-6xx -> completed: ack; -; -",
		"completed D -> terminated: ; stop; stop",
		"completed transport-error -> terminated: ; stop; stop",
		"accepted 2xx -> accepted: pass; -; -",
		"accepted M -> terminated: ; stop; stop",
		// RFC 3261 16.8, 9.1
		"proceeding C -> proceeding: fail; -; -",
		"calling cancel -> calling-cancelled: ; -; -",
		"calling-cancelled A -> calling-cancelled: again; A; -",
		"calling-cancelled B -> terminated: fail; stop; stop",
		"calling-cancelled transport-error -> terminated: fail; stop; stop",
		"calling-cancelled 100 -> cancelling: pass cancel; stop; cancelled",
		"calling-cancelled 1xx -> cancelling: pass cancel; stop; cancelled",
		"calling-cancelled 2xx -> accepted: pass; stop; M",
		"calling-cancelled 3-6xx -> completed: pass ack; stop; D",
		"proceeding cancel -> cancelling: cancel; -; cancelled",
		"cancelling 100 -> cancelling: pass; -; -",
		"cancelling 1xx -> cancelling: pass; -; -",
		"cancelling 2xx -> accepted: pass; -; M",
		"cancelling 3-6xx -> completed: pass ack; -; D",
		"cancelling cancelled -> terminated: fail; stop; stop",
		// given up early
		"calling give-up -> abandoned: fail; stop; B",
		"calling-cancelled give-up -> abandoned: fail; stop; B",
		"abandoned 100 -> abandoned: cancel; -; cancelled",
		"abandoned 1xx -> abandoned: cancel; -; cancelled",
		"abandoned 2xx -> accepted: pass; -; M",
		"abandoned 3-6xx -> completed: ack; -; D",
		"abandoned B -> terminated: ; stop; stop",
		"abandoned cancelled -> terminated: ; stop; stop",
		"abandoned transport-error -> terminated: ; stop; stop",
	})
}

func TestNonInviteClientMachine(t *testing.T) {
	checkMachine(t, &nonInviteClient, []string{
		// RFC 3261 figure 6
		"trying E -> trying: again; E; -",
		"trying F -> terminated: fail; stop; stop",
		"trying transport-error -> terminated: fail; stop; stop",
		"trying 100 -> proceeding: pass; -; F",
		"trying 1xx -> proceeding: pass; -; F",
		"trying 2xx -> completed: pass; stop; K",
		"trying 3-6xx -> completed: pass; stop; K",
		"proceeding E -> proceeding: again; E2; -",
		"proceeding E2 -> proceeding: again; E2; -",
		"proceeding F -> terminated: fail; stop; stop",
		"proceeding transport-error -> terminated: fail; stop; stop",
		"proceeding 100 -> proceeding: pass; -; -",
		"proceeding 1xx -> proceeding: pass; -; -",
		"proceeding 2xx -> completed: pass; stop; K",
		"proceeding 3-6xx -> completed: pass; stop; K",
		"completed K -> terminated: ; stop; stop",
		// given up early
		"trying give-up -> terminated: fail; stop; stop",
	})
}

func TestInviteServerMachine(t *testing.T) {
	checkMachine(t, &inviteServer, []string{
		// RFC 3261 figure 7, RFC 6026 7.1; transport errors change no state there
		"proceeding INVITE -> proceeding: again; -; -",
		"proceeding send-100 -> proceeding: send; stop; -",
		"proceeding send-1xx -> proceeding: send; stop; -",
		"proceeding send-2xx -> accepted: send; stop; L",
		"proceeding send-3-6xx -> completed: send; G; H",
		"proceeding 200ms -> proceeding: reply-100; -; -",
		"completed INVITE -> completed: again; -; -",
		"completed G -> completed: again; G; -",
		"completed H -> terminated: ; stop; stop",
		"completed ACK -> confirmed: ; stop; I",
		"confirmed I -> terminated: ; stop; stop",
		"accepted send-2xx -> accepted: send; -; -",
		"accepted ACK -> accepted: pass; -; -",
		"accepted L -> terminated: ; stop; stop",
	})
}

func TestNonInviteServerMachine(t *testing.T) {
	checkMachine(t, &nonInviteServer, []string{
		// RFC 3261 figure 8; 1xx other than 100 are forbidden by RFC 4320 4.1
		"trying send-100 -> proceeding: send; stop; -",
		"trying send-2xx -> completed: send; stop; J",
		"trying send-3-6xx -> completed: send; stop; J",
		"proceeding INVITE -> proceeding: again; -; -",
		"proceeding send-100 -> proceeding: send; -; -",
		"proceeding send-2xx -> completed: send; stop; J",
		"proceeding send-3-6xx -> completed: send; stop; J",
		"proceeding transport-error -> terminated: ; stop; stop",
		"completed INVITE -> completed: again; -; -",
		"completed J -> terminated: ; stop; stop",
		"completed transport-error -> terminated: ; stop; stop",
		// RFC 4320
		"trying quiet -> proceeding: reply-100; -; -",
		"trying send-none -> completed: ; stop; J",
		"proceeding send-none -> completed: ; stop; J",
		"trying late -> terminated: ; stop; stop",
		"proceeding late -> terminated: ; stop; stop",
	})
}

// checkMachine compares a machine with its figure, both ways.
func checkMachine(t *testing.T, m *machine, want []string) {
	t.Helper()
	left := map[string]bool{}
	for s := range m {
		for e, st := range m[s] {
			if st.next != none {
				left[stepText(state(s), event(e), st)] = true
			}
		}
	}
	for _, line := range want {
		if !left[line] {
			t.Errorf("missing: %s", line)
		}
		delete(left, line)
	}
	for line := range left {
		t.Errorf("not in the figure: %s", line)
	}
}

func stepText(s state, e event, st step) string {
	return fmt.Sprintf("%s %s -> %s: %s; %s; %s", stateTexts[s], eventTexts[e], stateTexts[st.next],
		actionText(st.do), timerText(st.repeat), timerText(st.until))
}

var stateTexts = map[state]string{
	trying: "trying", calling: "calling", callingCancelled: "calling-cancelled", proceeding: "proceeding",
	cancelling: "cancelling", abandoned: "abandoned", completed: "completed", confirmed: "confirmed",
	accepted: "accepted", terminated: "terminated",
}

var eventTexts = map[event]string{
	timerA: "A", timerB: "B", timerC: "C", timerD: "D", timerE: "E", timerE2: "E2", timerF: "F", timerG: "G",
	timerH: "H", timerI: "I", timerJ: "J", timerK: "K", timerL: "L", timerM: "M",
	timerGiveUp: "give-up", timerCancelled: "cancelled", timer100: "200ms", timerQuiet: "quiet", timerLate: "late",
	on100: "100", on1xx: "1xx", on2xx: "2xx", onFailure: "3-6xx", onCancel: "cancel", onRequest: "INVITE", onAck: "ACK",
	send100: "send-100", send1xx: "send-1xx", send2xx: "send-2xx", sendFinal: "send-3-6xx", sendNone: "send-none",
	onTransportError: "transport-error",
}

func actionText(do action) string {
	var words []string
	for i, name := range []string{"send", "again", "pass", "ack", "cancel", "fail", "reply-100"} {
		if do&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

func timerText(e event) string {
	switch e {
	case keep:
		return "-"
	case stop:
		return "stop"
	}
	return eventTexts[e]
}

// Every step leads to a state of the same machine, and a machine that has begun can
// always end.
func TestMachinesEnd(t *testing.T) {
	for name, c := range map[string]struct {
		m     *machine
		first state
	}{
		"INVITE client": {&inviteClient, calling}, "client": {&nonInviteClient, trying},
		"INVITE server": {&inviteServer, proceeding}, "server": {&nonInviteServer, trying},
	} {
		reached := map[state]bool{c.first: true}
		for range stateCount {
			for s := range reached {
				for _, st := range c.m[s] {
					if st.next != none {
						reached[st.next] = true
					}
				}
			}
		}
		for s := range c.m {
			for e, st := range c.m[s] {
				if st.next != none && !reached[state(s)] {
					t.Errorf("%s: %s is never reached", name, stateTexts[state(s)])
				}
				if isTimer(st.until) && c.m[st.next][st.until].next == none {
					t.Errorf("%s: %s %s starts a timer that %s does not know", name, stateTexts[state(s)], eventTexts[event(e)], stateTexts[st.next])
				}
			}
		}
		if !reached[terminated] {
			t.Errorf("%s never ends", name)
		}
	}
}

func isTimer(e event) bool { return e != keep && e != stop }
