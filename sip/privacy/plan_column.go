package privacy

import "clirgate/rules"

func (p *planner) isEmergency() bool {
	t := p.t
	return t.Call.Class == rules.E || p.d.Class == rules.E ||
		t.Next.Emergency && t.Initial && t.M.IsRequest()
}

// isWithheld: CLIP off hides the caller in the same way, only without the marker
// (TS 24.607 4.5.2.9); an entitled callee lifts it (override category).
func (p *planner) isWithheld(s Side) bool {
	c := &p.t.Call
	if s == Caller {
		return (c.Class == rules.W || c.HideFromCallee || p.d.CallerWithheld) && !c.Override
	}
	return c.CalleeWithheld || p.d.CalleeWithheld
}

// raise: a message that itself asks for privacy gets it, should the proxy have missed it
// (STANDARDS 0.5: fail closed), and so does the answer to it.
func (p *planner) raise() {
	t := p.t
	if !p.withheld && !p.overridden() && raises(p.asked) {
		p.withheld = true
		p.raised = p.raised || !t.Initial
		p.d.CallerWithheld = p.d.CallerWithheld || t.Initial && t.Sender == Caller
	}
	if t.Sender == Callee && t.Initial && !t.Call.CalleeWithheld {
		// The rules did not say so when the request left: what the callee was given for its
		// later requests does not know it either, so its tag must stay as it is.
		p.raised = true
	}
	override := t.Sender == Callee && t.Call.Override
	if !p.shy && !override && !t.M.IsRequest() && t.Request != nil {
		p.shy = Raises(t.Request)
	}
}

// pick chooses the column: T or U of the next hop, N or W of the sender.
func (p *planner) pick(emergency bool) column {
	next := &p.t.Next
	trusted := next.Trusted || next.Emergency
	if p.hidden() {
		trusted = false
	}
	switch {
	case emergency:
		return colE
	case p.withheld && trusted && next.SupportsPrivacy:
		return colTW
	case p.withheld:
		return colUW // TS 23.081 2.1.1: what cannot be signalled is not delivered
	case trusted:
		return colTN
	}
	return colUN
}

// hidden: the caller is hidden from a callee without CLIP.
func (p *planner) hidden() bool {
	return p.t.Call.HideFromCallee && p.t.Sender == Caller && p.withheld
}

// overridden: the callee is entitled to see a withheld caller.
func (p *planner) overridden() bool { return p.t.Call.Override && p.t.Sender == Caller }

// untrusted: towards U.
func (p *planner) untrusted() bool { return p.col == colUN || p.col == colUW }

// mapped: one of the parties is withheld, so that the dialog looks different on both sides.
func (p *planner) mapped() bool { return p.withheld || p.shy }
