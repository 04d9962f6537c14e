package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// What is undone on the way back. A response goes to the one who sent t.Request, so it
// shows Via, From, To and Call-ID as they came in there. A request to a withheld party
// shows the dialog as that party began it, out of the token.

// backVia: a mapped request went out without the requester's Via lines; a plain one went
// with them and one of the gateway's on top.
func backVia(p *planner, h *message.Header) (Action, bool) {
	if p.m.IsRequest() {
		if p.mapped() {
			return strip(p, h), true
		}
		return 0, false
	}
	first := h == p.m.First(message.HVia)
	switch {
	case p.mapped() && first && p.t.Request != nil:
		p.buf = p.t.Request.AppendVias(p.buf[:0], p.t.Source)
		p.e.Replace(h.Line, p.buf)
		return Map, true
	case p.mapped():
		p.remove(h)
		return Map, true
	case first:
		p.popValue(h)
		return Rewrite, true
	}
	return Keep, true
}

// popValue takes out the first value of a line, and the line when it is the only one.
func (p *planner) popValue(h *message.Header) {
	n := 0
	var first message.Span
	for s := range p.m.Values(h) {
		if n++; n == 1 {
			first = s
			continue
		}
		p.e.Remove(message.Span{Off: first.Off, End: s.Off})
		return
	}
	p.e.Remove(h.Line)
}

// written tells whether the token says how the receiver writes itself and the other side:
// a withheld party's the one that leads to it, the caller's of a dialog that went out with
// other addresses the one in its route.
func (p *planner) written() bool {
	if len(p.d.Target) > 0 {
		return p.shy
	}
	return p.t.Sender == Callee && !p.t.Initial
}

// backFrom: the requester's own From; in requests to whoever knows the dialog by other
// addresses the other side as it wrote it, with the sender's tag.
func backFrom(p *planner, h *message.Header) (Action, bool) {
	if !p.m.IsRequest() {
		return p.restore(h, message.HFrom)
	}
	if !p.written() || p.withheld || p.t.Initial || len(p.d.Peer) == 0 || !p.shy && !p.isPeer(h) {
		return 0, false
	}
	p.buf = appendUnfolded(p.buf[:0], p.d.Peer)
	p.buf = p.appendTag(p.buf, p.m.FromTag(), false)
	return p.replace(h, p.buf, Map), true
}

// isPeer tells whether From is the other side as the caller dialled it, codes aside; a
// connected identity (RFC 4916) is another.
func (p *planner) isPeer(h *message.Header) bool {
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		return false
	}
	own, ok := p.m.ParseURI(na.URI)
	if !ok {
		return false
	}
	peer, ok := message.ReadNameAddr(p.d.Peer)
	if !ok {
		return false
	}
	text := p.d.Peer[peer.URI.Off:peer.URI.End]
	u, ok := message.ReadURI(text)
	return ok && bytes.HasSuffix(text[u.User.Off:u.User.End], p.m.Get(own.User)) &&
		message.EqualHost(text[u.Host.Off:u.Host.End], p.m.Get(own.Host))
}

// backTo: in requests to whoever knows the dialog by other addresses itself as it wrote
// itself, tag and all.
func backTo(p *planner, h *message.Header) (Action, bool) {
	if !p.m.IsRequest() {
		return p.restoreTo(h)
	}
	switch {
	case len(p.d.Self) > 0 && p.written():
		p.buf = appendUnfolded(p.buf[:0], p.d.Self)
		if tag := p.m.ToTag(); len(tag) > 0 {
			p.buf = p.appendReceiverTag(append(p.buf, ";tag="...), tag)
		}
		return p.replace(h, p.buf, Map), true
	case p.shy:
		return p.backToTag(h)
	}
	return 0, false
}

// appendReceiverTag writes the receiver's own tag.
func (p *planner) appendReceiverTag(dst, tag []byte) []byte {
	if !p.shy {
		return append(dst, tag...)
	}
	return p.appendOwn(dst, tag)
}

// backToTag restores the tag alone, where the token holds no addresses.
func (p *planner) backToTag(h *message.Header) (Action, bool) {
	na, ok := p.m.NameAddr(h.Value)
	if !ok || p.withheld {
		return 0, false
	}
	value, _, ok := p.m.Param(na.Params, "tag")
	if !ok {
		return 0, false
	}
	p.buf = p.appendOwn(p.buf[:0], p.m.Get(value))
	if bytes.Equal(p.buf, p.m.Get(value)) {
		return 0, false
	}
	p.stripCodes(na.URI, p.t.ToSkip)
	p.e.Replace(value, p.buf)
	return Map, true
}

func backCallID(p *planner, h *message.Header) (Action, bool) {
	if !p.m.IsRequest() {
		return p.restore(h, message.HCallID)
	}
	if p.t.Sender != Callee || !p.shy {
		return 0, false
	}
	return callID(p, h), true
}

// restore puts the value of the request in the place of the response's.
func (p *planner) restore(h *message.Header, id message.HeaderID) (Action, bool) {
	if p.t.Request == nil || !p.t.Request.Has(id) {
		return Keep, true
	}
	return p.replace(h, p.t.Request.Value(id), Map), true
}

// restoreTo: the request's To; the responder's tag added when the request had none.
func (p *planner) restoreTo(h *message.Header) (Action, bool) {
	req := p.t.Request
	if req == nil || !req.Has(message.HTo) {
		return Keep, true
	}
	p.buf = append(p.buf[:0], req.Value(message.HTo)...)
	if len(req.ToTag()) == 0 {
		p.buf = p.appendTag(p.buf, p.m.ToTag(), p.withheld)
	}
	return p.replace(h, p.buf, Map), true
}
