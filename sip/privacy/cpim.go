package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// cpimFrom is the line that takes the place of the sender's.
const cpimFrom = "From: <sip:anonymous@anonymous.invalid>\r\n"

// cpim writes a message/cpim (RFC 3862) with an anonymous sender: To and DateTime stay,
// other headers and extensions (NS) go, the message in it follows the body table.
func (w *bodyWriter) cpim(dst []byte, p *part) (out []byte, ok bool) {
	if w.depth == maxDepth {
		return dst, false
	}
	b := w.m.Get(p.content)
	end := len(b)
	dst = append(dst, cpimFrom...)
	at := 0
	for empty := false; !empty; {
		if at >= end {
			return dst, false
		}
		name, _, next := nextHeader(b, at)
		line := b[at:next]
		at, empty = next, name == nil
		if (message.EqualFold(name, "To") || message.EqualFold(name, "DateTime")) && !w.holds(line) {
			dst = append(append(dst, bytes.TrimRight(line, "\r\n")...), "\r\n"...)
		}
	}
	dst = append(dst, "\r\n"...)
	return w.cpimContent(dst, int(p.content.Off)+at, int(p.content.End))
}

// cpimContent writes the MIME headers and content in [at, end) of the message.
func (w *bodyWriter) cpimContent(dst []byte, at, end int) (out []byte, ok bool) {
	inner := part{whole: spanOf(at, end)}
	w.readPart(&inner, at, end)
	w.depth++
	defer func() { w.depth-- }()
	from := len(dst)
	dst, x := w.write(dst, &inner)
	if x.gone {
		return dst, false
	}
	head := len(w.text)
	line := func(name string, value []byte) {
		if value != nil {
			w.text = append(append(append(w.text, name...), value...), "\r\n"...)
		}
	}
	line("Content-Type: ", x.ctype)
	line("Content-Disposition: ", x.disposition)
	line("Content-ID: ", x.id)
	line("Content-Transfer-Encoding: ", x.encoding)
	w.text = append(w.text, "\r\n"...)
	return insertAt(dst, from, w.text[head:]), true
}
