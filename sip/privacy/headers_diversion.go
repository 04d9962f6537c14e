package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// historyInfo: on W the own domain's entries and all that name the sender; on N those
// that ask for it, and the own domain's when the history level was asked for. index, rc,
// mp, np and a plain Reason stay; an embedded Privacy does not (RFC 7044 10.1.2).
func historyInfo(p *planner, h *message.Header) Action {
	if p.withheld {
		return p.rebuild(h, Anonymise, p.historyWithheld)
	}
	action := Keep
	for s := range p.m.Values(h) {
		if a := p.historyShown(s); a != Keep {
			action = a
		}
	}
	return action
}

// historyShown edits one entry in place, so that all else stays as it came.
func (p *planner) historyShown(s message.Span) Action {
	na, ok := p.m.NameAddr(s)
	if !ok {
		return Keep
	}
	if p.col != colE && (p.col == colUN && p.asksHistory(na.URI) || p.history && p.ownDomain(na.URI)) {
		p.buf = p.appendHistory(p.buf[:0], na)
		p.e.Replace(s, p.buf)
		return Anonymise
	}
	return p.stripDialled(na.URI)
}

func (p *planner) historyWithheld(dst []byte, s message.Span) []byte {
	na, ok := p.m.NameAddr(s)
	if !ok {
		return dst
	}
	if p.ownDomain(na.URI) || p.isSender(na.URI) || p.holdsSender(p.m.Get(s)) {
		return p.appendHistory(dst, na)
	}
	if u, _ := p.m.ParseURI(na.URI); u.Headers.Empty() && !p.dialled(u) {
		return append(dst, p.m.Get(s)...)
	}
	dst = append(append(dst, '<'), p.withoutCodes(na.URI, p.dialledSkip(na.URI))...)
	dst = append(dst, '>')
	return p.appendHistoryParams(dst, na.Params)
}

// appendHistory writes an entry without its address.
func (p *planner) appendHistory(dst []byte, na message.NameAddr) []byte {
	dst = append(dst, anonymousURI[:len(anonymousURI)-1]...)
	if u, ok := p.m.ParseURI(na.URI); ok {
		if v := uriHeader(p.m.Get(u.Headers), "Reason"); plainReason(v) {
			dst = append(append(dst, "?Reason="...), v...)
		}
	}
	return p.appendHistoryParams(append(dst, '>'), na.Params)
}

// appendHistoryParams keeps index, rc, mp and np, which are numbers and dots.
func (p *planner) appendHistoryParams(dst []byte, params message.Span) []byte {
	for q := range p.m.Params(params) {
		name := p.m.Get(q.Name)
		known := message.EqualFold(name, "index") || message.EqualFold(name, "rc") ||
			message.EqualFold(name, "mp") || message.EqualFold(name, "np")
		if value := p.m.Get(q.Value); known && isIndex(value) && !p.holdsSender(value) {
			dst = append(append(append(append(dst, ';'), name...), '='), value...)
		}
	}
	return dst
}

func isIndex(b []byte) bool {
	for _, c := range b {
		if c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return len(b) > 0
}

// plainReason: "SIP%3Bcause%3D302" and nothing behind it.
func plainReason(v []byte) bool {
	i := bytes.IndexByte(v, '%')
	if i <= 0 || i > 16 {
		return false
	}
	rest, ok := bytes.CutPrefix(v[i:], []byte("%3Bcause%3D"))
	if !ok {
		rest, ok = bytes.CutPrefix(v[i:], []byte("%3bcause%3d"))
	}
	return ok && len(rest) <= 4 && isIndex(rest) && isToken(v[:i])
}

// uriHeader finds a header in the "?name=value&..." of a URI, nil when it is not there.
func uriHeader(headers []byte, name string) []byte {
	for len(headers) > 0 {
		headers = headers[1:] // "?" or "&"
		one := headers
		if i := bytes.IndexByte(headers, '&'); i >= 0 {
			one, headers = headers[:i], headers[i:]
		} else {
			headers = nil
		}
		if key, value, _ := bytes.Cut(one, []byte{'='}); message.EqualFold(key, name) {
			return value
		}
	}
	return nil
}

// asksHistory: the entry carries Privacy=history or anything else than none (PRV-30).
func (p *planner) asksHistory(uri message.Span) bool {
	u, ok := p.m.ParseURI(uri)
	if !ok {
		return false
	}
	v := uriHeader(p.m.Get(u.Headers), "Privacy")
	return v != nil && !message.EqualFold(v, "none")
}

// ownDomain: of the own domain, or without any.
func (p *planner) ownDomain(uri message.Span) bool {
	u, ok := p.m.ParseURI(uri)
	return !ok || u.Host.Empty() || message.EqualFold(p.m.Get(u.Host), p.t.Domain)
}

// dialled: the same user part as the Request-URI's, so with the same codes in front.
func (p *planner) dialled(u message.URI) bool {
	if p.t.Skip <= 0 || !p.m.IsRequest() {
		return false
	}
	r, ok := p.m.ParseURI(p.m.RequestURI())
	return ok && r.User.Len() >= p.t.Skip && bytes.Equal(p.m.Get(r.User), p.m.Get(u.User))
}

func (p *planner) dialledSkip(uri message.Span) int {
	if u, ok := p.m.ParseURI(uri); ok && p.dialled(u) {
		return p.t.Skip
	}
	return 0
}

func (p *planner) stripDialled(uri message.Span) Action {
	return p.stripCodes(uri, p.dialledSkip(uri))
}

// diversion: anonymous where it asks for it (privacy), or names the withheld sender. In a
// 3xx it would tell U who diverts: removed.
func diversion(p *planner, h *message.Header) Action {
	if p.col == colUN && p.redirects() {
		return p.remove(h)
	}
	action := Keep
	for s := range p.m.Values(h) {
		na, ok := p.m.NameAddr(s)
		switch {
		case !ok && p.withheld:
			return p.remove(h)
		case !ok:
		case p.col == colUN && p.diverterHides(na), p.col == colTW && (p.diverterHides(na) || p.isSender(na.URI) || p.holdsSender(p.m.Get(s))):
			p.buf = p.appendDiversion(p.buf[:0], na)
			p.e.Replace(s, p.buf)
			action = Anonymise
		default:
			if a := p.stripDialled(na.URI); a != Keep {
				action = a
			}
		}
	}
	return action
}

func (p *planner) diverterHides(na message.NameAddr) bool {
	v, _, ok := p.m.Param(na.Params, "privacy")
	return ok && !message.EqualFold(unquoted(p.m.Get(v)), "off")
}

func unquoted(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

func (p *planner) appendDiversion(dst []byte, na message.NameAddr) []byte {
	dst = append(dst, anonymousURI...)
	for q := range p.m.Params(na.Params) {
		name, value := p.m.Get(q.Name), p.m.Get(q.Value)
		switch {
		case message.EqualFold(name, "reason") && isToken(unquoted(value)),
			message.EqualFold(name, "counter") && isIndex(value), message.EqualFold(name, "limit") && isIndex(value):
			if !p.holdsSender(value) {
				dst = append(append(append(append(dst, ';'), name...), '='), value...)
			}
		}
	}
	return dst
}

func (p *planner) redirects() bool { s := p.m.Status(); return s >= 300 && s < 400 || s == 485 }

// referredBy: the W-party itself refers; another's name in an INVITE that a REFER
// triggered stays, without the signed token towards U (RFC 3892 2).
func referredBy(p *planner, h *message.Header) Action {
	na, ok := p.m.NameAddr(h.Value)
	switch {
	case !ok:
		return p.remove(h)
	case p.m.Method() == message.REFER || p.isSender(na.URI) || p.holdsSender(p.m.Get(h.Value)):
		return p.replace(h, append(p.buf[:0], anonymousURI...), Anonymise)
	case p.col == colTW:
		return Keep
	}
	p.buf = append(append(append(p.buf[:0], '<'), p.withoutCodes(na.URI, 0)...), '>')
	return p.replace(h, p.buf, Rewrite)
}

// referTo: a URI that is the W-party itself is anonymised; the dialog in ?Replaces is
// mapped, any other header in the URI goes.
func referTo(p *planner, h *message.Header) Action {
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		return p.remove(h)
	}
	u, ok := p.m.ParseURI(na.URI)
	if !ok || p.isSender(message.Span{Off: na.URI.Off, End: endOr(u.Headers, na.URI)}) {
		return p.replace(h, append(p.buf[:0], anonymousURI...), Anonymise)
	}
	p.buf = append(append(p.buf[:0], '<'), p.withoutCodes(na.URI, 0)...)
	if v := uriHeader(p.m.Get(u.Headers), "Replaces"); len(v) > 0 {
		p.buf = p.appendEscapedRef(append(p.buf, "?Replaces="...), v, p.mapRef)
	}
	p.buf = append(p.buf, '>')
	return p.replace(h, p.buf, Map)
}

// backReferTo puts the dialog of a withheld receiver back.
func backReferTo(p *planner, h *message.Header) (Action, bool) {
	if !p.m.IsRequest() || !p.shy || p.withheld {
		return 0, false
	}
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		return 0, false
	}
	u, _ := p.m.ParseURI(na.URI)
	v := uriHeader(p.m.Get(u.Headers), "Replaces")
	if len(v) == 0 {
		return 0, false
	}
	p.buf = p.appendEscapedRef(p.buf[:0], v, p.unmapRef)
	off := u.Headers.Off + uint16(bytes.Index(p.m.Get(u.Headers), v))
	p.e.Replace(message.Span{Off: off, End: off + uint16(len(v))}, p.buf)
	return Map, true
}

func endOr(s, whole message.Span) uint16 {
	if s.Empty() {
		return whole.End
	}
	return s.Off
}
