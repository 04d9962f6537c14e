package proxy

// admit names the peer by its source address. Nobody known is refused, with one exception
// [decision]: a request inside a dialog that brings a token of ours that opens is taken
// from anywhere, as from an untrusted neighbour. A callee whose proxy did not record-route
// must be able to hang up, and the token can neither be forged nor used after the longest
// call (ARCHITECTURE.md).
func (c *call) admit(*work) bool {
	if p := c.t.source(c.flow.Remote); p != nil {
		c.from = p
		if c.p.rehearsal != nil {
			c.p.rehearsal.admitted(p)
		}
		p.tally.requests.Add(1)
		if c.token == contactToken && !c.holdsToken() {
			return c.refuse(403, "", nil, ForeignToken)
		}
		return true
	}
	c.from.tally.requests.Add(1)
	if c.token == noToken || len(c.m.ToTag()) == 0 {
		return c.refuse(403, "", nil, UnknownSource)
	}
	c.p.note(StrangerDialog)
	return true
}
