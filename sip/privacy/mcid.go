package privacy

import (
	"clirgate/sip/message"
)

// MaliciousCall tells whether a message holds a body by which a called party marks its
// call as malicious, application/vnd.etsi.mcid+xml (TS 24.616 4.4), and whether it holds
// nothing else. Any body of that type counts, whatever is in it [decision].
func MaliciousCall(m *message.Message) (found, alone bool) {
	h := m.First(message.HContentType)
	if h == nil {
		return false, false
	}
	mt, ok := m.MediaType(h.Value)
	if !ok {
		return false, false
	}
	if isMCID(m, mt) {
		return true, true
	}
	if !message.EqualFold(m.Get(mt.Type), "multipart") {
		return false, false
	}
	w := bodyWriters.Get().(*bodyWriter)
	defer w.release()
	w.m, w.d = m, &w.none
	return w.anyMCID(part{ctype: h.Value, content: m.Body()}, mt), false
}

// anyMCID looks through the parts of a multipart, and those within.
func (w *bodyWriter) anyMCID(p part, mt message.MediaType) bool {
	first := len(w.parts)
	_, ok := w.split(p.content, w.m.Get(mt.Boundary(w.m)), w.m.Get(mt.Subtype))
	defer func() { w.parts = w.parts[:first] }()
	if !ok || w.depth == maxDepth {
		return false
	}
	w.depth++
	defer func() { w.depth-- }()
	for i, n := first, len(w.parts); i < n; i++ {
		q := w.parts[i]
		if q.ctype.Empty() {
			continue
		}
		inner, ok := w.m.MediaType(q.ctype)
		switch {
		case !ok:
		case isMCID(w.m, inner):
			return true
		case message.EqualFold(w.m.Get(inner.Type), "multipart") && w.anyMCID(q, inner):
			return true
		}
	}
	return false
}

// mayMark tells whether a part that would pass on a call that shows its caller may hold a
// body that marks one, for all anybody can read of it: inside what is not looked into, or
// with a type that is spelled as no type is. Nothing of that reaches U (GPP-17): fail closed.
func (w *bodyWriter) mayMark(r *bodyRow, p *part) bool {
	switch {
	case w.col != colUN:
		return false
	case spellsMCID(w.typesOf(p)):
		return true
	case r.kind == "text" || r.form == sdpBody:
		return false
	case w.cell(r) == 'M': // part by part; RFC 2045 6.4 has none of them encoded
		return w.encoded(p)
	}
	return spellsMCID(w.m.Get(p.content))
}

// typesOf is what is said of a part's type: all of its headers, or the message's lines of
// that name.
func (w *bodyWriter) typesOf(p *part) []byte {
	if !p.whole.Empty() {
		return w.m.Get(message.Span{Off: p.whole.Off, End: p.content.Off})
	}
	first, last := p.ctype, p.ctype
	for h := range w.m.All(message.HContentType) {
		last = h.Value
	}
	return w.m.Get(message.Span{Off: first.Off, End: last.End})
}

// barsText takes what stands between no parts out of a multipart, should it spell a mark:
// whoever reads boundaries in another way may find a part there.
func (w *bodyWriter) barsText(s message.Span) bool {
	return w.col == colUN && spellsMCID(w.m.Get(s))
}

// spellsMCID searches for the type's own name, in which the dot tells it from letters that
// stand for other bytes.
func spellsMCID(b []byte) bool {
	const dot, name = 4, "etsi.mcid"
	for at, c := range b {
		if c == '.' && at >= dot && at-dot+len(name) <= len(b) && message.EqualFold(b[at-dot:at-dot+len(name)], name) {
			return true
		}
	}
	return false
}

func isMCID(m *message.Message, mt message.MediaType) bool {
	return message.EqualFold(m.Get(mt.Type), "application") && message.EqualFold(m.Get(mt.Subtype), "vnd.etsi.mcid+xml")
}
