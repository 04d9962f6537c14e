package proxy

import (
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transport"
)

// recordRoutes tells whether our Record-Route belongs into a request: those that begin a
// dialog, those that may (unknown methods), and later ones of these, by which a dialog can
// be recovered (SIP-11).
func recordRoutes(m message.Method) bool {
	switch m {
	case message.INVITE, message.SUBSCRIBE, message.REFER, message.NOTIFY, message.MethodOther:
		return true
	}
	return false
}

// appendRecordRoute appends the Record-Route lines of a request that leaves by b: none for
// a withheld sender, whose Contact is a token of ours that brings all the other side sends
// back; else a token, twice where the request changes listeners (RFC 5658), the side it
// goes to on top.
func (c *call) appendRecordRoute(dst []byte, w *work, b *branch) []byte {
	if !recordRoutes(c.method) || c.withheld(c.sender) {
		return dst
	}
	b.recordTo = true
	var holder privacy.Side
	receiver := c.sender.Other()
	if c.withheld(receiver) {
		holder = receiver
	}
	secure := c.uri.Scheme == message.SIPS
	dst = c.appendOwnRoute(dst, w, holder, b.flow.Listener, secure)
	if b.flow.Listener != c.flow.Listener && holder == 0 {
		dst = c.appendOwnRoute(dst, w, holder, c.flow.Listener, secure)
	}
	return dst
}

// appendOwnRoute appends one line: a URI at a listener of ours with the dialog's token. The
// token holds no addresses, which the holder knows, but those of a caller that went out
// with others.
func (c *call) appendOwnRoute(dst []byte, w *work, holder privacy.Side, listener uint8, secure bool) []byte {
	d := &w.dialog
	*d = c.dialog
	d.Holder = holder
	d.Self, d.Peer, d.Target, d.Routes = nil, nil, nil, nil
	if holder != c.sender {
		c.keepAddresses(w, d)
	}
	network := c.p.d.Transport.Network(listener)
	secure = secure && network == transport.TLS
	dst = append(dst, "Record-Route: <sip"...)
	if secure {
		dst = append(dst, 's')
	}
	dst = append(dst, ':')
	dst = c.p.d.Keys.Seal(dst, d)
	d.Self, d.Peer = nil, nil // not w's to write into
	dst = append(dst, '@')
	dst = append(dst, c.p.d.Transport.Advertised(listener)...)
	if t := transportName(network); t != "" && !secure {
		dst = append(append(dst, ";transport="...), t...)
	}
	return append(dst, ";lr>\r\n"...)
}

// longestAddresses bounds what the token of an N or E dialog carries of them.
const longestAddresses = 400

// keepAddresses puts into a token how the caller writes itself and the other side, where
// what left is written otherwise: codes taken off, a number screened or forced. Requests
// of the other side then reach it in its own words (RFC 3261 12.2.1.1 does with tags, some
// user agents do not). What is longer than any real address is left out.
func (c *call) keepAddresses(w *work, d *privacy.Dialog) {
	switch {
	case !c.initial && len(c.dialog.Target) == 0:
		d.Self, d.Peer = c.dialog.Self, c.dialog.Peer // as the token that came has it
		return
	case !c.initial || c.token == contactToken || !c.readdressed(w):
		return
	}
	w.parties = privacy.AppendParty(w.parties[:0], c.m, message.HFrom)
	n := len(w.parties)
	w.parties = privacy.AppendParty(w.parties, c.m, message.HTo)
	if len(w.parties) <= longestAddresses {
		d.Self, d.Peer = w.parties[:n], w.parties[n:]
	}
}

// readdressed tells whether the first request of a dialog leaves with another From or To
// than it came with, though its sender is not withheld.
func (c *call) readdressed(w *work) bool {
	return c.facts.toSkip > 0 || w.t.Screen || c.dialog.Class == rules.E && w.t.Network != 0
}

// transportName is the transport parameter of a URI of ours; empty for UDP.
func transportName(n transport.Network) string {
	switch n {
	case transport.TCP:
		return "tcp"
	case transport.TLS:
		return "tls"
	}
	return ""
}

// editResponseRoutes puts into a response the Record-Route lines that the requester is to
// see, where a mapping keeps the responder's from it (STANDARDS 6.5).
func (c *call) editResponseRoutes(w *work, m *message.Message) {
	responder := c.sender.Other()
	if !recordRoutes(c.method) || m.Status() <= 100 || m.Status() >= 300 {
		return
	}
	lines := w.buf[:0]
	switch {
	case c.withheld(responder):
		// What the responder returned is taken out by the table. Our Contact is the
		// remote target; the way to us is what the requester's side recorded.
	case c.withheld(c.sender):
		// The request went out without. In the place of a proxy's: ours, then what the
		// requester's side recorded.
		lines = c.appendOwnRoute(lines, w, c.sender, c.flow.Listener, c.uri.Scheme == message.SIPS)
	default:
		return
	}
	for h := range c.m.All(message.HRecordRoute) {
		lines = append(lines, c.m.Get(h.Line)...)
	}
	w.buf = lines
	if len(lines) == 0 {
		return
	}
	at := m.HeaderBlock().End
	for h := range m.All(message.HRecordRoute) {
		at = h.Line.End
	}
	w.e.Insert(at, lines)
}

// responderRoutes is the route set between us and a withheld responder, in the order that
// requests to it need (RFC 3261 12.1.2): the Record-Route values above ours, last first.
func (c *call) responderRoutes(w *work, m *message.Message, b *branch) []byte {
	var values [32]message.Span
	n := 0
	for _, s := range m.ValuesOf(message.HRecordRoute) {
		if n == len(values) || b.recordTo && c.isOwnRoute(m, s) {
			break
		}
		values[n] = s
		n++
	}
	w.routes = w.routes[:0]
	for i := n - 1; i >= 0; i-- {
		if len(w.routes) > 0 {
			w.routes = append(w.routes, ", "...)
		}
		w.routes = append(w.routes, m.Get(values[i])...)
	}
	if w.routes == nil {
		w.routes = []byte{}
	}
	return w.routes
}

func (c *call) isOwnRoute(m *message.Message, s message.Span) bool {
	na, ok := m.NameAddr(s)
	if !ok {
		return false
	}
	u, ok := m.ParseURI(na.URI)
	return ok && privacy.LooksSealed(m.Get(u.User)) && c.p.isOwn(m.Get(u.Host), u.Port)
}
