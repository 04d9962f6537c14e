package privacy

import (
	"bytes"
	"strconv"

	"clirgate/sip/message"
)

// common drops what is not one of the words; parameters of a value go.
func (p *planner) common(h *message.Header, words []string) Action {
	return p.rebuild(h, Rewrite, func(dst []byte, s message.Span) []byte {
		value, _, _ := bytes.Cut(p.m.Get(s), []byte{';'})
		value = trimSpace(value)
		for _, w := range words {
			if message.EqualFold(value, w) {
				return append(dst, value...)
			}
		}
		return dst
	})
}

// What a telephone of any make says (STANDARDS 6.6: a longer list tells makes apart).
var (
	commonMethods = []string{"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "OPTIONS"}
	commonOptions = []string{"100rel", "timer", "replaces", "norefersub", "precondition", "early-session", "join", "tdialog", "199", "ice", "trickle-ice", "nosub", "explicitsub"}
	commonTypes   = []string{"application/sdp", "multipart/mixed", "application/dtmf-relay", "application/dtmf", "message/sipfrag", "message/cpim", "text/plain"}
	commonEvent   = []string{"refer", "presence", "message-summary", "conference", "dialog", "kpml", "talk", "hold"}
	commonInfo    = []string{"infoDtmf", "dtmf", "trickle-ice"}
	commonCoding  = []string{"identity", "gzip"}
)

func commonAccept(p *planner, h *message.Header) Action    { return p.common(h, commonTypes) }
func commonAllow(p *planner, h *message.Header) Action     { return p.common(h, commonMethods) }
func commonTags(p *planner, h *message.Header) Action      { return p.common(h, commonOptions) }
func commonEvents(p *planner, h *message.Header) Action    { return p.common(h, commonEvent) }
func commonPackages(p *planner, h *message.Header) Action  { return p.common(h, commonInfo) }
func commonEncodings(p *planner, h *message.Header) Action { return p.common(h, commonCoding) }

// alertInfo: an alert URN tells at most where the call comes from; a URL names a PBX.
func alertInfo(p *planner, h *message.Header) Action {
	return p.rebuild(h, Rewrite, func(dst []byte, s message.Span) []byte {
		na, ok := p.m.NameAddr(s)
		if !ok {
			return dst
		}
		uri := p.m.Get(na.URI)
		const prefix = "urn:alert:"
		if len(uri) <= len(prefix) || !message.EqualFold(uri[:len(prefix)], prefix) || p.holdsSender(uri) ||
			p.col == colUW && !isAlert(uri[len(prefix):]) {
			return dst
		}
		return append(append(append(dst, '<'), uri...), '>')
	})
}

// warning: code of three digits, agent, quoted text. Only the code is kept.
func warning(p *planner, h *message.Header) Action {
	return p.rebuild(h, Anonymise, func(dst []byte, s message.Span) []byte {
		v := p.m.Get(s)
		if len(v) < 4 || !allDigits(v[:3]) || !isSpace(v[3]) {
			return dst
		}
		dst = append(append(dst, v[:3]...), ` gateway "`...)
		return append(append(dst, warningText(v[:3])...), '"')
	})
}

// warningText is the meaning of a warn-code (RFC 3261 20.43).
func warningText(code []byte) string {
	switch string(code) {
	case "300":
		return "Incompatible network protocol"
	case "301":
		return "Incompatible network address formats"
	case "302":
		return "Incompatible transport protocol"
	case "303":
		return "Incompatible bandwidth units"
	case "304":
		return "Media type not available"
	case "305":
		return "Incompatible media format"
	case "306":
		return "Attribute not understood"
	case "307":
		return "Session description parameter not understood"
	case "330":
		return "Multicast not available"
	case "331":
		return "Unicast not available"
	case "370":
		return "Insufficient bandwidth"
	}
	return "Miscellaneous warning"
}

// retryAfter keeps the seconds and a duration, not the comment.
func retryAfter(p *planner, h *message.Header) Action {
	v := p.m.Get(h.Value)
	n := 0
	for n < len(v) && n < 9 && v[n] >= '0' && v[n] <= '9' {
		n++
	}
	seconds, err := strconv.Atoi(string(v[:n]))
	if err != nil || n < len(v) && v[n] >= '0' && v[n] <= '9' || p.holdsSender(v[:n]) {
		return p.remove(h)
	}
	p.buf = strconv.AppendInt(p.buf[:0], int64(seconds), 10)
	return p.replace(h, p.buf, Rewrite)
}

// reason: protocol and cause, no text (RFC 3326).
func reason(p *planner, h *message.Header) Action {
	return p.rebuild(h, Rewrite, func(dst []byte, s message.Span) []byte {
		v := p.m.Get(s)
		i := bytes.IndexByte(v, ';')
		if i < 0 {
			i = len(v)
		}
		protocol := trimSpace(v[:i])
		if !isToken(protocol) || len(protocol) > 16 || p.holdsSender(protocol) {
			return dst
		}
		dst = append(dst, protocol...)
		params := message.Span{Off: s.Off + uint16(i), End: s.End}
		if cause, _, ok := p.m.Param(params, "cause"); ok && cause.Len() <= 4 && allDigits(p.m.Get(cause)) {
			dst = append(append(dst, ";cause="...), p.m.Get(cause)...)
		}
		return dst
	})
}

// credentials: those for the own realm were for the gateway's side; a registrar behind it
// still needs them.
func credentials(p *planner, h *message.Header) Action {
	if p.m.Method() == message.REGISTER || p.t.Domain == "" {
		return Keep
	}
	if realm, ok := digestParam(p.m.Get(h.Value), "realm"); ok && message.EqualFold(realm, p.t.Domain) {
		return p.remove(h)
	}
	return Keep
}

// digestParam finds a parameter of "Digest name="value", ..." (RFC 3261 20.7).
func digestParam(b []byte, name string) (value []byte, ok bool) {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		b = b[i+1:]
	}
	for len(b) > 0 {
		i, quoted := 0, false
		for i < len(b) && (quoted || b[i] != ',') {
			switch b[i] {
			case '\\':
				i++
			case '"':
				quoted = !quoted
			}
			i++
		}
		i = min(i, len(b))
		key, v, _ := bytes.Cut(b[:i], []byte{'='})
		if message.EqualFold(trimSpace(key), name) {
			return unquoted(trimSpace(v)), true
		}
		b = b[min(i+1, len(b)):]
	}
	return nil, false
}

// challenge of a withheld party cannot be passed on nor answered: see statusLine.
func challenge(p *planner, h *message.Header) Action {
	if s := p.m.Status(); s == 401 || s == 407 {
		p.unauthorized = true
	}
	return p.remove(h)
}

// noInstance: preferences about the other side, without one's device.
func noInstance(p *planner, h *message.Header) Action {
	return p.rebuild(h, Rewrite, func(dst []byte, s message.Span) []byte {
		i := int(s.Off)
		for q := range p.m.Params(s) {
			if message.EqualFold(p.m.Get(q.Name), "+sip.instance") {
				dst = append(dst, p.m.Bytes()[i:q.Whole.Off]...)
				i = int(q.Whole.End)
			}
		}
		return append(dst, p.m.Bytes()[i:s.End]...)
	})
}

// priority: a call-back of the PSAP is believed from trusted peers only; "emergency" from
// a device ends at another device.
func priority(p *planner, h *message.Header) Action {
	if p.t.From.Trusted || p.t.From.Emergency {
		return Keep
	}
	v := p.m.Get(h.Value)
	word, _, _ := bytes.Cut(v, []byte{';'})
	word = trimSpace(word)
	if message.EqualFold(word, "psap-callback") || p.untrusted() && message.EqualFold(word, "emergency") {
		return p.remove(h)
	}
	return Keep
}
