package proxy

import (
	"strconv"

	"clirgate/sip/message"
)

const urnService = "service:"

// readURI: the scheme must be one this gateway can route (SIP-02).
func (c *call) readURI(*work) bool {
	u, ok := c.m.ParseURI(c.m.RequestURI())
	if ok {
		switch u.Scheme {
		case message.SIP, message.SIPS, message.Tel:
			c.uri = u
			return true
		case message.URN:
			name := c.m.Get(u.User)
			if len(name) > len(urnService) && message.EqualFold(name[:len(urnService)], urnService) {
				c.uri = u
				return true
			}
		}
	}
	return c.refuse(416, "", nil, BadScheme)
}

// countHops: Max-Forwards 0 ends the way (SIP-03), OPTIONS for the gateway itself or at
// the end of its way is answered (RFC 3261 11, 16.3 item 3), Max-Breadth 0 forbids any
// branch (RFC 5393 5.3.3.1).
func (c *call) countHops(*work) bool {
	n, ok := c.m.MaxForwards()
	last := ok && n == 0
	if c.method == message.OPTIONS && c.token == noToken && (last || c.forUs()) {
		return c.answerOptions()
	}
	if last {
		return c.refuse(483, "", nil, TooManyHops)
	}
	if v := c.m.Value(message.HMaxBreadth); v != nil {
		if breadth, err := strconv.Atoi(string(v)); err == nil && breadth < 1 {
			return c.refuse(440, "", nil, NoBreadth)
		}
	}
	return true
}

// forUs: the Request-URI names the gateway, not somebody behind it.
func (c *call) forUs() bool {
	u := c.uri
	if u.Scheme != message.SIP && u.Scheme != message.SIPS || !u.User.Empty() {
		return false
	}
	host := c.m.Get(u.Host)
	return c.p.isOwn(host, u.Port) || c.t.isDomain(host)
}

var abilities = []byte("Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, INFO, REFER, NOTIFY, SUBSCRIBE, MESSAGE, OPTIONS, REGISTER, PUBLISH\r\n" +
	"Accept: */*\r\nSupported: privacy\r\n")

// answerOptions: health checks of neighbours. A draining gateway says so, that they turn
// elsewhere.
func (c *call) answerOptions() bool {
	c.p.note(Options)
	if c.p.Draining() {
		c.tx.Reply(503, "", retryAfter)
		return false
	}
	c.tx.Reply(200, "", abilities)
	return false
}

// extensions: what a proxy must understand (SIP-06). Never in the way of an emergency.
func (c *call) extensions(w *work) bool {
	if !c.m.Has(message.HProxyRequire) || c.emergency() || c.method == message.ACK {
		return true
	}
	unsupported := append(w.buf[:0], "Unsupported: "...)
	first := len(unsupported)
	for _, s := range c.m.ValuesOf(message.HProxyRequire) {
		if message.EqualFold(c.m.Get(s), "privacy") {
			continue
		}
		if len(unsupported) > first {
			unsupported = append(unsupported, ", "...)
		}
		unsupported = append(unsupported, c.m.Get(s)...)
	}
	w.buf = unsupported
	if len(unsupported) == first {
		return true
	}
	w.buf = append(w.buf, "\r\n"...)
	return c.refuse(420, "", w.buf, BadExtension)
}

var retryAfter = []byte("Retry-After: 10\r\n")

// open: while draining new calls go elsewhere; 112 and its call-backs are taken to the
// last.
func (c *call) open(*work) bool {
	if !c.p.Draining() || !c.initial || c.method != message.INVITE || c.emergency() || c.from.Boundary == Emergency {
		return true
	}
	return c.refuse(503, "", retryAfter, Drained)
}
