package proxy

import (
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

// target is one place to send to.
type target struct {
	peer *peer
	at   transportTarget
	uri  []byte // Request-URI of an emergency route; nil: the call's
}

// query is a place to send to that may have to be resolved, and whose it is; peer nil:
// whoever is found there.
type query struct {
	peer    *peer
	name    resolve.Query
	at      transportTarget // of a numeric host
	numeric bool
	uri     []byte
}

// hops is the places a request may go to, in the order to try them: one after the other,
// never two at once.
type hops struct {
	queries  []query // not resolved yet
	resolved int     // of queries
	targets  []target
	tried    int      // of targets
	skipped  []target // silent lately
	attempts int
	last     bool // the skipped ones are being tried: nobody is passed over any more
	timedOut bool
	spared   bool // a drained peer was passed over

	throttled bool // a target that wants fewer calls was passed over
	insecure  bool // a target without TLS was passed over
}

// route finds the next hops: the Route set, inside a dialog else the Request-URI, and for
// everything else the route table. A Route that is left of a new request is followed as RFC
// 3261 16.6 item 6 wants it; what is found there is treated as untrusted unless it is a
// peer. Only an emergency call goes where the gateway says [decision].
func (c *call) route(*work) bool {
	begins := c.initial && c.token == noToken
	switch {
	case len(c.hops.targets) > 0: // an ACK that follows its INVITE
		return true
	case c.initial && c.from.only != nil:
		return c.confined(begins)
	case begins && c.emergency():
		c.path.replaced, c.path.routes, c.path.next = true, c.path.routes[:0], c.path.next[:0]
	case len(c.path.next) > 0:
		return c.hopTo(c.path.next)
	case !begins:
		return c.hopTo(c.path.uri)
	}
	c.writeURI()
	if !c.byTable() {
		return c.refuse(404, "", nil, NoRoute)
	}
	return true
}

// confined makes the peers that the sender's calls are confined to the only next hops. No
// Route and no token leads past them.
func (c *call) confined(begins bool) bool {
	if !begins {
		return c.refuse(404, "", nil, NoRoute)
	}
	c.path.replaced, c.path.routes, c.path.next = true, c.path.routes[:0], c.path.next[:0]
	c.writeURI()
	to := c.from.only.other
	if c.emergency() {
		to = c.from.only.emergency
	}
	c.hops.queries = append(c.hops.queries, to.queries...)
	return true
}

// hopTo makes a URI the only next hop.
func (c *call) hopTo(uri []byte) bool {
	if c.initial && c.token == noToken {
		c.writeURI()
	}
	pl, ok := placeOf(uri)
	if !ok {
		return c.refuse(404, "", nil, NoRoute)
	}
	if pl.numeric {
		c.hops.targets = append(c.hops.targets, target{peer: c.peerAt(pl.target), at: pl.target})
		return true
	}
	c.hops.queries = append(c.hops.queries, query{name: pl.query})
	return true
}

// peerAt says who is at an address: the peer configured for it, else the peer that the
// dialog's token names for the receiving side, else nobody we know: untrusted. A trusted
// peer is only believed to be at its own addresses: what goes elsewhere leaves the trust
// domain [decision].
func (c *call) peerAt(at transportTarget) *peer {
	if p := c.t.at(at.Addr); p != nil {
		return p
	}
	if !c.initial {
		hash := c.dialog.CalleePeer
		if c.sender == privacy.Callee {
			hash = c.dialog.CallerPeer
		}
		if p := c.t.hashes[hash]; p != nil && p.Boundary != Trusted {
			return p
		}
	}
	return c.p.stranger
}

// byTable fills the hops from the route table: emergency calls by the emergency routes,
// one after the other, else, as everything, by the longest prefix. An emergency call is
// not refused while any route exists.
func (c *call) byTable() bool {
	if c.emergency() {
		for _, r := range c.t.emergency {
			c.addRoute(r, c.emergencyURI(r))
		}
	}
	if len(c.hops.queries) > 0 {
		return true
	}
	r := c.t.ordinary(c.facts.called)
	if r == nil && c.emergency() {
		r = c.t.any
	}
	if r == nil {
		return false
	}
	c.addRoute(r, nil)
	return true
}

func (c *call) addRoute(r *route, uri []byte) {
	for _, q := range r.peer.queries {
		q.uri = uri
		c.hops.queries = append(c.hops.queries, q)
	}
}

// emergencyURI is the Request-URI the route wants, unless the caller named the service
// more exactly (RFC 5031 4.2): sos.police where the route says sos.
func (c *call) emergencyURI(r *route) []byte {
	if len(r.uri) == 0 {
		return nil
	}
	if c.facts.urn && message.EqualFold(r.uri, "urn:service:sos") {
		return nil
	}
	return r.uri
}

// hopState is the answer of nextTarget.
type hopState uint8

const (
	hopFound hopState = iota
	hopAwaited
	hopNone
)

// nextTarget takes the next place to try. Those known to be silent come last.
func (c *call) nextTarget() (target, hopState) {
	h := &c.hops
	for {
		for h.tried < len(h.targets) {
			t := h.targets[h.tried]
			h.tried++
			if t.peer.owner != nil && t.peer.owner != c.from && c.initial {
				continue
			}
			if c.sparing(t.peer) {
				h.spared = true
				continue
			}
			if c.secure() && t.at.Net != transport.TLS {
				h.insecure = true
				continue
			}
			if c.throttled(t) {
				h.throttled = true
				continue
			}
			if !h.last && c.isDown(t) {
				h.skipped = append(h.skipped, t)
				continue
			}
			return t, hopFound
		}
		switch {
		case h.resolved < len(h.queries):
			q := &h.queries[h.resolved]
			h.resolved++
			if !c.resolve(q) {
				return target{}, hopAwaited
			}
		case len(h.skipped) > 0:
			h.targets = append(h.targets, h.skipped...)
			h.skipped, h.last = h.skipped[:0], true
		default:
			return target{}, hopNone
		}
	}
}

// more tells whether there is another place to try after the present one.
func (c *call) more() bool {
	h := &c.hops
	return h.tried < len(h.targets) || h.resolved < len(h.queries) || len(h.skipped) > 0
}

// secure: a new request to a sips URI goes over TLS all the way or not at all (RFC 3261
// 16.6 item 7, 26.2.2), but an emergency call, which is never refused.
func (c *call) secure() bool {
	return c.uri.Scheme == message.SIPS && c.initial && c.token == noToken && !c.emergency()
}

func (c *call) isDown(t target) bool {
	if c.p.silent.has(t.at, c.now) || t.peer.tally.drained.Load() {
		return true
	}
	return c.p.d.Health != nil && !c.p.d.Health.Up(t.at.Net, t.at.Addr)
}

// resolve turns a query into targets; false when the answer has to be waited for.
func (c *call) resolve(q *query) bool {
	if q.numeric {
		c.addTarget(q, q.at)
		return true
	}
	if c.p.d.Resolver == nil {
		return true
	}
	var room [8]resolve.Target
	found, known := c.p.d.Resolver.Cached(room[:0], q.name)
	if !known {
		c.await(*q)
		return false
	}
	for _, at := range found {
		c.addTarget(q, at)
	}
	return true
}

func (c *call) addTarget(q *query, at transportTarget) {
	p := q.peer
	if p == nil {
		p = c.peerAt(at)
	}
	c.hops.targets = append(c.hops.targets, target{p, at, q.uri})
}

// await has a name looked up. The transaction's lock is given back meanwhile. An ACK has
// none: its call belongs to the look-up alone, which begins when all else is done with it.
func (c *call) await(q query) {
	c.waiting = true
	if c.tx == nil {
		m := new(message.Message)
		m.CopyFrom(c.m)
		c.m, c.invite, c.asked = m, nil, q
		return
	}
	c.tx.Hold()
	c.lookUp(q)
}

// lookUp asks the resolver and goes on when it answers.
func (c *call) lookUp(q query) {
	p, tx := c.p, c.tx
	p.d.Resolver.Lookup(q.name, func(found []resolve.Target, _ error) {
		if tx != nil {
			tx.Lock()
		}
		for _, at := range found {
			c.addTarget(&q, at)
		}
		c.resume()
		if tx != nil {
			tx.Unlock()
			tx.Release()
		}
		p.d.Transport.Flush()
	})
}

// resume goes on with a call that waited for a name.
func (c *call) resume() {
	c.waiting = false
	switch {
	case c.ended:
		c.giveBack()
		return
	case c.tx != nil && (c.cancelled || c.tx.Answered() || !c.tx.Alive()):
		return
	}
	w := takeWork()
	c.forward(w)
	w.giveBack()
	if c.tx == nil {
		c.leave()
	}
}

// leave ends the handling of an ACK.
func (c *call) leave() {
	if c.waiting {
		c.lookUp(c.asked)
		return
	}
	c.giveBack()
}
