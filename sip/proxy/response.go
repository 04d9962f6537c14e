package proxy

import (
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
)

// Response takes in a response of a next hop (RFC 3261 16.7). One branch is tried at a
// time, so the best response is the last final one, and challenges need no merging.
func (p *Proxy) Response(client *transaction.Client, m *message.Message) {
	c, b := callOf(client)
	if c == nil {
		p.identityAnswered(client, m)
		return
	}
	if !b.responded {
		b.responded = true
		p.silent.remove(b.to.at)
	}
	p.learn(b, m)
	status := m.Status()
	if status == 100 {
		return
	}
	c.m, c.now = c.tx.Request(), p.d.Now()
	w := takeWork()
	defer w.giveBack()
	switch {
	case status < 200:
		c.relay(w, b, m)
	case status < 300:
		b.to.peer.tally.outcome(status)
		c.finish(status)
		c.relay(w, b, m)
		c.cancelOthers(client)
	default:
		b.to.peer.tally.outcome(status)
		c.failed(w, b, m)
	}
}

func callOf(client *transaction.Client) (*call, *branch) {
	c, _ := client.Server().Data.(*call)
	b, _ := client.Data.(*branch)
	if b == nil {
		return nil, nil
	}
	return c, b
}

// failed: a next hop refused. 503, and for an emergency call any failure of a server, has
// the next target tried; every other answer is the callee's and goes back, 433 and 6xx
// above all (PRV-34). A redirection is not followed (SIP-32).
func (c *call) failed(w *work, b *branch, m *message.Message) {
	status := m.Status()
	if c.tx.Answered() || b != c.branch {
		return
	}
	again := status == 503 || c.emergency() && status/100 == 5
	switch {
	case again && !c.cancelled && c.more():
		c.forward(w)
	case status == 503:
		c.hops.timedOut = false
		c.exhausted()
	default:
		c.finish(status)
		c.relay(w, b, m)
	}
}

// cancelOthers: a target given up for another may ring all the same.
func (c *call) cancelOthers(answered *transaction.Client) {
	if c.method != message.INVITE {
		return
	}
	for client := range c.tx.Clients() {
		if client != answered && !client.Final() {
			client.Cancel(nil)
		}
	}
}

// relay sends a response back as the requester is to see it.
func (c *call) relay(w *work, b *branch, m *message.Message) {
	if c.m == nil {
		return
	}
	c.readResponder(b, m)
	responder := c.sender.Other()
	back := c.p.hopOf(c.from, c.flow.Listener)
	w.t = privacy.Transit{
		M: m, Request: c.m, Source: c.flow.Remote, Dialog: &c.dialog, Sender: responder, Initial: c.initial,
		Call: c.treatment, From: b.hop, Next: back, Asserts: b.to.peer.asserts(),
		Domain: c.t.domain, Plan: c.p.d.Plan, Keys: c.p.d.Keys, Now: c.now,
		Raised: c.raised[side(responder)] == raisedBare,
	}
	if responder == privacy.Caller {
		w.t.Network = c.dialog.CallerNumbers[0]
	}
	if c.withheld(responder) {
		w.t.Routes = c.routesTo(w, b, m)
	} else if len(m.ToTag()) > 0 {
		b.tagShown = true
	}
	e := &w.e
	e.Reset(m)
	if err := privacy.Plan(e, &w.t); err != nil {
		c.drop(m)
		return
	}
	status := m.Status()
	if w.t.Status != 0 {
		status = w.t.Status
	}
	c.editResponseRoutes(w, m)
	e.ForStream(c.flow.Stream())
	var err error
	if w.out, err = e.Apply(w.out[:0]); err != nil {
		c.p.alarm.raise(c.now, Unplanned, "a response could not be rewritten", "cause", err.Error())
		c.drop(m)
		return
	}
	if !c.guardResponse(w, responder, &back) {
		c.drop(m)
		return
	}
	c.tx.Respond(status, w.out)
	if c.from.TellsIdentity {
		c.askIdentity(w, status)
	}
}

// readResponder: the other side may ask for privacy in its response, have done so before,
// or have it by rule (TIR).
func (c *call) readResponder(b *branch, m *message.Message) {
	responder := c.sender.Other()
	if c.dialog.Class == rules.E {
		return
	}
	if c.raised[side(responder)] != notRaised {
		c.setWithheld(responder)
	}
	if !c.withheld(responder) && (privacy.Raises(m) || c.connectedWithheld(b.to.peer, m)) && !(responder == privacy.Caller && c.treatment.Override) {
		mapped := c.initial && !b.tagShown
		c.p.note(Raised)
		c.p.raised.add(c.dialog.ID, m.ToTag(), mapped, c.now, c.t.maxCall)
		c.raiseSide(responder, mapped)
	}
	if c.withheld(responder) && responder == privacy.Callee {
		c.noteConnected(m)
	}
}

// routesTo is the route set to a withheld responder for the token in our Contact; nil where
// the token of the request has it.
func (c *call) routesTo(w *work, b *branch, m *message.Message) []byte {
	switch {
	case c.initial:
		return c.responderRoutes(w, m, b)
	case c.token == contactToken:
		return nil
	}
	// The way the request itself went on.
	w.routes = w.routes[:0]
	n := 0
	for _, s := range c.m.ValuesOf(message.HRoute) {
		if n++; n <= c.path.drop {
			continue
		}
		if len(w.routes) > 0 {
			w.routes = append(w.routes, ", "...)
		}
		w.routes = append(w.routes, c.m.Get(s)...)
	}
	if w.routes == nil {
		w.routes = []byte{}
	}
	return w.routes
}

// guardResponse searches a finished response of a withheld party; what holds a number of
// its is taken out.
func (c *call) guardResponse(w *work, responder privacy.Side, back *privacy.Hop) bool {
	if !c.guarded(responder, back) || !c.needles(w, responder) {
		return true
	}
	leak, hit := findLeak(w)
	if !hit {
		return true
	}
	c.alarmLeak(leak)
	return c.clean(w, leak)
}

// drop: a response that cannot be sent as it must be. A final one is replaced by an answer
// of the gateway's own, so that the requester does not wait in vain.
func (c *call) drop(m *message.Message) {
	if m.Status() >= 200 && !c.tx.Answered() {
		c.tx.Reply(500, "", nil)
	}
}

// Failed: no final response will come from a next hop.
func (p *Proxy) Failed(client *transaction.Client, why transaction.Failure) {
	c, b := callOf(client)
	if c == nil {
		return
	}
	if why == transaction.TimerC {
		c.hops.timedOut = true
		client.Cancel(nil)
		return
	}
	b.to.peer.tally.failure(why)
	if c.tx.Answered() || b != c.branch {
		return
	}
	if c.m, c.now = c.tx.Request(), p.d.Now(); c.m == nil {
		return
	}
	w := takeWork()
	defer w.giveBack()
	switch {
	case c.cancelled:
		c.exhausted()
	case b.bySize && !b.responded:
		if !c.refusedTCP(w, b) {
			c.forward(w)
		}
	case b.responded:
		c.hops.timedOut = true
		c.exhausted()
	default:
		if why == transaction.TimedOut {
			c.hops.timedOut = true
			p.silent.add(b.to.at, c.now, silentFor)
			p.alarm.raise(c.now, Failover, "a target does not answer", "peer", b.to.peer.Name)
		}
		c.forward(w)
	}
}
