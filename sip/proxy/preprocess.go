package proxy

import (
	"bytes"
	"errors"

	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// tokenKind says which token of ours a request brought.
type tokenKind uint8

const (
	noToken      tokenKind = iota
	routeToken             // in a Route, or as a strict router's Request-URI: from our Record-Route
	contactToken           // in the Request-URI: from our Contact; leads to a withheld party
)

// path is what becomes of Request-URI and Route (RFC 3261 16.4 to 16.6).
type path struct {
	uri      []byte // Request-URI to send
	drop     int    // Route values at the top that were ours
	dropLast bool   // the last Route value has become the Request-URI
	replaced bool   // routes stands in the place of all Route values
	routes   []byte
	next     []byte // URI of the first Route to send; empty: none
	loose    bool   // it has lr
}

// preprocess undoes what strict routers did, takes off the Routes that are ours, and opens
// the token among them (RFC 3261 16.4). Ours is an address of a listener, or a user part
// that opens as a token: so any gateway with the key ring continues a dialog that another
// began.
func (c *call) preprocess(w *work) bool {
	c.path.uri = append(c.path.uri[:0], c.m.Get(c.withoutHeaders())...)
	if !c.readTarget(w) || !c.popRoutes(w) {
		return false
	}
	if c.token == contactToken {
		c.path.uri = append(c.path.uri[:0], c.dialog.Target...)
		c.path.replaced = true
		c.path.routes = append(c.path.routes[:0], c.dialog.Routes...)
	} else {
		c.path.uri = c.withoutOwnMaddr(c.path.uri)
	}
	c.firstRoute()
	return true
}

// withoutHeaders is the Request-URI without a "?..." part: headers that a URI asks for are
// for whoever builds a request of it, and have no place here (RFC 3261 19.1.1, RFC 4475
// 3.1.2.11).
func (c *call) withoutHeaders() message.Span {
	uri := c.m.RequestURI()
	if !c.uri.Headers.Empty() {
		uri.End = c.uri.Headers.Off
	}
	return uri
}

// readTarget looks whether the Request-URI is ours.
func (c *call) readTarget(w *work) bool {
	u, ok := message.ReadURI(c.path.uri)
	if !ok || u.Scheme != message.SIP && u.Scheme != message.SIPS {
		return true
	}
	user, host := part(c.path.uri, u.User), part(c.path.uri, u.Host)
	switch opened, forged := c.openToken(&c.dialog, user, c.p.isOwn(host, u.Port)); {
	case forged:
		return c.forged()
	case opened && len(c.dialog.Target) > 0:
		c.token = contactToken
		return true
	case opened: // we put this into a Record-Route: the hop before is a strict router
		c.token = routeToken
		return c.lastRoute(w)
	}
	if !c.p.isOwn(host, u.Port) {
		return true
	}
	if user == nil && hasLR(part(c.path.uri, u.Params)) && c.m.Has(message.HRoute) {
		return c.lastRoute(w)
	}
	// A user part of ours that should open and does not.
	if len(user) > 0 && len(c.m.ToTag()) > 0 {
		return c.forged()
	}
	return true
}

// openToken opens a user part that may be a token. forged: it looks like one of ours, at
// our address, and does not open.
func (c *call) openToken(d *privacy.Dialog, user []byte, ours bool) (opened, forged bool) {
	if !privacy.LooksSealed(user) {
		return false, false
	}
	err := c.p.d.Keys.Open(d, user, c.now)
	if err == nil {
		return true, false
	}
	if ours && errors.Is(err, privacy.ErrExpired) {
		c.p.note(ExpiredToken)
	}
	return false, ours
}

func (c *call) forged() bool { return c.refuse(403, "", nil, ForgedToken) }

// lastRoute: the last Route value becomes the Request-URI; without one there is nowhere
// to go.
func (c *call) lastRoute(w *work) bool {
	var last message.NameAddr
	found := false
	for na, ok := range c.m.NameAddrs(message.HRoute) {
		last, found = na, ok
	}
	if !found {
		return c.refuse(481, "", nil, NoDialog)
	}
	c.path.dropLast = true
	c.path.uri = append(c.path.uri[:0], c.m.Get(last.URI)...)
	u, ok := message.ReadURI(c.path.uri)
	if !ok {
		return c.refuse(416, "", nil, BadScheme)
	}
	if u.Scheme != message.SIP && u.Scheme != message.SIPS {
		return true
	}
	// Behind a strict router the remote target may be a Contact of ours.
	opened, forged := c.openToken(&w.dialog, part(c.path.uri, u.User), c.p.isOwn(part(c.path.uri, u.Host), u.Port))
	if forged {
		return c.forged()
	}
	if opened && len(w.dialog.Target) > 0 {
		copyDialog(&c.dialog, &w.dialog)
		c.token = contactToken
	}
	return true
}

// popRoutes counts the Route values at the top that are ours. Two with one token are the
// two faces of a gateway between transports; another token is another passage of the call
// through a gateway (a spiral), and stays.
func (c *call) popRoutes(w *work) bool {
	var first []byte
	rest := c.routeCount()
	for na, ok := range c.m.NameAddrs(message.HRoute) {
		if rest--; !ok || c.path.dropLast && rest == 0 {
			break
		}
		u, isURI := c.m.ParseURI(na.URI)
		if !isURI || u.Scheme != message.SIP && u.Scheme != message.SIPS {
			break
		}
		user, host := c.m.Get(u.User), c.m.Get(u.Host)
		ours := c.p.isOwn(host, u.Port)
		opened, forged := c.openToken(&w.dialog, user, ours)
		switch {
		case forged, ours && !opened && len(user) > 0 && len(c.m.ToTag()) > 0:
			return c.forged()
		case opened && first != nil && !bytes.Equal(first, user):
			return true
		case opened:
			first = user
			if c.token == noToken {
				copyDialog(&c.dialog, &w.dialog)
				c.token = routeToken
			}
		case !ours && !(len(user) == 0 && c.t.isDomain(host)):
			return true
		}
		c.path.drop++
	}
	return true
}

func (c *call) routeCount() (n int) {
	for range c.m.ValuesOf(message.HRoute) {
		n++
	}
	return n
}

// firstRoute notes the Route that decides the next hop.
func (c *call) firstRoute() {
	c.path.next = c.path.next[:0]
	if c.path.replaced {
		c.noteRoute(c.path.routes)
		return
	}
	n, rest := 0, c.routeCount()
	for _, s := range c.m.ValuesOf(message.HRoute) {
		if rest--; c.path.dropLast && rest == 0 {
			return
		}
		if n++; n > c.path.drop {
			c.noteRoute(c.m.Get(s))
			return
		}
	}
}

// noteRoute reads the first address of a list.
func (c *call) noteRoute(list []byte) {
	na, ok := message.ReadNameAddr(firstValue(list))
	if !ok {
		return
	}
	c.path.next = append(c.path.next[:0], part(list, na.URI)...)
	if u, ok := message.ReadURI(c.path.next); ok {
		c.path.loose = hasLR(part(c.path.next, u.Params))
	}
}

// firstValue is a list of addresses up to its first comma outside brackets and quotes.
func firstValue(b []byte) []byte {
	quoted, inside := false, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !inside:
			quoted = !quoted
		case quoted:
		case c == '<':
			inside = true
		case c == '>':
			inside = false
		case c == ',' && !inside:
			return b[:i]
		}
	}
	return b
}

func part(b []byte, s message.Span) []byte {
	if s.Empty() {
		return nil
	}
	return b[s.Off:s.End]
}

// hasLR tells a loose router (RFC 3261 19.1.1).
func hasLR(params []byte) bool {
	for len(params) > 0 {
		var name []byte
		if name, _, params = cutParam(params); message.EqualFold(name, "lr") {
			return true
		}
	}
	return false
}

// withoutOwnMaddr strips a maddr that is ours, and with it port and transport (RFC 3261
// 16.4).
func (c *call) withoutOwnMaddr(uri []byte) []byte {
	u, ok := message.ReadURI(uri)
	if !ok || u.Params.Empty() {
		return uri
	}
	params, found := part(uri, u.Params), false
	for rest := params; len(rest) > 0; {
		var name, value []byte
		if name, value, rest = cutParam(rest); message.EqualFold(name, "maddr") {
			found = c.p.isOwn(value, u.Port)
		}
	}
	if !found {
		return uri
	}
	stripped := append([]byte(nil), uri[:u.Host.End]...)
	for rest := params; len(rest) > 0; {
		all := rest
		var name []byte
		name, _, rest = cutParam(rest)
		if !message.EqualFold(name, "maddr") && !message.EqualFold(name, "transport") {
			stripped = append(stripped, all[:len(all)-len(rest)]...)
		}
	}
	return append(stripped, uri[u.Params.End:]...)
}

// copyDialog copies what a token told, reusing dst's memory.
func copyDialog(dst, src *privacy.Dialog) {
	self, peer, target, routes := dst.Self, dst.Peer, dst.Target, dst.Routes
	*dst = *src
	dst.Self = append(self[:0], src.Self...)
	dst.Peer = append(peer[:0], src.Peer...)
	dst.Target = append(target[:0], src.Target...)
	dst.Routes = append(routes[:0], src.Routes...)
}
