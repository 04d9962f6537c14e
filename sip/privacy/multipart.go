package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// Bounds of multipart bodies. What has more is not read: kept when the sender may be
// shown, removed when not.
const (
	maxDepth     = 4
	maxParts     = 32 // of one message
	maxBoundary  = 70 // RFC 2046 5.1.1
	boundarySize = 32 // letters of our own
)

// multipart writes what is left of a multipart body. Of a sender that may be shown, each
// byte of what stays is as it came; a withheld one's is put together anew, with a
// boundary of ours and no preamble; a single part that is left stands alone.
func (w *bodyWriter) multipart(dst []byte, p *part, mt message.MediaType) ([]byte, entity) {
	boundary := w.m.Get(mt.Boundary(w.m))
	first := len(w.parts)
	tail, ok := w.split(p.content, boundary, w.m.Get(mt.Subtype))
	defer func() { w.parts = w.parts[:first] }()
	if !ok || w.depth == maxDepth {
		if w.withheld() {
			w.unread = true
			return dst, entity{gone: true}
		}
		if w.barsText(p.content) {
			w.barred = true
			return dst, entity{gone: true}
		}
		return append(dst, w.m.Get(p.content)...), entity{ctype: w.m.Get(p.ctype)}
	}
	w.depth++
	defer func() { w.depth-- }()
	if w.withheld() {
		return w.reassemble(dst, first, p, mt)
	}
	return w.takeOut(dst, first, p, tail)
}

// takeOut copies the multipart without the parts that must not go on.
func (w *bodyWriter) takeOut(dst []byte, first int, p *part, tail message.Span) ([]byte, entity) {
	from := len(dst)
	kept := 0
	if preamble := (message.Span{Off: p.content.Off, End: w.parts[first].whole.Off}); !w.barsText(preamble) {
		dst = append(dst, w.m.Get(preamble)...)
	}
	for i := first; i < first+w.count(first); i++ {
		q := &w.parts[i] // stays readable when the slice grows
		start := len(dst)
		dst = append(dst, w.m.Get(message.Span{Off: q.whole.Off, End: q.content.Off})...)
		var x entity
		if dst, x = w.write(dst, q); x.gone {
			dst = dst[:start]
			continue
		}
		kept++
		dst = append(dst, w.m.Get(message.Span{Off: q.content.End, End: q.whole.End})...)
	}
	if kept == 0 {
		return dst[:from], entity{gone: true}
	}
	if w.barsText(tail) {
		line, _, _ := bytes.Cut(w.m.Get(tail), []byte{'\n'}) // the closing delimiter alone
		tail.End = tail.Off + uint16(len(line))
	}
	return append(dst, w.m.Get(tail)...), entity{ctype: w.m.Get(p.ctype)}
}

// count is how many parts the multipart has whose parts begin at first; it is the
// innermost.
func (w *bodyWriter) count(first int) int { return len(w.parts) - first }

// reassemble writes the parts that may go on between boundaries of ours.
func (w *bodyWriter) reassemble(dst []byte, first int, p *part, mt message.MediaType) ([]byte, entity) {
	boundary := w.boundary(w.m.Get(mt.Boundary(w.m)))
	from, kept := len(dst), 0
	var only entity
	var onlyFrom int // where its content begins
	for i, n := first, first+w.count(first); i < n; i++ {
		q := &w.parts[i]
		start := len(dst)
		var x entity
		if dst, x = w.write(dst, q); x.gone {
			dst = dst[:start]
			continue
		}
		head := w.partHead(boundary, x)
		dst = insertAt(dst, start, head)
		only, onlyFrom = x, start+len(head)
		dst = append(dst, "\r\n"...)
		kept++
	}
	switch {
	case kept == 0:
		return dst[:from], entity{gone: true}
	case kept == 1 && only.encoding == nil:
		only.unwrapped = true
		return append(dst[:from], dst[onlyFrom:len(dst)-len("\r\n")]...), only
	}
	dst = append(append(append(dst, "--"...), boundary...), "--\r\n"...)
	return dst, entity{
		ctype:       w.mediaType(p, mt, boundary),
		disposition: w.disposition(w.m.Get(p.disposition)),
		id:          w.contentID(p.id),
	}
}

// partHead is the delimiter line and headers of a part.
func (w *bodyWriter) partHead(boundary []byte, x entity) []byte {
	from := len(w.text)
	w.text = append(append(append(w.text, "--"...), boundary...), "\r\n"...)
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
	return w.text[from:len(w.text):len(w.text)]
}

// insertAt puts text into b at i.
func insertAt(b []byte, i int, text []byte) []byte {
	n := len(b)
	b = append(b, text...)
	copy(b[i+len(text):], b[i:n])
	copy(b[i:], text)
	return b
}

// boundary is the gateway's own for the boundary received, the same in every message of
// the dialog.
func (w *bodyWriter) boundary(received []byte) []byte {
	from := len(w.text)
	w.text = w.t.Keys.MapID(w.text, w.d, received)
	w.text = w.text[:min(len(w.text), from+boundarySize)]
	return w.text[from:len(w.text):len(w.text)]
}

// split finds the parts of content and appends them to w.parts; tail is the closing
// delimiter with what follows it. ok is false when it is no multipart that can be read.
func (w *bodyWriter) split(content message.Span, boundary, subtype []byte) (tail message.Span, ok bool) {
	if len(boundary) == 0 || len(boundary) > maxBoundary {
		return tail, false
	}
	b := w.m.Bytes()[:content.End]
	first := len(w.parts)
	at, next, closing := nextDelimiter(b, int(content.Off), boundary)
	for at >= 0 && !closing {
		if len(w.parts) == maxParts {
			return tail, false
		}
		var end int
		start := at
		head := next
		at, next, closing = nextDelimiter(b, head, boundary)
		if end = at; at < 0 {
			end = len(b) // no closing delimiter
		}
		p := part{whole: spanOf(start, end), digest: message.EqualFold(subtype, "digest")}
		if at >= 0 {
			end = beforeLineEnd(b, head, end)
		}
		w.readPart(&p, head, end)
		w.parts = append(w.parts, p)
	}
	tail = spanOf(len(b), len(b))
	if at >= 0 {
		tail.Off = uint16(at)
	}
	return tail, len(w.parts) > first
}

// nextDelimiter finds the next line of b from at on that is a delimiter: where it begins,
// and the line behind it; at is -1 when there is none. at must be the beginning of a line.
func nextDelimiter(b []byte, at int, boundary []byte) (off, next int, closing bool) {
	for at < len(b) {
		end := len(b)
		if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := b[at:end]
		if len(line) >= 2+len(boundary) && line[0] == '-' && line[1] == '-' && bytes.Equal(line[2:2+len(boundary)], boundary) {
			rest := line[2+len(boundary):]
			closing = bytes.HasPrefix(rest, []byte("--"))
			if closing || len(trimSpace(rest)) == 0 {
				return at, end, closing
			}
		}
		at = end
	}
	return -1, len(b), false
}

// beforeLineEnd is end without the line end in front of it, which belongs to the
// delimiter (RFC 2046 5.1.1).
func beforeLineEnd(b []byte, from, end int) int {
	if end > from && b[end-1] == '\n' {
		end--
		if end > from && b[end-1] == '\r' {
			end--
		}
	}
	return end
}

// readPart reads a part's headers in b[head:end]; what follows the empty line is its
// content.
func (w *bodyWriter) readPart(p *part, head, end int) {
	b := w.m.Bytes()[:end]
	at := head
	for at < end {
		name, value, next := nextHeader(b, at)
		if name == nil {
			at = next // the empty line
			break
		}
		at = next
		switch {
		case message.EqualFold(name, "Content-Type"):
			p.ctype = value
		case message.EqualFold(name, "Content-Disposition"):
			p.disposition = value
		case message.EqualFold(name, "Content-ID"):
			p.id = value
		case message.EqualFold(name, "Content-Transfer-Encoding"), message.EqualFold(name, "Content-Encoding"):
			if p.encoding.Empty() || !w.encoded(p) {
				p.encoding = value
			}
		}
	}
	p.content = spanOf(min(at, end), end)
}

// nextHeader reads the header line at b[at:], folds included. name is nil, and next
// behind it, for an empty line; a line that is no header has an empty name.
func nextHeader(b []byte, at int) (name []byte, value message.Span, next int) {
	next = len(b)
	for i := at; ; {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			break
		}
		i += j + 1
		if i >= len(b) || b[i] != ' ' && b[i] != '\t' || len(trimSpace(b[at:i])) == 0 {
			next = i
			break
		}
	}
	line := b[at:next]
	if len(trimSpace(line)) == 0 {
		return nil, message.Span{}, next
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return []byte{}, message.Span{}, next
	}
	text := trimSpace(line[colon+1:])
	from := at + colon + 1
	for len(text) > 0 && isSpace(b[from]) {
		from++
	}
	return trimSpace(line[:colon:colon]), spanOf(from, from+len(text)), next
}

func spanOf(off, end int) message.Span { return message.Span{Off: uint16(off), End: uint16(end)} }
