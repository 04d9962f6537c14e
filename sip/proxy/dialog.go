package proxy

import (
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// enter tells requests inside a dialog of ours from all others.
func (c *call) enter(w *work) bool {
	switch {
	case c.token != noToken && len(c.m.ToTag()) > 0:
		c.enterDialog()
		return true
	case len(c.m.ToTag()) > 0 && c.forUsAlone():
		// In a dialog that nobody knows, and with nobody behind us.
		return c.refuse(481, "", nil, NoDialog)
	}
	return c.begin(w)
}

// forUsAlone: the Request-URI is an address of ours, and no Route leads on.
func (c *call) forUsAlone() bool {
	u := c.uri
	return len(c.path.next) == 0 && (u.Scheme == message.SIP || u.Scheme == message.SIPS) &&
		u.User.Empty() && c.p.isOwn(c.m.Get(u.Host), u.Port)
}

// enterDialog: who sends, and what was decided when the dialog began.
func (c *call) enterDialog() {
	c.initial = false
	c.sender = c.senderSide()
	c.treatment = sealedTreatment(&c.dialog)
	c.readDialogFacts()
	c.readRaised()
	c.noteOwn()
}

// senderSide: a token of a mapped dialog is held by one side alone, so it is that side
// that sends; one of an N or E dialog by both, which the caller's tag tells apart.
func (c *call) senderSide() privacy.Side {
	switch d := &c.dialog; {
	case d.Holder != 0:
		return d.Holder
	case privacy.TagHash(c.m.FromTag()) == d.CallerTag:
		return privacy.Caller
	}
	return privacy.Callee
}

// beginDialog fills in what will be sealed of a dialog that the request may begin.
//
// The class alone does not tell all: W without a withheld caller means that the callee is
// entitled to see him (override), N with one that the callee wants no numbers (CLIP off).
// sealedTreatment reads it back.
func (c *call) beginDialog(id [16]byte) {
	d, t := &c.dialog, &c.treatment
	self, peer, target, routes := d.Self[:0], d.Peer[:0], d.Target[:0], d.Routes[:0]
	*d = privacy.Dialog{
		ID: id, Class: t.Class, ScrubMedia: t.ScrubMedia,
		CallerWithheld: (t.Class == rules.W || t.HideFromCallee) && !t.Override && t.Class != rules.E,
		CalleeWithheld: t.CalleeWithheld && t.Class != rules.E,
		CallerPeer:     c.from.hash,
		CallerTag:      privacy.TagHash(c.m.FromTag()),
		Self:           self, Peer: peer, Target: target, Routes: routes,
	}
	d.CallerNumbers[0], d.CallerNumbers[1] = c.facts.network, c.facts.shown
	if c.token == contactToken {
		d.CalleeNumbers[1] = c.facts.called // which the caller does not know
		return
	}
	d.CalleeNumbers[0] = c.facts.called
}

func sealedTreatment(d *privacy.Dialog) rules.Treatment {
	t := rules.Treatment{Class: d.Class, ScrubMedia: d.ScrubMedia, CalleeWithheld: d.CalleeWithheld}
	t.Override = d.Class == rules.W && !d.CallerWithheld
	t.HideFromCallee = d.Class == rules.N && d.CallerWithheld
	return t
}

// readRaised finds out which sides asked for privacy since the dialog began.
func (c *call) readRaised() {
	if c.dialog.Class == rules.E {
		return
	}
	now := c.now
	if mapped, ok := c.p.raised.has(c.dialog.ID, c.m.FromTag(), now); ok {
		c.raiseSide(c.sender, mapped)
	}
	// The other side only where the token knows it as it began: a Contact token made
	// after the raise has it all.
	if mapped, ok := c.p.raised.has(c.dialog.ID, c.m.ToTag(), now); ok && c.token == routeToken {
		c.raised[side(c.sender.Other())] = raisedAs(mapped)
	}
}

func raisedAs(mapped bool) raising {
	if mapped {
		return raisedNew
	}
	return raisedBare
}

// raiseSide withholds one side from now on.
func (c *call) raiseSide(s privacy.Side, mapped bool) {
	if c.withheld(s) {
		return
	}
	c.raised[side(s)] = raisedAs(mapped)
	c.setWithheld(s)
}

func (c *call) setWithheld(s privacy.Side) {
	if s == privacy.Caller {
		c.dialog.CallerWithheld, c.dialog.Class, c.treatment.Class = true, rules.W, rules.W
		return
	}
	c.dialog.CalleeWithheld, c.treatment.CalleeWithheld = true, true
}

// raise: a request inside a dialog that asks for privacy gets it, and so does all that its
// sender sends from then on. An entitled callee goes on seeing the caller; on E nothing is
// withheld.
func (c *call) raise() bool {
	if c.dialog.Class == rules.E || c.withheld(c.sender) || !privacy.Raises(c.m) {
		return true
	}
	if c.sender == privacy.Caller && c.treatment.Override {
		return true
	}
	c.p.note(Raised)
	c.p.raised.add(c.dialog.ID, c.m.FromTag(), false, c.now, c.t.maxCall)
	c.raiseSide(c.sender, false)
	return true
}
