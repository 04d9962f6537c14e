package proxy

import (
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/trace"
)

// decide asks the rules for the treatment of a new request; inside a dialog it was decided
// when that began, and can only be raised.
func (c *call) decide(w *work) bool {
	if !c.initial {
		return c.raise()
	}
	facts := c.rulesCall()
	snapshot := c.p.snapshot()
	t := rules.Decide(snapshot, &facts)
	if c.p.rehearsal != nil {
		c.p.rehearsal.decided(snapshot, &facts, c)
	}
	if c.method == message.REGISTER && t.Class != rules.E {
		// A registration is about the line itself, between it and its registrar:
		// withholding its identity would only break it.
		t = rules.Treatment{Class: rules.N, Rule: t.Rule, Revision: t.Revision}
	}
	c.count(&t)
	behindToken := c.token == contactToken
	if behindToken { // whoever is reached by a token of ours stays withheld
		t.CalleeWithheld = true
	}
	c.treatment = t
	id := [16]byte(trace.NewID(c.now))
	if behindToken {
		// The same salt as that of the dialog in the token: Replaces and the like,
		// which name that dialog, can be turned back.
		copy(id[10:], c.dialog.ID[10:])
	}
	c.beginDialog(id)
	c.noteOwn()
	if t.RefuseACR {
		c.recordRefusal(w, 433)
		return c.refuse(433, "", nil, Anonymous)
	}
	return true
}

// rulesCall is the facts as the rules want them.
func (c *call) rulesCall() rules.Call {
	f := &c.facts
	p := privacy.PrivacyOf(c.m)
	anonymous := privacy.AnonymousFrom(c.m)
	remoteParty := c.from.asserts() && privacy.RemotePartyRestricts(c.m)
	if remoteParty {
		p |= rules.PrivacyID
	}
	return rules.Call{
		Caller: f.network, Called: f.called, Emergency: f.emergency,
		Withhold: f.dialled.Withhold, Present: f.dialled.Present,
		Privacy: p, AnonymousFrom: anonymous,
		TrustedSource: c.from.Boundary == Access || c.from.asserts(),
		// Restricted, not merely missing (GPP-13): asked for, or shown as hidden.
		Restricted: anonymous || remoteParty || privacy.Raises(c.m),
		CallBack:   c.from.Boundary == Emergency, // RFC 7090, RFC 6881 SP-35
		Now:        c.now.Unix(),
	}
}

func (c *call) count(t *rules.Treatment) {
	c.p.count.classes[t.Class].Add(1)
	c.p.count.rules[t.Rule].Add(1)
	if t.Rule == rules.D9 {
		c.p.note(FailClosed)
		c.p.alarm.raise(c.now, FailClosed, "rules cannot be read: calls are withheld")
	}
}
