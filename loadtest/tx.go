package loadtest

import "clirgate/loadtest/wire"

// start keeps the request b just written and waits for its response. Timers are those
// of RFC 3261 17.1: T1 doubling, for INVITE without bound, else up to T2; given up
// after 64 T1.
func (t *clientTx) start(g *leg, m wire.Method, cseq uint32, branch uint8, b []byte) {
	l := g.loop
	t.stop(l)
	t.method, t.cseq, t.branch, t.active, t.provisional = m, cseq, branch, true, false
	t.until = l.wheel.now + 64*l.config.t1
	t.interval = l.config.t1
	if g.ep.reliable() {
		t.interval = 64 * l.config.t1
	} else {
		t.msg = append(l.getBuf(), b...)
	}
	l.wheel.set(&t.timer, t.interval)
}

// stop ends the wait.
func (t *clientTx) stop(l *Loop) {
	l.wheel.stop(&t.timer)
	l.putBuf(&t.msg)
	t.active = false
}

// proceed notes a provisional response: an INVITE is not sent again.
func (t *clientTx) proceed(g *leg) {
	t.provisional = true
	if t.method == wire.Invite {
		g.loop.wheel.stop(&t.timer) // the guard watches from here on
		return
	}
	t.interval = g.loop.config.t2
}

// retry sends the request again or gives it up.
func (g *leg) retry(t *clientTx) {
	l := g.loop
	if l.wheel.now >= t.until {
		what := "no answer to " + t.method.String()
		t.stop(l)
		if t.method == wire.Cancel || g.stage == over {
			return // the INVITE's own end decides
		}
		g.fail(what)
		return
	}
	g.ep.resend(t.msg, g.dest)
	t.interval *= 2
	if t.method != wire.Invite || t.provisional {
		t.interval = min(t.interval, l.config.t2)
	}
	l.wheel.set(&t.timer, min(t.interval, max(t.until-l.wheel.now, 1)))
}

// stop ends a server transaction's retransmissions.
func (t *serverTx) stop(l *Loop) {
	l.wheel.stop(&t.timer)
	l.putBuf(&t.msg)
}

// retryResponse sends a final or reliable provisional response again until it is
// acknowledged.
func (g *leg) retryResponse() {
	l, t := g.loop, &g.srv
	if l.wheel.now >= t.until {
		reliable := t.reliable
		t.stop(l)
		switch {
		case g.stage == over:
		case reliable:
			g.fail("no PRACK")
		default:
			g.fail("no ACK")
		}
		return
	}
	g.ep.resend(t.msg, g.dest)
	t.interval = min(t.interval*2, l.config.t2)
	l.wheel.set(&t.timer, t.interval)
}

// acknowledge is what an ACK does.
func (g *leg) acknowledge(cseq uint32) bool {
	t := &g.srv
	if !t.final || t.acked || cseq != t.cseq {
		return false
	}
	t.acked = true
	t.stop(g.loop)
	return true
}
