package message

import "bytes"

// Parse views b, which must be exactly one message (a datagram, or a framed
// stream message). b is kept, not copied. Line ends before the start line and bytes
// behind the body (RFC 3261 7.5, 18.3) are no part of the view. The error is a
// ParseError with the first fault found; the message is then as far read as it
// could be: Answerable tells whether a response can be built from it.
func (m *Message) Parse(b []byte) error {
	*m = Message{headers: m.headers[:0]}
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	if len(b) > MaxSize {
		b = b[:MaxSize]
		m.fail(TooLarge, HOther, 0)
	}
	m.buf = b
	if len(b) == 0 {
		m.fail(Empty, HOther, 0)
		return m.err
	}
	bodyAt := m.readHeaders(m.readStartLine())
	m.readBody(bodyAt)
	m.check()
	if m.err.Fault != NoFault {
		return m.err
	}
	return nil
}

// fail notes a fault; the first one stays.
func (m *Message) fail(f Fault, id HeaderID, off int) {
	if m.err.Fault == NoFault {
		m.err = ParseError{f, id, uint16(off)}
	}
}

// readStartLine returns where the headers begin.
func (m *Message) readStartLine() int {
	b := m.buf
	next := bytes.IndexByte(b, '\n') + 1
	end := next - 1
	if next == 0 {
		m.fail(BadStartLine, HOther, len(b))
		next, end = len(b), len(b)
	}
	if end > 0 && b[end-1] == '\r' {
		end--
	}
	m.top = uint16(next)
	if end >= 4 && EqualFold(b[:4], "SIP/") {
		m.readStatusLine(end)
	} else {
		m.readRequestLine(end)
	}
	return next
}

// readRequestLine reads "Method SP Request-URI SP SIP/2.0" (RFC 3261 7.1). White
// space too much is a fault, but the line is read all the same, to be answered.
func (m *Message) readRequestLine(end int) {
	b := m.buf
	nameEnd := skipToken(b, 0, end)
	tail := backSpace(b, nameEnd, end)
	version := bytes.LastIndexByte(b[:tail], ' ') + 1
	if nameEnd == 0 || version <= nameEnd || tail-version < 4 || b[nameEnd] != ' ' || !EqualFold(b[version:version+4], "SIP/") {
		m.fail(BadStartLine, HOther, nameEnd)
		return
	}
	m.name = span(0, nameEnd)
	m.method = LookupMethod(b[:nameEnd])
	if !isVersion(b[version:tail]) {
		m.fail(BadVersion, HOther, version)
	}
	if tail != end {
		m.fail(BadStartLine, HOther, tail)
	}
	if version-1 <= nameEnd+1 {
		m.fail(BadRequestURI, HOther, nameEnd)
		return
	}
	m.uri = trim(b, nameEnd+1, version-1)
	if m.uri != span(nameEnd+1, version-1) {
		m.fail(BadStartLine, HOther, nameEnd+1)
	}
	if !requestURI(b, m.uri) {
		m.fail(BadRequestURI, HOther, int(m.uri.Off))
	}
}

// requestURI tells whether the URI may stand in a start line: no white space, no
// brackets, readable when its scheme is known (RFC 4475 3.1.2.7, 3.1.2.8). Headers of its
// own do not make it unreadable; the proxy drops them (RFC 4475 3.1.2.11).
func requestURI(b []byte, s Span) bool {
	if !all(b[s.Off:s.End], cURI) {
		return false
	}
	_, ok := parseURI(b, s)
	return ok
}

// readStatusLine reads "SIP/2.0 SP code SP reason" (RFC 3261 7.2); a missing reason
// may come without its space.
func (m *Message) readStatusLine(end int) {
	b := m.buf
	sp := bytes.IndexByte(b[:end], ' ')
	m.status = -1 // a response, though unreadable
	if sp < 0 || !isVersion(b[:sp]) {
		m.fail(BadVersion, HOther, 0)
		return
	}
	code := sp + 1
	codeEnd := code
	for codeEnd < end && b[codeEnd] != ' ' {
		codeEnd++
	}
	n, ok := number(b[code:codeEnd], 699)
	if !ok || codeEnd-code != 3 || n < 100 {
		m.fail(BadStatus, HOther, code)
		return
	}
	m.status = int(n)
	m.name = span(min(codeEnd+1, end), end)
	if bytes.IndexByte(m.Get(m.name), '\r') >= 0 {
		m.fail(BadStartLine, HOther, codeEnd)
	}
}

func isVersion(b []byte) bool { return EqualFold(b, "SIP/2.0") }

// readHeaders indexes the header lines from at on and returns where the body begins.
func (m *Message) readHeaders(at int) int {
	b := m.buf
	for at < len(b) {
		if b[at] == '\n' {
			m.bottom = uint16(at)
			return at + 1
		}
		if b[at] == '\r' && at+1 < len(b) && b[at+1] == '\n' {
			m.bottom = uint16(at)
			return at + 2
		}
		next, clean := lineEnd(b, at)
		if !clean {
			m.fail(BadHeader, HOther, at)
		}
		if len(m.headers) == MaxHeaders {
			m.fail(TooManyHeaders, HOther, at)
		} else {
			m.readHeader(at, next)
		}
		at = next
	}
	m.fail(Unfinished, HOther, len(b))
	m.bottom = uint16(len(b))
	return len(b)
}

// lineEnd is the index behind the header line at i, folds included (RFC 3261 7.3.1).
// clean is false when a CR stands anywhere but before the LF: elements that still
// take it for a line end (RFC 2543) would see other headers than we do.
func lineEnd(b []byte, i int) (end int, clean bool) {
	for clean = true; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return len(b), clean
		}
		if cr := bytes.IndexByte(b[i:i+n], '\r'); cr >= 0 && cr != n-1 {
			clean = false
		}
		i += n + 1
		if i == len(b) || b[i] != ' ' && b[i] != '\t' {
			return i, clean
		}
	}
}

func (m *Message) readHeader(at, next int) {
	b := m.buf
	nameEnd := skipToken(b, at, next)
	colon := nameEnd
	for colon < next && (b[colon] == ' ' || b[colon] == '\t') {
		colon++
	}
	if nameEnd == at || colon == next || b[colon] != ':' {
		m.fail(BadHeader, HOther, at)
		return
	}
	id := LookupHeader(b[at:nameEnd])
	m.headers = append(m.headers, Header{
		ID:    id,
		Name:  span(at, nameEnd),
		Value: trim(b, colon+1, next),
		Line:  span(at, next),
	})
	if m.first[id] == 0 {
		m.first[id] = uint8(len(m.headers))
	} else if once(id) {
		m.fail(RepeatedHeader, id, at)
	}
}

// readBody takes as many bytes from at on as Content-Length says, or all there are
// when it is absent or unreadable; what comes behind is left out (RFC 3261 18.3).
func (m *Message) readBody(at int) {
	end := len(m.buf)
	if n, ok := m.declaredLength(); ok {
		if n > end-at {
			m.fail(ShortBody, HContentLength, end)
		}
		end = min(end, at+n)
	}
	m.body = span(at, end)
	m.buf = m.buf[:end]
}

// declaredLength is the one value of all Content-Length lines.
func (m *Message) declaredLength() (n int, ok bool) {
	n, ok = m.ContentLength()
	for h := range m.All(HContentLength) {
		v, valid := number(m.Get(h.Value), 1<<31-1)
		if !valid || int(v) != n {
			m.fail(BadContentLength, HContentLength, int(h.Value.Off))
			return 0, false
		}
	}
	return n, ok
}
