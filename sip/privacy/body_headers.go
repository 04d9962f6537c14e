package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// headers are the part's own header values as they may go on.
func (w *bodyWriter) headers(p *part, mt message.MediaType) entity {
	if !w.withheld() {
		return entity{ctype: w.m.Get(p.ctype)}
	}
	x := entity{ctype: w.mediaType(p, mt, nil), disposition: w.disposition(w.m.Get(p.disposition)), id: w.contentID(p.id)}
	if !p.whole.Empty() && w.encoded(p) {
		x.encoding = w.m.Get(p.encoding)
	}
	return x
}

// keepParams are the parameters of a media type that say how to read it; others (name,
// x-...) are the device's or user's own.
var keepParams = [...]string{"charset", "version", "base", "format", "delsp", "type"}

// mediaType is a part's media type with harmless parameters; boundary as given.
func (w *bodyWriter) mediaType(p *part, mt message.MediaType, boundary []byte) []byte {
	m := w.m
	from := len(w.text)
	switch {
	case p.ctype.Empty() && !p.whole.Empty():
		return []byte("text/plain") // RFC 2046 5.1; told, where a single part is left
	case mt.Subtype.Empty():
		return nil
	}
	w.text = append(w.text, m.Get(mt.Type)...)
	w.text = append(w.text, '/')
	w.text = append(w.text, m.Get(mt.Subtype)...)
	changed := false
	for param := range m.Params(mt.Params) {
		name := m.Get(param.Name)
		switch {
		case message.EqualFold(name, "boundary"):
			changed = true
		case message.EqualFold(name, "start"):
			changed = true
			if id := w.mapped(bytes.Trim(m.Get(param.Value), `"`)); id != nil {
				w.text = append(append(append(w.text, `;start="`...), id...), '"')
			}
		case isOneOf(name, keepParams[:]) && !w.holds(m.Get(param.Value)):
			w.text = append(w.text, m.Get(param.Whole)...)
		default:
			changed = true
		}
	}
	if boundary != nil {
		w.text = append(append(w.text, ";boundary="...), boundary...)
	} else if !changed {
		return m.Get(p.ctype)
	}
	return w.text[from:len(w.text):len(w.text)]
}

func isOneOf(name []byte, list []string) bool {
	for _, s := range list {
		if message.EqualFold(name, s) {
			return true
		}
	}
	return false
}

// dispositions that are named in standards; a part with another one loses the header.
var dispositions = [...]string{"session", "render", "signal", "early-session", "attachment", "inline", "alert", "icon",
	"by-reference", "notification", "info-package", "recipient-list"}

// disposition keeps type and handling (RFC 3261 20.11), no filename.
func (w *bodyWriter) disposition(value []byte) []byte {
	kind, rest, _ := bytes.Cut(value, []byte{';'})
	kind = trimSpace(kind)
	if !isOneOf(kind, dispositions[:]) {
		return nil
	}
	from := len(w.text)
	w.text = append(w.text, kind...)
	for len(rest) > 0 {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{';'})
		name, v, _ := bytes.Cut(one, []byte{'='})
		name, v = trimSpace(name), trimSpace(v)
		if message.EqualFold(name, "handling") && isOneOf(v, []string{"optional", "required"}) {
			w.text = append(append(w.text, ";handling="...), v...)
		}
	}
	return w.text[from:len(w.text):len(w.text)]
}

// contentID keeps the part nameable and its host unnamed.
func (w *bodyWriter) contentID(id message.Span) []byte {
	if id.Empty() {
		return nil
	}
	return w.mapped(w.m.Get(id))
}

// mapped is <letters@invalid> for an identifier, the same for all that name it.
func (w *bodyWriter) mapped(id []byte) []byte {
	if len(id) == 0 {
		return nil
	}
	from := len(w.text)
	w.text = w.t.Keys.MapID(append(w.text, '<'), w.d, id)
	w.text = append(w.text, "@invalid>"...)
	return w.text[from:len(w.text):len(w.text)]
}
