package loadtest

import (
	"sync/atomic"

	"clirgate/loadtest/wire"
)

// learn takes remote tag, target and route set from the message that makes the dialog:
// a response for the caller, the INVITE for the callee (RFC 3261 12.1).
func (g *leg) learn(m *wire.Message) {
	peer := wire.To
	if m.Status == 0 {
		peer = wire.From
	}
	g.remote = g.keep(m.Get(peer))
	g.tagged = true
	g.retarget(m)
	at := len(g.store)
	if m.Status == 0 {
		wire.Elements(m, wire.RecordRoute, g.route)
	} else {
		g.routeBackwards(m)
	}
	g.routes = g.kept(at)
	g.nextHop()
}

// route adds one line to the route set.
func (g *leg) route(v []byte) {
	g.store = append(g.store, "Route: "...)
	g.store = append(g.store, v...)
	g.store = append(g.store, "\r\n"...)
}

// routeBackwards is the route set of the side that sent the request.
func (g *leg) routeBackwards(m *wire.Message) {
	var all [8][]byte
	n := 0
	wire.Elements(m, wire.RecordRoute, func(v []byte) {
		if n < len(all) {
			all[n] = v
			n++
		}
	})
	for n > 0 {
		n--
		g.route(all[n])
	}
}

// retarget takes the remote target from a Contact.
func (g *leg) retarget(m *wire.Message) {
	if v := m.Get(wire.Contact); v != nil {
		_, uri, _ := wire.Address(v)
		if string(uri) != string(g.target) {
			g.target = g.keep(uri)
		}
	}
}

// nextHop finds where requests of the dialog go: the first route, else the target,
// where these are addresses; else where the dialog's messages came from.
func (g *leg) nextHop() {
	uri := g.target
	if len(g.routes) > 0 {
		_, uri, _ = wire.Address(g.routes[len("Route: "):])
	}
	if a, ok := wire.AddrPort(uri); ok {
		g.dest = dest{addr: a}
	}
}

// ask sends a request within the dialog.
func (g *leg) ask(m wire.Method, finish func(b []byte) []byte) {
	g.cseq++
	g.branch++
	b := g.request(m, g.target, g.cseq, g.branch, g.remote)
	b = finish(b)
	t := &g.req
	if m == wire.Invite {
		t = &g.inv
	}
	t.start(g, m, g.cseq, g.branch, b)
	var sent *atomic.Int64
	if m == wire.Bye {
		sent = &g.byeOut
	}
	g.ep.end(b, g.dest, sent)
}

// askSDP finishes a request that carries an offer.
func (g *leg) askSDP(b []byte) []byte {
	g.version++
	return g.withSDP(g.appendContact(b))
}

// bye hangs up.
func (g *leg) bye() {
	g.stage = leaving
	g.loop.wheel.stop(&g.step)
	g.ask(wire.Bye, empty)
}

// ack acknowledges a 2xx, each time it comes. It is built from the response alone, so
// that it can be built for any.
func (g *leg) ack(m *wire.Message) {
	g.branch++
	b := g.request(wire.Ack, g.target, m.CSeqNum, g.branch, m.Get(wire.To))
	g.ep.end(empty(b), g.dest, nil)
}

// within handles a request of the peer inside the dialog. It answers false when the
// request belongs to no dialog of this leg.
func (g *leg) within(m *wire.Message, from dest) bool {
	switch m.Method {
	case wire.Invite:
		g.reinvited(m, from)
		return true
	case wire.Ack:
		g.acked(m)
		return true
	case wire.Bye:
		g.answer(m, 200, from)
		g.hungUp()
		return true
	case wire.Prack:
		g.answer(m, 200, from)
		g.pracked()
		return true
	case wire.Refer:
		g.answer(m, 202, from)
		if !g.got {
			g.got = true
			g.ask(wire.Notify, notifyBody)
		}
		return true
	case wire.Update:
		g.retarget(m)
		g.renegotiate(m)
		g.got = true
		g.answer(m, 200, from)
	case wire.Notify:
		g.got = true
		g.answer(m, 200, from)
	case wire.Text, wire.Info, wire.Options:
		g.answer(m, 200, from)
		return true
	default:
		return false
	}
	if g.ep.role == calling && g.stage == confirmed {
		g.callerAsked()
	}
	return true
}

func notifyBody(b []byte) []byte {
	b = append(b, "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n"...)
	return withBody(b, "message/sipfrag", func(b []byte) []byte { return append(b, "SIP/2.0 200 OK\r\n"...) })
}

// reinvited answers a re-INVITE.
func (g *leg) reinvited(m *wire.Message, from dest) {
	switch {
	case m.CSeqNum == g.srv.cseq && g.srv.head != nil:
		g.again()
	case g.inv.active || g.srv.final && !g.srv.acked:
		g.answer(m, 491, from)
	default:
		g.retarget(m)
		g.renegotiate(m)
		g.serve(m, from)
		g.got = true
		g.version++
		g.reply(200, true, "")
	}
}

// renegotiate follows a new session description.
func (g *leg) renegotiate(m *wire.Message) {
	if g.media != nil {
		g.media.aim(m.Body)
		g.media.renegotiated()
	}
}

// acked is an ACK: of the first answer, or of one to a re-INVITE.
func (g *leg) acked(m *wire.Message) {
	if !g.acknowledge(m.CSeqNum) {
		return
	}
	switch {
	case g.stage == answered:
		g.stage = confirmed
		g.nextHop()
		g.calleeConfirmed()
	case g.stage == confirmed && g.ep.role == calling:
		g.nextHop()
		g.callerAsked()
	case g.stage == ringing || g.stage == begun: // of a refusal
		g.carried()
	}
}

// hungUp is the peer's BYE.
func (g *leg) hungUp() {
	if g.stage == over {
		return
	}
	if g.ep.role == calling {
		if g.flow != CalleeBye && g.stage != leaving {
			g.fail("the callee hung up")
			return
		}
		g.carried()
		return
	}
	if g.stage < answered && !g.srv.final { // early dialog: the INVITE ends too (RFC 3261 15.1.2)
		g.loop.wheel.stop(&g.step)
		g.reply(487, false, "")
		return
	}
	g.carried()
}
