package loadtest

import (
	"bytes"

	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// toCallee handles a message for the callees' side.
func (l *Loop) toCallee(ep *endpoint, m *wire.Message, from dest, at int64) {
	id := m.Get(wire.CallID)
	h := l.hash(id)
	g := ep.legs[h]
	if g != nil && !bytes.Equal(g.callID, id) {
		g = nil
	}
	if g == nil {
		l.newCall(ep, m, from, at, h)
		return
	}
	g.judgeCalled(m, false)
	g.alive()
	switch {
	case m.Status != 0 && m.Method == wire.Invite:
		g.reinviteAnswered(m)
	case m.Status != 0:
		g.response(m, at)
	case m.Method == wire.Invite && wire.Tag(m.Get(wire.To)) == nil:
		if m.CSeqNum == g.srv.cseq {
			g.again()
		} else {
			ep.refuse(m, 482, from)
		}
	case m.Method == wire.Cancel:
		g.takenBack(m, from)
	case g.stage == over && m.Method != wire.Bye && m.Method != wire.Ack:
		ep.refuse(m, 481, from)
	default:
		if !g.within(m, from) {
			ep.refuse(m, 481, from)
		}
	}
}

// newCall handles a message that belongs to no leg.
func (l *Loop) newCall(ep *endpoint, m *wire.Message, from dest, at int64, h uint64) {
	switch {
	case m.Status != 0:
		l.stats.strays++
		return
	case m.Method == wire.Options:
		ep.refuse(m, 200, from) // health checks
		return
	case wire.Tag(m.Get(wire.To)) != nil, m.Method != wire.Invite && m.Method != wire.Text:
		l.stats.strays++
		ep.refuse(m, 481, from)
		return
	}
	c, ok := called(m)
	if !ok {
		l.stats.strays++
		ep.refuse(m, 404, from)
		return
	}
	p := l.book.page(c.slot)
	class, line := c.settle(p)
	if m.Method == wire.Text {
		class = ep.judge.Called(m, class, line, true)
		l.arrived(c.slot, p, class, at)
		ep.refuse(m, 200, from)
		return
	}
	l.calleeGen++
	g := l.newLeg(ep, callName{c.slot, l.calleeGen & genMask})
	g.does, g.page, g.class = c.behaviour, p, class
	if p != nil {
		g.who = p.caller
	}
	g.callID = g.keep(m.Get(wire.CallID))
	ep.legs[h] = g
	g.judgeCalled(m, true)
	l.arrived(c.slot, p, g.class, at)
	g.accept(m, from)
}

// settle is what the callee may see of a call, by its number and by the book.
func (c code) settle(p *page) (oracle.Class, *oracle.Line) {
	if p == nil {
		return c.class, nil
	}
	class := p.class
	if t := p.caller.toggle; t != nil && class != oracle.Emergency && t.epoch.Load() != p.epoch {
		class = oracle.Unsure
	}
	return class, p.caller.Line
}

// judgeCalled lets the oracle see what reached the callee.
func (g *leg) judgeCalled(m *wire.Message, first bool) {
	var line *oracle.Line
	if g.who != nil {
		line = g.who.Line
	}
	g.class = g.ep.judge.Called(m, g.class, line, first)
}

// accept begins a call as its number says.
func (g *leg) accept(m *wire.Message, from dest) {
	l := g.loop
	l.wheel.set(&g.guard, l.config.patience)
	g.learn(m)
	at := len(g.store)
	g.store = append(g.store, m.Get(wire.To)...)
	g.store = append(g.store, ";tag="...)
	g.store = g.appendTag(g.store)
	g.local = g.kept(at)
	at = len(g.store)
	g.store = append(g.store, "sip:callee@"...)
	g.store = append(g.store, g.ep.address...)
	g.store = append(g.store, g.ep.suffix...)
	g.contact = g.kept(at)
	g.version = 1
	if l.media != nil {
		g.media = l.media.open(g)
		g.media.aim(m.Body)
	}
	g.serve(m, from)
	ring := l.config.ring
	switch g.does {
	case isBusy:
		g.reply(486, false, "")
	case redirects:
		g.reply(302, false, "Contact: <sip:+31701234567@elsewhere.invalid>\r\n")
	case keepsSilent:
		g.reply(100, false, "")
		g.after(l.config.patience)
	case wantsPRACK:
		g.stage = ringing
		g.srv.reliable, g.srv.rseq = true, 1
		g.reply(183, true, "Require: 100rel\r\nRSeq: 1\r\n")
	default:
		g.stage = ringing
		g.reply(180, false, "")
		if g.does == keepsRinging {
			ring = l.config.patience
		}
		g.after(ring)
	}
}

// calleeStep is the callee's next act.
func (g *leg) calleeStep() {
	switch {
	case g.stage <= ringing && (g.does == doesNotAnswer || g.does == keepsRinging || g.does == keepsSilent):
		g.reply(480, false, "")
	case g.stage <= ringing:
		g.reply(200, true, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, REFER, NOTIFY\r\nSupported: 100rel, timer\r\n")
		g.stage = answered
		if g.media != nil {
			g.media.begin()
		}
	case g.stage != confirmed:
	case g.does == hangsUp:
		g.bye()
	case g.does == reinvites:
		g.ask(wire.Invite, g.askSDP)
	case g.does == updates:
		g.ask(wire.Update, g.askSDP)
	}
}

// calleeConfirmed goes on once the answer is acknowledged.
func (g *leg) calleeConfirmed() {
	switch g.does {
	case hangsUp:
		g.after(g.loop.config.hold)
	case reinvites, updates:
		g.after(g.loop.config.hold / 2)
	}
}

// pracked is the PRACK of the reliable 183.
func (g *leg) pracked() {
	if !g.srv.reliable {
		return
	}
	g.srv.reliable = false
	g.srv.stop(g.loop)
	g.reply(180, false, "")
	g.after(g.loop.config.ring)
}

// takenBack is the caller's CANCEL.
func (g *leg) takenBack(m *wire.Message, from dest) {
	g.answer(m, 200, from)
	if g.srv.final || g.stage == over {
		return
	}
	g.loop.wheel.stop(&g.step)
	g.reply(487, false, "")
}

// reinviteAnswered is the response to the callee's re-INVITE.
func (g *leg) reinviteAnswered(m *wire.Message) {
	switch {
	case m.Status < 200:
		if g.inv.active {
			g.inv.proceed(g)
		}
		return
	case m.Status < 300:
		g.retarget(m)
		g.renegotiate(m)
		g.ack(m)
	default:
		b := g.request(wire.Ack, g.target, m.CSeqNum, g.inv.branch, m.Get(wire.To))
		g.ep.end(empty(b), g.dest, nil)
		if g.inv.active && m.Status != 491 && m.Status != 481 {
			g.fail("re-INVITE: " + reason(m.Status))
			return
		}
	}
	branch := g.inv.branch
	g.inv.stop(g.loop)
	g.inv.branch = branch
}
