package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// A dialog named in another message: "call-id;to-tag=...;from-tag=..." (Replaces, Join),
// with local-tag and remote-tag (Target-Dialog). Of these a withheld sender's own are
// from-tag and local-tag.

// mapID appends what the other side is to see of an identifier of the withheld sender.
func (p *planner) mapID(dst, id []byte) []byte { return p.t.Keys.MapID(dst, p.d, id) }

// mapRefID is mapID for an identifier named in a reference: this dialog's own are written
// as everywhere else in the message.
func (p *planner) mapRefID(dst, id []byte) []byte {
	if bytes.Equal(id, p.m.CallID()) {
		return p.appendCallID(dst, id)
	}
	switch p.known {
	case KnownOwn:
		return p.t.Keys.MapID(dst, &p.named, id)
	case KnownForeign:
		return append(dst, id...)
	}
	if p.raised && bytes.Equal(id, p.m.FromTag()) {
		return append(dst, id...)
	}
	n := len(dst)
	if p.shy {
		if dst = p.unmapID(dst, id); !bytes.Equal(dst[n:], id) {
			return dst
		}
	}
	return p.mapID(dst[:n], id)
}

// unmapID appends the withheld receiver's own identifier. Only one of this very dialog is
// told: that mapping it again gives the same letters proves it, so that nobody can have
// another's identifiers turned back by sending them to a friend.
func (p *planner) unmapID(dst, mapped []byte) []byte {
	n := len(dst)
	dst, ok := p.t.Keys.UnmapID(dst, mapped)
	if !ok {
		return append(dst[:n], mapped...)
	}
	plain := len(dst)
	dst = p.t.Keys.MapID(dst, p.d, dst[n:])
	if !bytes.Equal(dst[plain:], mapped) {
		return append(dst[:n], mapped...)
	}
	return dst[:plain]
}

// name notes whose call a reference names by its Call-ID.
func (p *planner) name(callID []byte) {
	p.known = KnownNot
	if p.t.Calls != nil && !bytes.Equal(callID, p.m.CallID()) {
		p.named.ID, p.known = p.t.Calls.Named(callID)
	}
}

// refPart says what becomes of one part of a reference; ok false drops it.
type refPart func(dst, name, value []byte) (out []byte, ok bool)

// mapRef: name is empty for the Call-ID.
func (p *planner) mapRef(dst, name, value []byte) ([]byte, bool) {
	switch {
	case len(name) == 0:
		p.name(value)
		return p.mapRefID(dst, value), true
	case message.EqualFold(name, "from-tag"), message.EqualFold(name, "local-tag"):
		return p.mapRefID(dst, value), true
	case message.EqualFold(name, "to-tag"), message.EqualFold(name, "remote-tag"):
		return p.unmapID(dst, value), true
	case message.EqualFold(name, "early-only"):
		return append(dst, value...), len(value) == 0
	}
	return dst, false
}

// unmapRef gives the withheld receiver back whatever is its own.
func (p *planner) unmapRef(dst, name, value []byte) ([]byte, bool) {
	return p.unmapID(dst, value), true
}

// appendRef rewrites a reference part by part.
func appendRef(dst, ref []byte, part refPart) []byte {
	var name []byte
	for first := true; first || len(ref) > 0; first = false {
		one := ref
		if i := bytes.IndexByte(ref, ';'); i >= 0 {
			one, ref = ref[:i], ref[i+1:]
		} else {
			ref = nil
		}
		name = name[:0]
		value := trimSpace(one)
		flag := false
		if !first {
			var eq bool
			name, value, eq = bytes.Cut(value, []byte{'='})
			name, value, flag = trimSpace(name), trimSpace(value), !eq
		}
		dst = appendRefPart(dst, name, value, first, flag, part)
	}
	return dst
}

func appendRefPart(dst, name, value []byte, first, flag bool, part refPart) []byte {
	if !first && len(name) == 0 {
		return dst
	}
	at := len(dst)
	if !first {
		dst = append(append(dst, ';'), name...)
		if !flag {
			dst = append(dst, '=')
		}
	}
	dst, ok := part(dst, name, value)
	if !ok {
		return dst[:at]
	}
	return dst
}

// appendEscapedRef is appendRef for a reference inside a URI, with %HH.
func (p *planner) appendEscapedRef(dst, escaped []byte, part refPart) []byte {
	p.work = message.AppendUnescaped(p.work[:0], escaped)
	n := len(p.work)
	p.work = appendRef(p.work, p.work[:n:n], part)
	for _, c := range p.work[n:] {
		if isUnreserved(c) {
			dst = append(dst, c)
			continue
		}
		const hex = "0123456789ABCDEF"
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}

func isUnreserved(c byte) bool {
	switch c {
	case '-', '_', '.', '!', '~', '*', '\'', '(', ')':
		return true
	}
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// dialogRef is Replaces, Join or Target-Dialog of a withheld sender.
func dialogRef(p *planner, h *message.Header) Action {
	p.buf = appendRef(p.buf[:0], p.m.Get(h.Value), p.mapRef)
	return p.replace(h, p.buf, Map)
}

// backDialogRef turns the same back for a withheld receiver, and In-Reply-To, a list of
// Call-IDs, too.
func backDialogRef(p *planner, h *message.Header) (Action, bool) {
	if !p.m.IsRequest() || !p.shy || p.withheld {
		return 0, false
	}
	if h.ID == message.HInReplyTo {
		return p.rebuild(h, Map, func(dst []byte, s message.Span) []byte { return p.unmapID(dst, p.m.Get(s)) }), true
	}
	p.buf = appendRef(p.buf[:0], p.m.Get(h.Value), p.unmapRef)
	return p.replace(h, p.buf, Map), true
}

// event: the dialog or subscription an Event names (RFC 4235 3.2, RFC 6665 8.2.1).
func event(p *planner, h *message.Header) Action {
	p.known = KnownNot
	p.buf = p.appendEvent(p.buf[:0], p.m.Get(h.Value), p.mapEvent)
	return p.replace(h, p.buf, Map)
}

func backEvent(p *planner, h *message.Header) (Action, bool) {
	if !p.shy || p.withheld {
		return 0, false
	}
	p.buf = p.appendEvent(p.buf[:0], p.m.Get(h.Value), func(dst, name, value []byte) ([]byte, bool) {
		return p.unmapID(dst, unquoted(value)), true
	})
	return p.replace(h, p.buf, Map), true
}

// appendEvent leaves the package name and writes its parameters; call-id comes quoted.
func (p *planner) appendEvent(dst, value []byte, part refPart) []byte {
	i := bytes.IndexByte(value, ';')
	if i < 0 {
		return append(dst, value...)
	}
	dst = append(dst, trimSpace(value[:i])...)
	return appendRef(dst, value[i:], func(dst, name, value []byte) ([]byte, bool) {
		if len(name) == 0 {
			return dst, true
		}
		quoted := len(value) > 0 && value[0] == '"'
		if quoted {
			dst = append(dst, '"')
		}
		dst, ok := part(dst, name, value)
		if quoted {
			dst = append(dst, '"')
		}
		return dst, ok
	})
}

// mapEvent: the id of a REFER's implicit subscription is the CSeq number, known on both
// sides (RFC 3515 2.4.6); any other is the sender's own word.
func (p *planner) mapEvent(dst, name, value []byte) ([]byte, bool) {
	plain := unquoted(value)
	switch {
	case message.EqualFold(name, "id") && allDigits(plain) && !p.holdsSender(plain):
		return append(dst, plain...), true
	case message.EqualFold(name, "call-id"):
		p.name(plain)
		return p.mapRefID(dst, plain), true
	case message.EqualFold(name, "from-tag"), message.EqualFold(name, "id"):
		return p.mapRefID(dst, plain), true
	case message.EqualFold(name, "to-tag"):
		return p.unmapID(dst, plain), true
	}
	return append(dst, plain...), p.col == colTW || message.EqualFold(name, "include-session-description")
}
