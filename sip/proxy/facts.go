package proxy

import (
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/trace"
)

// facts is what the decision and the record need to know of a request.
type facts struct {
	dialled   numbering.Dialled
	called    numbering.Number
	emergency bool // the destination is an emergency destination (STANDARDS 0.4)
	urn       bool // and it is written as a URN

	network  numbering.Number // network-provided identity of the sender; zero: not known
	trust    trace.Trust
	shown    numbering.Number // as From shows it
	asserted [2]numbering.Number
	diverted numbering.Number
	chain    bool // another had forwarded it before diverted did
	screen   bool // From shows something else than the sender's own numbers

	toSkip int // raw bytes of dial codes in To's user part
}

// begin reads the facts of a request outside a dialog.
func (c *call) begin(*work) bool {
	c.initial, c.sender = true, privacy.Caller
	if c.token != contactToken {
		c.token = noToken
		c.dialog.Class, c.dialog.CallerWithheld = rules.ClassUnknown, false
	}
	c.readDialled()
	if c.facts.dialled.Mark {
		return c.markLast()
	}
	if e := c.facts.dialled.Err; e == numbering.DialEmpty || e == numbering.DialTooManyCodes {
		return c.refuse(484, "", nil, Incomplete)
	}
	c.readIdentity()
	c.facts.diverted, c.facts.chain = c.divertedFrom()
	return true
}

// emergency tells whether this is, or belongs to, a call to an emergency service.
func (c *call) emergency() bool {
	if c.initial {
		return c.facts.emergency
	}
	return c.dialog.Class == rules.E
}

// subscriber is the part of a URI that may be a number, as numbering wants it, and how the
// URI presents it.
func subscriber(m *message.Message, u message.URI) ([]byte, numbering.Form) {
	switch u.Scheme {
	case message.Tel:
		return m.Get(message.Span{Off: u.User.Off, End: u.Params.End}), numbering.Tel
	case message.SIP, message.SIPS:
		if value, _, ok := m.URIParam(u.Params, "user"); ok {
			switch {
			case message.EqualFold(m.Get(value), "phone"):
				return m.Get(u.User), numbering.Phone
			case message.EqualFold(m.Get(value), "dialstring"):
				return m.Get(u.User), numbering.DialString
			}
		}
		return m.Get(u.User), 0
	}
	return nil, 0
}

// codes are the dial codes that count for the caller: those of the peer it came by, in a
// dialog those of the caller's peer.
func (c *call) codes() *numbering.CodeSet {
	if c.initial || c.from.Codes != nil {
		return c.from.Codes
	}
	if p := c.t.hashes[c.dialog.CallerPeer]; p != nil {
		return p.Codes
	}
	return nil
}

// readDialled reads what was dialled: number, codes, emergency. Whoever calls a token of
// ours calls the party behind it.
func (c *call) readDialled() {
	f := &c.facts
	if c.token == contactToken {
		f.dialled.Err = numbering.DialNotNumber
		f.called = c.dialog.CallerNumbers[0]
		if c.dialog.Holder == privacy.Caller {
			f.called = c.dialog.CalleeNumbers[0]
		}
		return
	}
	if c.uri.Scheme == message.URN {
		f.urn = c.p.d.Plan.EmergencyURN(c.m.Get(c.m.RequestURI()))
		f.emergency = f.urn
		f.dialled.Err = numbering.DialNotNumber
		c.readTo()
		return
	}
	user, form := subscriber(c.m, c.uri)
	f.dialled = c.p.d.Plan.Dialled(user, c.codes(), form)
	f.called, f.emergency = f.dialled.Number, f.dialled.Emergency
	c.readTo()
}

// readTo finds the codes in To, which are there as they were dialled. In a dialog that
// came without a token (a phone that drops its Route set) they are the only word of what
// was dialled, so they count.
func (c *call) readTo() {
	h := c.m.First(message.HTo)
	if h == nil {
		return
	}
	na, ok := c.m.NameAddr(h.Value)
	if !ok {
		return
	}
	u, ok := c.m.ParseURI(na.URI)
	if !ok || u.Scheme == message.URN {
		return
	}
	user, form := subscriber(c.m, u)
	d := c.p.d.Plan.Dialled(user, c.codes(), form)
	c.facts.toSkip = d.Skip
	if c.initial && len(c.m.ToTag()) > 0 {
		c.facts.dialled.Withhold = c.facts.dialled.Withhold || d.Withhold
	}
}

// readDialogFacts: inside a dialog the token knows who is who.
func (c *call) readDialogFacts() {
	f, d := &c.facts, &c.dialog
	f.called = d.CalleeNumbers[0]
	f.network = d.CallerNumbers[0]
	if c.sender == privacy.Callee {
		// The one who answered need not be the one who was called.
		f.network = 0
		return
	}
	c.readTo()
	f.screen = c.screens()
}

// numberOf reads the number of an address, zero when it holds none.
func (c *call) numberOf(s message.Span) numbering.Number {
	na, ok := c.m.NameAddr(s)
	if !ok {
		return 0
	}
	return c.numberOfURI(na.URI)
}

func (c *call) numberOfURI(s message.Span) numbering.Number {
	return numberIn(c.p.d.Plan, c.m, s)
}

func numberIn(plan *numbering.Plan, m *message.Message, uri message.Span) numbering.Number {
	u, ok := m.ParseURI(uri)
	if !ok {
		return 0
	}
	user, form := subscriber(m, u)
	return plan.Parse(user, form)
}

// divertedFrom is who forwarded the call last: the top Diversion, or the entry of
// History-Info before the present one. A chain: there are others below or before it, so
// that he need not be the one who was dialled.
func (c *call) divertedFrom() (n numbering.Number, chain bool) {
	top := true
	for _, s := range c.m.ValuesOf(message.HDiversion) {
		if !top {
			return n, true
		}
		n, top = c.numberOf(s), false
	}
	if !top {
		return n, false
	}
	var before message.Span
	entries := 0
	for _, s := range c.m.ValuesOf(message.HHistoryInfo) {
		if entries++; entries > 1 {
			n = c.numberOf(before)
		}
		before = s
	}
	return n, entries > 2
}
