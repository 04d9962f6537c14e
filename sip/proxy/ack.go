package proxy

import (
	"clirgate/sip/message"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
)

// The path of an ACK for a 2xx: the same, without what only a new request needs. It is
// never answered (SIP-25).
var ackSteps = [...]func(*call, *work) bool{
	(*call).readURI,
	(*call).preprocess,
	(*call).admit,
	(*call).acknowledges,
	(*call).route,
	(*call).forward,
}

// Ack routes an ACK end to end, in the dialog that its token tells of; real phones that
// drop their Route set are known by the INVITE they acknowledge.
func (p *Proxy) Ack(tx *transaction.Server, m *message.Message, f transport.Flow) {
	c := p.newCall(nil, m, f)
	w := takeWork()
	c.takeInvite(tx)
	for _, step := range ackSteps {
		if !step(c, w) {
			break
		}
	}
	w.giveBack()
	c.leave()
}

// takeInvite notes whose ACK it is, for the case that it does not say so itself.
func (c *call) takeInvite(tx *transaction.Server) {
	if tx == nil {
		return
	}
	invite, ok := tx.Data.(*call)
	if !ok {
		return
	}
	c.invite = invite
}

// acknowledges finds the dialog.
func (c *call) acknowledges(*work) bool {
	if n, ok := c.m.MaxForwards(); ok && n == 0 {
		c.p.note(TooManyHops)
		return false
	}
	if c.token != noToken {
		c.enterDialog()
		return c.raise()
	}
	if c.invite == nil {
		// Nobody knows its dialog, so nobody knows what in it must be withheld.
		c.p.note(AckDropped)
		return false
	}
	c.adopt(c.invite)
	return true
}

// adopt takes the dialog over from the INVITE.
func (c *call) adopt(invite *call) {
	copyDialog(&c.dialog, &invite.dialog)
	c.token, c.initial = routeToken, false
	c.sender, c.treatment, c.raised = invite.sender, invite.treatment, invite.raised
	c.facts.network, c.facts.toSkip, c.facts.screen = invite.facts.network, invite.facts.toSkip, invite.facts.screen
	if u := c.uri; len(c.path.next) == 0 && invite.branch != nil &&
		(u.Scheme != message.SIP && u.Scheme != message.SIPS || c.p.isOwn(c.m.Get(u.Host), u.Port)) {
		// It names no place beyond us: the way of the INVITE.
		c.path.uri = append(c.path.uri[:0], invite.path.uri...)
		c.hops.targets = append(c.hops.targets, invite.branch.to)
	}
}
