package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// strip takes out the W-party's own Via and Record-Route lines; the proxy's go on top.
func strip(p *planner, h *message.Header) Action {
	p.remove(h)
	return Map
}

// callID: the caller made it, so it is mapped when the caller is withheld, whoever sends.
func callID(p *planner, h *message.Header) Action {
	p.buf = p.appendCallID(p.buf[:0], p.m.Get(h.Value))
	return p.replace(h, p.buf, Map)
}

// appendCallID writes the dialog's Call-ID as the other side knows it.
func (p *planner) appendCallID(dst, id []byte) []byte {
	switch {
	case p.t.Sender == Caller && p.withheld && !p.raised:
		return p.mapID(dst, id)
	case p.t.Sender == Callee && p.shy:
		return p.appendOwn(dst, id)
	}
	return append(dst, id...)
}

// appendOwn writes an identifier of the withheld receiver as it wrote it itself; one that
// was never mapped (a raised dialog) stays.
func (p *planner) appendOwn(dst, id []byte) []byte {
	out, ok := p.t.Keys.UnmapID(dst, id)
	if !ok {
		return append(dst, id...)
	}
	return out
}

// onlyRegister: Path and Service-Route stand in REGISTER and its responses alone.
func onlyRegister(p *planner, h *message.Header) Action {
	if p.m.Method() == message.REGISTER {
		return Keep
	}
	return p.remove(h)
}

// opaqueID is an identifier of the sender's own making that only needs to stay the same.
func opaqueID(p *planner, h *message.Header) Action {
	p.buf = p.mapID(p.buf[:0], p.m.Get(h.Value))
	return p.replace(h, p.buf, Map)
}

func backOpaqueID(p *planner, h *message.Header) (Action, bool) {
	if !p.shy || p.withheld {
		return 0, false
	}
	p.buf = p.unmapID(p.buf[:0], p.m.Get(h.Value))
	return p.replace(h, p.buf, Map), true
}

// contentID keeps the part nameable and its host unnamed.
func contentID(p *planner, h *message.Header) Action {
	p.buf = append(p.mapID(append(p.buf[:0], '<'), p.m.Get(h.Value)), "@invalid>"...)
	return p.replace(h, p.buf, Rewrite)
}

// disposition: type and handling alone, no filename.
func disposition(p *planner, h *message.Header) Action {
	kind, rest, _ := bytes.Cut(p.m.Get(h.Value), []byte{';'})
	kind = trimSpace(kind)
	if !isOneOf(kind, dispositions[:]) {
		return p.remove(h)
	}
	p.buf = append(p.buf[:0], kind...)
	for len(rest) > 0 {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{';'})
		name, value, _ := bytes.Cut(one, []byte{'='})
		name, value = trimSpace(name), trimSpace(value)
		if message.EqualFold(name, "handling") && (message.EqualFold(value, "optional") || message.EqualFold(value, "required")) {
			p.buf = append(append(p.buf, ";handling="...), value...)
		}
	}
	return p.replace(h, p.buf, Rewrite)
}
