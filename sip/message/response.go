package message

import (
	"net/netip"
	"strconv"
)

// AppendResponse builds a response of our own to the received request m (RFC 3261
// 8.2.6): its Via lines (see AppendVias), From, To (with toTag added when it has
// none and toTag is given), Call-ID, CSeq, for a 100 its Timestamp, then extra (whole
// lines with CRLF), then Content-Length: 0. What a faulty request lacks is left out.
// Reason "" means the canonical phrase of the status.
func (m *Message) AppendResponse(dst []byte, status int, reason string, toTag []byte, extra []byte, source netip.AddrPort) []byte {
	if reason == "" {
		reason = Phrase(status)
	}
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason...)
	dst = append(dst, "\r\n"...)
	dst = m.AppendVias(dst, source)
	dst = m.appendFirst(dst, HFrom)
	dst = m.appendTo(dst, toTag)
	dst = m.appendFirst(dst, HCallID)
	dst = m.appendFirst(dst, HCSeq)
	if status == 100 {
		dst = m.appendFirst(dst, HTimestamp)
	}
	dst = append(dst, extra...)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

func (m *Message) appendFirst(dst []byte, id HeaderID) []byte {
	if h := m.First(id); h != nil {
		return m.appendLine(dst, h.Line)
	}
	return dst
}

// appendTo copies To and adds the tag, unless To cannot be read.
func (m *Message) appendTo(dst, tag []byte) []byte {
	h := m.First(HTo)
	if h == nil || len(tag) == 0 || !m.toTag.Empty() {
		return m.appendFirst(dst, HTo)
	}
	if _, ok := parseNameAddr(m.buf, h.Value); !ok {
		return m.appendFirst(dst, HTo)
	}
	dst = append(dst, m.Get(Span{h.Line.Off, h.Value.End})...)
	dst = append(dst, ";tag="...)
	dst = append(dst, tag...)
	return append(dst, "\r\n"...)
}
