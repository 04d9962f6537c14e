package proxy

import (
	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// A token in our Contact leads to a withheld party, so it is for the neighbour that it was
// given to. No other configured one reaches the party with it; one that was told of it in a
// transfer gets a token of its own.

// holder is the peer that a token in our Contact was given to.
func holder(d *privacy.Dialog) *uint32 {
	if d.Holder == privacy.Caller {
		return &d.CallerPeer
	}
	return &d.CalleePeer
}

// holdsToken tells whether the sender is who the token was given to. A peer that has gone
// from the configuration, or has another name now, is not looked for: its calls go on.
func (c *call) holdsToken() bool { return c.holds(&c.dialog) }

func (c *call) holds(d *privacy.Dialog) bool {
	hash := *holder(d)
	return hash == c.from.hash || c.t.hashes[hash] == nil && hash != c.p.stranger.hash
}

// handOn gives the peer that is told to call a withheld party (Refer-To with a token of
// ours: an attended transfer) a token that is its own. Only the holder can hand one on.
func (c *call) handOn(w *work, b *branch) {
	if !c.m.Has(message.HReferTo) || c.withheld(privacy.Caller) || c.withheld(privacy.Callee) {
		return
	}
	d := &w.dialog
	for _, s := range c.m.ValuesOf(message.HReferTo) {
		na, ok := c.m.NameAddr(s)
		if !ok {
			continue
		}
		u, ok := c.m.ParseURI(na.URI)
		if !ok || !c.p.isOwn(c.m.Get(u.Host), u.Port) {
			continue
		}
		opened, _ := c.openToken(d, c.m.Get(u.User), false)
		if !opened || len(d.Target) == 0 || !c.holds(d) {
			continue
		}
		*holder(d) = b.to.peer.hash
		w.buf = c.p.d.Keys.Seal(w.buf[:0], d)
		w.e.Replace(u.User, w.buf)
	}
}
