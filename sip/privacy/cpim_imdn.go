package privacy

import "bytes"

// imdnNames are the elements of a disposition notification (RFC 5438 section 7.2) that
// name who sends it, or quote him.
var imdnNames = [...]string{"recipient-uri", "original-recipient-uri", "requester", "subject"}

// imdn writes a disposition notification with those elements anonymous. ok is false when
// one does not close, or the sender's number is elsewhere in it.
func (w *bodyWriter) imdn(dst []byte, p *part) (out []byte, ok bool) {
	from := len(dst)
	b := w.m.Get(p.content)
	for {
		open := bytes.IndexByte(b, '<')
		if open < 0 {
			dst = append(dst, b...)
			return dst, !w.holds(dst[from:])
		}
		end := bytes.IndexByte(b[open:], '>')
		if end < 0 {
			return dst, false
		}
		tag := b[open+1 : open+end]
		dst = append(dst, b[:open+end+1]...)
		b = b[open+end+1:]
		if !isNaming(tag) {
			continue
		}
		next := bytes.IndexByte(b, '<')
		if next < 0 || next+1 >= len(b) || b[next+1] != '/' {
			return dst, false // no plain text inside
		}
		if tag = localName(tag); string(tag) != "subject" {
			dst = append(dst, "sip:anonymous@anonymous.invalid"...)
		}
		b = b[next:]
	}
}

// isNaming tells whether the tag (without angle brackets) opens an element of imdnNames.
func isNaming(tag []byte) bool {
	if len(tag) == 0 || tag[0] == '/' || tag[0] == '?' || tag[0] == '!' || tag[len(tag)-1] == '/' {
		return false
	}
	name := localName(tag)
	for _, s := range imdnNames {
		if string(name) == s {
			return true
		}
	}
	return false
}

// localName is the name of an opening tag without namespace prefix and attributes.
func localName(tag []byte) []byte {
	if i := bytes.IndexAny(tag, " \t\r\n"); i >= 0 {
		tag = tag[:i]
	}
	if i := bytes.IndexByte(tag, ':'); i >= 0 {
		tag = tag[i+1:]
	}
	return tag
}
