package loadtest

import (
	"sync/atomic"

	"clirgate/loadtest/wire"
)

// serve begins answering an INVITE, the first or one within the dialog.
func (g *leg) serve(m *wire.Message, from dest) {
	t := &g.srv
	t.stop(g.loop)
	g.loop.putBuf(&t.head)
	t.head = appendHead(g.loop.getBuf(), m, g.appendTag)
	t.cseq, t.final, t.acked, t.reliable = m.CSeqNum, false, false, false
	g.dest = from
}

// reply sends a response to the INVITE being answered.
func (g *leg) reply(status int, withSDP bool, extra string) {
	b := g.ep.status(status)
	b = append(b, g.srv.head...)
	if status > 100 && status < 300 {
		b = g.appendContact(b)
	}
	b = append(b, extra...)
	if status > 100 {
		b = g.own(b)
	}
	if withSDP {
		b = g.withSDP(b)
	} else {
		b = empty(b)
	}
	g.answering(status, b)
	var sent *atomic.Int64
	if status == 200 && g.stage < answered && g.page != nil {
		sent = &g.page.answered
	}
	g.ep.end(b, g.dest, sent)
}

// answering keeps a response and arms its retransmission: final ones until ACK, 2xx
// over any transport (RFC 3261 13.3.1.4, 17.2.1), reliable ones until PRACK.
func (g *leg) answering(status int, b []byte) {
	l, t := g.loop, &g.srv
	t.stop(l)
	t.msg = append(l.getBuf(), b...)
	t.final = status >= 200
	if !t.final && !t.reliable || status >= 300 && g.ep.reliable() {
		return
	}
	t.interval = l.config.t1
	t.until = l.wheel.now + 64*l.config.t1
	l.wheel.set(&t.timer, t.interval)
}

// again answers a retransmitted INVITE with the last response.
func (g *leg) again() {
	if g.srv.msg != nil && !g.srv.acked {
		g.ep.resend(g.srv.msg, g.dest)
	}
}
