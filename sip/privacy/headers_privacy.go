package privacy

import (
	"strings"

	"clirgate/rules"
	"clirgate/sip/message"
)

// checkCritical: what is critical and cannot be done refuses the request (PRV-03): the
// session level without a media relay, and levels nobody here knows.
func (p *planner) checkCritical() error {
	const undone = rules.PrivacySession | rules.PrivacyUnknown
	if p.col == colE || !p.m.IsRequest() || p.asked&rules.PrivacyCritical == 0 || p.asked&undone == 0 {
		return nil
	}
	switch p.m.Method() {
	case message.ACK, message.CANCEL, message.BYE: // no answer could help
		return nil
	}
	return &ErrCritical{Names: p.undoneNames()}
}

// undoneNames lists the levels that are not performed, harmless to put in a phrase.
func (p *planner) undoneNames() string {
	var b strings.Builder
	p.eachToken(func(word []byte, flag rules.Privacy) {
		if flag&(rules.PrivacySession|rules.PrivacyUnknown) == 0 || !isToken(word) || b.Len()+len(word) > 64 {
			return
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.Write(word)
	})
	return b.String()
}

// eachToken yields the words of all Privacy lines in order.
func (p *planner) eachToken(yield func(word []byte, flag rules.Privacy)) {
	for h := range p.m.All(message.HPrivacy) {
		value := p.m.Get(h.Value)
		for more := true; more; {
			var word []byte
			if word, value, more = nextWord(value); len(word) > 0 {
				yield(word, privacyToken(word))
			}
		}
	}
}

// choosePrivacy fixes the Privacy header to send (STANDARDS 6.1, PRV-04, PRV-20).
func (p *planner) choosePrivacy() {
	p.mark = p.mark[:0]
	p.markerSet = true
	switch {
	case p.col == colE || p.hidden() || p.overridden():
	case p.col == colTW:
		p.markTrusted()
	case p.col == colUW:
		p.markUntrusted()
	case p.history && p.asked&rules.PrivacyHistory != 0:
		p.markRest()
	default:
		p.markerSet = false
	}
	p.marker = p.mark
}

// markTrusted: id, and every level asked for that is not performed here, for a privacy
// service behind us; critical goes with those.
func (p *planner) markTrusted() {
	if !p.marks() {
		return
	}
	p.mark = append(p.mark, "id"...)
	if p.asked&rules.PrivacySession != 0 {
		p.mark = append(p.mark, ";session"...)
	}
	first := len(p.mark)
	p.eachToken(func(word []byte, flag rules.Privacy) {
		if flag == rules.PrivacyUnknown && isToken(word) && len(p.mark)+len(word) < first+64 {
			p.mark = append(append(p.mark, ';'), word...)
		}
	})
	if p.asked&rules.PrivacyCritical != 0 && len(p.mark) > len("id") {
		p.mark = append(p.mark, ";critical"...)
	}
}

// markUntrusted: id as the sign that the caller withheld it, unless the peer cannot carry
// it; session as it is not performed.
func (p *planner) markUntrusted() {
	if !p.marks() || !p.t.Next.SupportsPrivacy {
		return
	}
	if !p.t.Next.StripMarker {
		p.mark = append(p.mark, "id"...)
	}
	if p.asked&rules.PrivacySession != 0 {
		if len(p.mark) > 0 {
			p.mark = append(p.mark, ';')
		}
		p.mark = append(p.mark, "session"...)
	}
}

// marks: every request; of responses those that may show a connected party.
func (p *planner) marks() bool {
	s := p.m.Status()
	return p.m.IsRequest() || s > 100 && s < 300 || p.m.Has(message.HPrivacy)
}

// markRest: on N what is left once history is performed.
func (p *planner) markRest() {
	p.eachToken(func(word []byte, flag rules.Privacy) {
		if flag == rules.PrivacyHistory {
			return
		}
		if len(p.mark) > 0 {
			p.mark = append(p.mark, ';')
		}
		p.mark = append(p.mark, word...)
	})
	if message.EqualFold(p.mark, "critical") {
		p.mark = p.mark[:0]
	}
}

// privacyLine writes the chosen value into the first line and drops the others.
func privacyLine(p *planner, h *message.Header) Action {
	switch {
	case !p.markerSet:
		return Keep
	case p.markerDone || len(p.marker) == 0:
		return p.remove(h)
	}
	p.markerDone = true
	if string(p.m.Get(h.Value)) == string(p.marker) {
		return Keep
	}
	p.e.Replace(h.Line, p.privacyText())
	return Rewrite
}

func (p *planner) privacyText() []byte {
	p.buf = append(append(append(p.buf[:0], "Privacy: "...), p.marker...), "\r\n"...)
	return p.buf
}

// proxyRequire: the tag privacy is done with here, except that T may still have to
// perform what is asked (SIP-06, PRV-04).
func proxyRequire(p *planner, h *message.Header) Action {
	stays := !p.markerSet || len(p.marker) > 0
	if !p.untrusted() && p.col != colE && stays {
		return Keep
	}
	return p.rebuild(h, Rewrite, func(dst []byte, s message.Span) []byte {
		if message.EqualFold(p.m.Get(s), "privacy") {
			return dst
		}
		return append(dst, p.m.Get(s)...)
	})
}
