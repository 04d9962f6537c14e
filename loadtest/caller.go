package loadtest

import (
	"bytes"

	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// toCaller handles a message for the callers' side.
func (l *Loop) toCaller(ep *endpoint, m *wire.Message, from dest, at int64) {
	g := l.find(m)
	if g == nil {
		l.stats.strays++
		ep.refuse(m, 481, from)
		return
	}
	g.judgeCalling(m)
	g.alive()
	if m.Status != 0 {
		g.callerResponse(m, at)
		return
	}
	if g.stage == over && m.Method != wire.Bye && m.Method != wire.Notify {
		ep.refuse(m, 481, from)
		return
	}
	if !g.within(m, from) {
		ep.refuse(m, 481, from)
	}
}

// find is the call a message belongs to: by the branch of a response, else by any
// identifier that was restored.
func (l *Loop) find(m *wire.Message) *leg {
	if m.Status != 0 {
		if g := l.named(wire.TopVia(m)); g != nil {
			return g
		}
	}
	if g := l.named(m.Get(wire.CallID)); g != nil {
		return g
	}
	if m.Status == 0 {
		if g := l.named(m.URI); g != nil {
			return g
		}
		return l.named(m.Get(wire.To))
	}
	return l.named(m.Get(wire.From))
}

func (l *Loop) named(value []byte) *leg {
	n, _, ok := readName(value)
	if !ok || n.slot < l.slots.base || n.slot-l.slots.base >= uint32(len(l.calls)) {
		return nil
	}
	if g := l.calls[n.slot-l.slots.base]; g != nil && g.name == n {
		return g
	}
	return nil
}

// judgeCalling lets the oracle see what reached the caller.
func (g *leg) judgeCalling(m *wire.Message) {
	j := &g.ep.judge
	s := oracle.Sent{From: g.local, To: g.dialled, CallID: g.callID, Contact: g.contact, SentBy: g.ep.address, Loose: g.class == oracle.Emergency}
	if m.Status != 0 {
		if t := g.waiting(m); t != nil {
			g.loop.scratch = g.appendBranch(g.loop.scratch[:0], t.branch)
			s.Branch = g.loop.scratch
		}
	}
	j.Calling(m, &s)
}

// waiting is the request a response answers, nil when it is answered already.
func (g *leg) waiting(m *wire.Message) *clientTx {
	for _, t := range [...]*clientTx{&g.inv, &g.req} {
		if t.active && t.cseq == m.CSeqNum && t.method == m.Method {
			return t
		}
	}
	return nil
}

// callerResponse moves the call on.
func (g *leg) callerResponse(m *wire.Message, at int64) {
	if m.Method != wire.Invite {
		g.response(m, at)
		return
	}
	switch {
	case m.Status < 200:
		if g.inv.active && m.CSeqNum == g.inv.cseq {
			g.inv.proceed(g)
			g.provisional(m)
		}
	case m.Status < 300:
		g.accepted(m, at)
	default:
		g.refused(m)
	}
}

// provisional is a 1xx to the first INVITE.
func (g *leg) provisional(m *wire.Message) {
	if g.stage > ringing {
		return
	}
	if m.Status == 100 {
		switch {
		case g.stage != begun:
		case g.flow == CancelEarly:
			g.cancel()
		case g.flow == CancelRinging || g.flow == EarlyBye:
			g.after(g.loop.config.ring + ringLost) // the 180 may get lost
		}
		return
	}
	if wire.Tag(m.Get(wire.To)) != nil && !g.tagged {
		g.learn(m)
	}
	if rseq := m.Get(wire.RSeq); rseq != nil && !g.asked && g.tagged {
		g.asked = true
		g.ask(wire.Prack, func(b []byte) []byte {
			b = append(append(b, "RAck: "...), rseq...)
			return empty(append(b, " 1 INVITE\r\n"...))
		})
	}
	if g.stage == ringing {
		return
	}
	g.stage = ringing
	switch g.flow {
	case CancelRinging, EarlyBye:
		g.after(g.loop.config.ring)
	case CancelEarly: // it rings after all
		g.cancel()
	}
}

// ringLost is how much longer a caller waits for ringing before he gives up anyway.
const ringLost ticks = 2000

// cancel takes the call back (RFC 3261 9.1).
func (g *leg) cancel() {
	g.stage = cancelled
	routes := g.routes
	g.routes = nil // the INVITE had none
	b := empty(g.request(wire.Cancel, g.uri, g.inv.cseq, g.inv.branch, g.dialled))
	g.routes = routes
	d := g.dest
	g.dest = dest{addr: g.loop.target}
	g.req.start(g, wire.Cancel, g.inv.cseq, g.inv.branch, b)
	g.ep.end(b, g.dest, nil)
	if len(routes) > 0 {
		g.dest = d
	}
}

// accepted is a 2xx to INVITE: the first, one to a re-INVITE, or one come again.
func (g *leg) accepted(m *wire.Message, at int64) {
	if m.CSeqNum != g.inv.cseq || !g.inv.active {
		if g.tagged && bytes.Equal(wire.Tag(m.Get(wire.To)), wire.Tag(g.remote)) {
			g.ack(m)
		} else {
			g.loop.stats.secondAnswers++
		}
		return
	}
	first := g.stage < answered
	g.inv.stop(g.loop)
	if !first { // to the caller's re-INVITE
		g.retarget(m)
		g.renegotiate(m)
		g.ack(m)
		g.after(g.loop.config.hold / 2)
		return
	}
	g.learn(m)
	was := g.stage
	g.stage = confirmed
	g.ack(m)
	g.loop.stats.answer(g, at)
	if g.media != nil {
		g.media.start(m.Body)
	}
	if was == cancelled { // the answer was faster (RFC 3261 9.1)
		g.bye()
		return
	}
	g.callerConfirmed()
}

// callerConfirmed goes on with an answered call.
func (g *leg) callerConfirmed() {
	hold := g.loop.config.hold
	switch g.flow {
	case CalleeBye, ReinviteCallee, UpdateCallee: // the callee's turn
	case ReinviteCaller, UpdateCaller, Refer:
		g.after(hold / 2)
	default:
		g.after(hold)
	}
}

// callerStep is the caller's next act.
func (g *leg) callerStep() {
	switch {
	case g.flow == CancelRinging && g.stage <= ringing, g.flow == EarlyBye && g.stage == begun:
		g.cancel()
	case g.flow == EarlyBye && g.stage == ringing:
		g.asked = true
		g.bye()
	case g.stage != confirmed:
	case g.asked || g.flow == PRACK:
		g.bye()
	case g.flow == ReinviteCaller:
		g.asked = true
		g.ask(wire.Invite, g.askSDP)
	case g.flow == UpdateCaller:
		g.asked = true
		g.ask(wire.Update, g.askSDP)
	case g.flow == Refer:
		g.asked = true
		g.ask(wire.Refer, func(b []byte) []byte {
			b = g.appendContact(b)
			return empty(append(b, "Refer-To: <sip:+31701234567@carrier.example>\r\n"...))
		})
	default:
		g.bye()
	}
}

// callerAsked goes on after a request of the callee within the dialog.
func (g *leg) callerAsked() {
	switch g.flow {
	case ReinviteCallee, UpdateCallee, Refer:
		if !g.step.armed() {
			g.after(g.loop.config.hold / 2)
		}
	}
}

// refused is a final response of 300 and more to an INVITE.
func (g *leg) refused(m *wire.Message) {
	g.ackRefusal(m)
	if m.CSeqNum != g.inv.cseq || !g.inv.active {
		return
	}
	branch := g.inv.branch
	g.inv.stop(g.loop)
	g.inv.branch = branch
	if g.stage >= answered && g.flow != EarlyBye {
		if m.Status == 491 { // glare (RFC 3261 14.1)
			g.bye()
			return
		}
		g.fail("re-INVITE: " + reason(m.Status))
		return
	}
	want := 0
	switch g.flow {
	case Busy:
		want = 486
	case NoAnswer:
		want = 480
	case Redirect:
		want = 302
	case CancelEarly, CancelRinging:
		if g.stage == cancelled {
			want = 487
		}
	case EarlyBye:
		if m.Status == 487 && g.stage != cancelled {
			g.asked = true
			if g.byeDone {
				g.carried()
			}
			return
		}
		if g.stage == cancelled {
			want = 487
		}
	}
	if m.Status == want {
		g.carried()
		return
	}
	g.fail("INVITE: " + reason(m.Status))
}

// ackRefusal acknowledges it within the INVITE's transaction (RFC 3261 17.1.1.3).
func (g *leg) ackRefusal(m *wire.Message) {
	branch, uri := uint8(1), g.uri
	first := m.CSeqNum == 1
	if !first {
		branch, uri = g.inv.branch, g.target
	}
	routes, d := g.routes, g.dest
	if first {
		g.routes, g.dest = nil, dest{addr: g.loop.target}
	}
	b := g.request(wire.Ack, uri, m.CSeqNum, branch, m.Get(wire.To))
	g.ep.end(empty(b), g.dest, nil)
	g.routes, g.dest = routes, d
}

// response is one to a request other than INVITE, of either side.
func (g *leg) response(m *wire.Message, at int64) {
	t := &g.req
	if !t.active || t.cseq != m.CSeqNum || t.method != m.Method {
		return
	}
	if m.Status < 200 {
		t.proceed(g)
		return
	}
	t.stop(g.loop)
	ok := m.Status < 300
	switch m.Method {
	case wire.Bye:
		g.loop.stats.byeDelay(g, at)
		g.byeDone = true
		switch {
		case !ok && m.Status != 481: // 481: both hung up
			g.fail("BYE: " + reason(m.Status))
		case g.flow == EarlyBye && g.ep.role == calling && g.inv.active:
		default:
			g.carried()
		}
	case wire.Cancel:
		if !ok && m.Status != 481 {
			g.fail("CANCEL: " + reason(m.Status))
		}
	case wire.Text:
		if !ok {
			g.fail("MESSAGE: " + reason(m.Status))
			return
		}
		g.carried()
	case wire.Update:
		switch {
		case !ok && m.Status != 491:
			g.fail("UPDATE: " + reason(m.Status))
		case g.ep.role == calling && g.stage == confirmed:
			g.after(g.loop.config.hold / 2)
		}
	default:
		if !ok && g.stage != over && g.stage != leaving {
			g.fail(m.Method.String() + ": " + reason(m.Status))
		}
	}
}
