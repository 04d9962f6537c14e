package proxy

import (
	"sync"

	"clirgate/sip/message"
	"clirgate/sip/overload"
)

// throttles are what targets have told of their load (RFC 7339). Only peers with
// OverloadControl are asked, and only their targets have an entry.
type throttles struct {
	m sync.Map // transportTarget to *overload.Throttle
}

func (t *throttles) of(at transportTarget) *overload.Throttle {
	if found, ok := t.m.Load(at); ok {
		return found.(*overload.Throttle)
	}
	return nil
}

// learn takes in what a response of b's target says in our Via.
func (p *Proxy) learn(b *branch, m *message.Message) {
	if !b.to.peer.OverloadControl {
		return
	}
	via, ok := m.TopVia()
	if !ok || !via.OC {
		return
	}
	var r overload.Report
	for param := range m.Params(via.Params) {
		r.Param(m.Get(param.Name), m.Get(param.Value))
	}
	t, _ := p.throttles.m.LoadOrStore(b.to.at, new(overload.Throttle))
	t.(*overload.Throttle).Learn(&r, p.d.Now())
}

// throttled tells whether this new call is among those that a target wants kept away from
// it. Never an emergency call, nor a call-back of an emergency service, nor what belongs to
// a dialog (RFC 7339 5.10.1).
func (c *call) throttled(t target) bool {
	if !t.peer.OverloadControl || !c.initial || c.token != noToken || c.emergency() ||
		c.from.Boundary == Emergency || c.method == message.REGISTER || c.p.rehearsal != nil {
		return false
	}
	if c.from.asserts() && c.m.Has(message.HResourcePriority) {
		return false
	}
	th := c.p.throttles.of(t.at)
	return th != nil && th.Drops(c.now)
}
