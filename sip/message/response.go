package message

import "net/netip"

// AppendResponse builds a response of our own to the received request m (RFC 3261
// 8.2.6): its Via lines (see AppendVias), From, To (with toTag added when it has
// none and toTag is given), Call-ID, CSeq, then extra (whole lines with CRLF), then
// Content-Length: 0. Reason "" means the canonical phrase of the status.
func (m *Message) AppendResponse(dst []byte, status int, reason string, toTag []byte, extra []byte, source netip.AddrPort) []byte {
	panic("todo")
}

// Phrase is the canonical reason phrase of a status code.
func Phrase(status int) string { panic("todo") }
