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

func isMCID(m *message.Message, mt message.MediaType) bool {
	return message.EqualFold(m.Get(mt.Type), "application") && message.EqualFold(m.Get(mt.Subtype), "vnd.etsi.mcid+xml")
}
