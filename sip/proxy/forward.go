package proxy

import (
	"errors"
	"strconv"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/overload"
	"clirgate/sip/privacy"
	"clirgate/sip/transport"
)

// forward sends the request to the next place that takes it. It answers false: the path
// ends here.
func (c *call) forward(w *work) bool {
	for {
		t, state := c.nextTarget()
		switch state {
		case hopAwaited:
			return false
		case hopNone:
			c.exhausted()
			return false
		}
		if c.attempt(w, t, false) {
			return false
		}
	}
}

// exhausted: nobody is left to try. A silent one is 408, anything else 500: a 503 of one
// next hop says nothing about this gateway (SIP-23).
func (c *call) exhausted() {
	if c.tx == nil {
		return
	}
	status := 500
	if c.hops.timedOut {
		status = 408
	}
	var extra []byte
	if c.hops.spared && c.hops.attempts == 0 {
		status, extra = 503, retryAfter
		c.p.note(Drained)
	} else if c.hops.insecure && c.hops.attempts == 0 {
		status = 480
		c.p.note(Insecure)
	} else if c.hops.throttled && c.hops.attempts == 0 {
		status, extra = 503, retryAfter
		c.p.note(Throttled)
	}
	if c.cancelled {
		status = 487
	}
	c.finish(status)
	c.tx.Reply(status, "", extra)
}

var (
	errNoListener = errors.New("proxy: no listener for this transport and address family")
	errLeak       = errors.New("proxy: the withheld number is in the finished request")
)

// attempt sends the request to one target, or has it wait for its record. false: not sent,
// the next target is to be tried. plain keeps large requests on UDP.
func (c *call) attempt(w *work, t target, plain bool) (done bool) {
	if c.hops.attempts++; c.hops.attempts > 1 {
		c.p.note(Failover)
	}
	b := c.newBranch(t)
	if err := c.build(w, b, plain); err != nil {
		return c.unbuilt(w, err)
	}
	if c.tx == nil {
		return c.sendAck(w, b)
	}
	c.noteEnd(w)
	if c.record(w, b) {
		return true
	}
	return c.send(w, w.out, b)
}

// unbuilt answers a request that could not be made fit to send.
func (c *call) unbuilt(w *work, err error) (done bool) {
	var critical *privacy.ErrCritical
	switch {
	case errors.Is(err, errNoListener):
		return false
	case errors.As(err, &critical):
		c.recordRefusal(w, 500)
		c.refuse(500, "Privacy level not supported: "+critical.Names, nil, Critical)
	case errors.Is(err, privacy.ErrUnsupportedBody):
		c.recordRefusal(w, 415)
		c.refuse(415, "", nil, UnsupportedBody)
	case errors.Is(err, errLeak):
		c.recordRefusal(w, 500)
		c.refuse(500, "", nil, LeakRequest)
	default:
		c.p.alarm.raise(c.now, Unplanned, "a request could not be rewritten", "cause", err.Error())
		c.refuse(500, "", nil, Unplanned)
	}
	return true
}

const maxUDP = 1300 // RFC 3261 18.1.1

// build makes the finished request in w.out, over the transport that fits its size.
func (c *call) build(w *work, b *branch, plain bool) error {
	if !c.leaveBy(b, b.to.at.Net) {
		return errNoListener
	}
	if err := c.write(w, b); err != nil {
		return err
	}
	if plain || b.to.at.Net != transport.UDP || len(w.out) <= maxUDP || !c.mayTCP(b) {
		return c.guard(w, b)
	}
	if !c.leaveBy(b, transport.TCP) {
		return c.guard(w, b)
	}
	c.p.note(TooLargeForUDP)
	b.bySize = true
	if err := c.write(w, b); err != nil {
		return err
	}
	return c.guard(w, b)
}

// mayTCP: the peer takes TCP, as far as we know. An ACK follows no refusal, so it stays on
// UDP unless the peer is sure to take TCP.
func (c *call) mayTCP(b *branch) bool {
	switch b.to.peer.TCP {
	case TCPAlways:
		return true
	case TCPNever:
		return false
	}
	return c.tx != nil && !c.p.noTCP.has(b.to.at, c.now)
}

// leaveBy picks the listener that b leaves by.
func (c *call) leaveBy(b *branch, n transport.Network) bool {
	t := c.p.d.Transport
	l, ok := t.Pick(n, b.to.at.Addr.Addr())
	if !ok {
		return false
	}
	b.flow = transport.Flow{Net: n, Listener: l, Remote: b.to.at.Addr}
	b.hop = c.p.hopOf(b.to.peer, l)
	return true
}

// hopOf is a peer as the header table sees it, with our address on its side.
func (p *Proxy) hopOf(of *peer, listener uint8) privacy.Hop {
	h := of.hop
	h.Contact = p.d.Transport.Advertised(listener)
	h.Transport = transportName(p.d.Transport.Network(listener))
	return h
}

// write applies the hop by hop work and the header table, and finishes the bytes.
func (c *call) write(w *work, b *branch) error {
	e := &w.e
	e.Reset(c.m)
	c.makeBranch(b)
	c.editURI(w, b)
	c.editMaxForwards(w)
	c.editTopVia(w)
	if c.initial {
		c.dialog.CalleePeer = b.to.peer.hash
	}
	c.fillTransit(w, b)
	c.noteForeign(w)
	c.handOn(w, b)
	if err := privacy.Plan(e, &w.t); err != nil {
		return err
	}
	w.buf = c.appendRecordRoute(w.buf[:0], w, b)
	if len(w.buf) > 0 {
		e.Top(w.buf)
	}
	w.buf = c.appendVia(w.buf[:0], b)
	e.Top(w.buf)
	e.ForStream(b.flow.Stream())
	var err error
	w.out, err = e.Apply(w.out[:0])
	return err
}

func (c *call) fillTransit(w *work, b *branch) {
	f := &c.facts
	w.t = privacy.Transit{
		M: c.m, Dialog: &c.dialog, Sender: c.sender, Initial: c.initial, Call: c.treatment,
		From: c.p.hopOf(c.from, c.flow.Listener), Next: b.hop, Asserts: c.from.asserts(),
		Network: f.network, Screen: f.screen, Domain: c.t.domain,
		Skip: f.dialled.Skip, ToSkip: f.toSkip,
		Plan: c.p.d.Plan, Keys: c.p.d.Keys, Now: c.now,
		Raised: c.raised[side(c.sender)] == raisedBare, Calls: c.p.named,
	}
	if r := c.p.rehearsal; r != nil {
		r.attempt(c, b)
		w.t.Row = r.row
	}
}

// editURI writes Request-URI and Route. In front of a strict router the Request-URI goes to
// the end of the route set, and its first into the Request-URI (SIP-12).
func (c *call) editURI(w *work, b *branch) {
	uri := c.path.uri
	if b.to.uri != nil {
		uri = b.to.uri
	}
	strict := len(c.path.next) > 0 && !c.path.loose
	if !strict && !c.path.replaced && !c.path.dropLast {
		c.dropRoutes(&w.e)
	} else {
		c.rewriteRoutes(w, uri, strict)
	}
	if strict {
		uri = c.path.next
	}
	if string(uri) != string(c.m.Get(c.m.RequestURI())) {
		w.e.Replace(c.m.RequestURI(), uri)
	}
}

// dropRoutes takes the values at the top that were ours off.
func (c *call) dropRoutes(e *message.Edits) {
	n := 0
	for h := range c.m.All(message.HRoute) {
		if n >= c.path.drop {
			return
		}
		e.RemoveValues(h, func(message.Span) bool {
			n++
			return n <= c.path.drop
		})
	}
}

// rewriteRoutes writes the whole route set anew.
func (c *call) rewriteRoutes(w *work, uri []byte, strict bool) {
	w.e.RemoveAll(message.HRoute)
	line := append(w.buf[:0], "Route: "...)
	first := len(line)
	skip := 0
	if strict {
		skip = 1
	}
	add := func(value []byte) {
		if skip--; skip >= 0 {
			return
		}
		if len(line) > first {
			line = append(line, ", "...)
		}
		line = append(line, value...)
	}
	if c.path.replaced {
		for rest := c.path.routes; len(rest) > 0; {
			value := firstValue(rest)
			rest = rest[min(len(value)+1, len(rest)):]
			if value = trimSpace(value); len(value) > 0 {
				add(value)
			}
		}
	} else {
		n, left := 0, c.routeCount()
		for _, s := range c.m.ValuesOf(message.HRoute) {
			n++
			if left--; n > c.path.drop && !(c.path.dropLast && left == 0) {
				add(c.m.Get(s))
			}
		}
	}
	if strict {
		if len(line) > first {
			line = append(line, ", "...)
		}
		line = append(append(append(line, '<'), uri...), '>')
	}
	w.buf = line
	if len(line) > first {
		w.buf = append(line, "\r\n"...)
		w.e.Top(w.buf)
	}
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// editMaxForwards: one less, 70 where there was none (SIP-03). On W too, or loops through
// two gateways would never end.
func (c *call) editMaxForwards(w *work) {
	h := c.m.First(message.HMaxForwards)
	if h == nil {
		w.e.BottomString("Max-Forwards: 70\r\n")
		return
	}
	n, _ := c.m.MaxForwards()
	w.buf = strconv.AppendInt(w.buf[:0], int64(n-1), 10)
	w.e.Replace(h.Value, w.buf)
}

// editTopVia notes in the received topmost Via where the request came from (RFC 3581 4, RFC
// 3261 18.2.1). What the sender wrote of that itself goes.
func (c *call) editTopVia(w *work) {
	via, ok := c.m.TopVia()
	if !ok {
		return
	}
	addr := c.flow.Remote.Addr().Unmap().WithZone("")
	written, isAddr := message.HostAddr(c.m.Get(via.Host))
	needed := via.RPort || !isAddr || written != addr
	for p := range c.m.Params(via.Params) {
		received := message.EqualFold(c.m.Get(p.Name), "received")
		hopOnly := via.OC && overload.IsParam(c.m.Get(p.Name)) // RFC 7339 5.6: between neighbours
		if received || hopOnly || message.EqualFold(c.m.Get(p.Name), "rport") {
			w.e.Remove(p.Whole)
		}
		needed = needed || received
	}
	if !needed {
		return
	}
	w.buf = addr.AppendTo(append(w.buf[:0], ";received="...))
	if via.RPort {
		w.buf = strconv.AppendUint(append(w.buf, ";rport="...), uint64(c.flow.Remote.Port()), 10)
	}
	w.e.Insert(via.Whole.End, w.buf)
}

// appendVia appends our own Via (SIP-14).
func (c *call) appendVia(dst []byte, b *branch) []byte {
	dst = append(append(dst, "Via: SIP/2.0/"...), b.flow.Net.String()...)
	dst = append(append(dst, ' '), c.p.d.Transport.Advertised(b.flow.Listener)...)
	dst = append(append(dst, ";rport;branch="...), b.name()...)
	if b.to.peer.OverloadControl {
		dst = append(dst, overload.Offer...)
	}
	return append(dst, "\r\n"...)
}

const defaultGiveUp = 2 * time.Second

// giveUp is how long to wait for the first response: the standard's time for the last
// target.
func (c *call) giveUp(b *branch) time.Duration {
	switch {
	case !c.more():
		return 0
	case b.to.peer.GiveUp > 0:
		return b.to.peer.GiveUp
	}
	return defaultGiveUp
}

// send begins the client transaction.
func (c *call) send(w *work, out []byte, b *branch) (done bool) {
	client, err := c.tx.Client(out, b.name(), b.flow, c.giveUp(b))
	if err != nil {
		b.to.peer.tally.failed.Add(1)
		return b.bySize && c.refusedTCP(w, b)
	}
	b.to.peer.tally.sent.Add(1)
	client.Data, b.client, c.branch = b, client, b
	return true
}

// refusedTCP: what was only too large for UDP goes by UDP after all (SIP-16).
func (c *call) refusedTCP(w *work, b *branch) (done bool) {
	c.p.note(TCPRefused)
	if b.to.peer.TCP == TCPAlways {
		return false
	}
	c.p.noTCP.add(b.to.at, c.now, noTCPFor)
	return c.attempt(w, b.to, true)
}

// sendAck sends an ACK for a 2xx, which has no transaction and no answer.
func (c *call) sendAck(w *work, b *branch) bool {
	if c.p.d.Transport.Send(b.flow, w.out) != nil {
		b.to.peer.tally.failed.Add(1)
		return false
	}
	b.to.peer.tally.sent.Add(1)
	return true
}
