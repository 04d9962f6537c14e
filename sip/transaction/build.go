package transaction

import (
	"strconv"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// appendAck builds the ACK for a failure response (RFC 3261 17.1.1.3) from the
// INVITE as sent. m is memory to read that with.
func appendAck(dst []byte, m *message.Message, invite []byte, response *message.Message) []byte {
	if m.Parse(invite) != nil && !m.Answerable() {
		return dst
	}
	dst = appendHead(dst, m, "ACK")
	dst = appendLine(dst, "To", response.Value(message.HTo))
	return appendTail(dst, m, "ACK", nil)
}

// appendCancel builds the CANCEL (RFC 3261 9.1) for the INVITE as sent. extra:
// whole header lines.
func appendCancel(dst []byte, m *message.Message, invite, extra []byte) []byte {
	if m.Parse(invite) != nil && !m.Answerable() {
		return dst
	}
	dst = appendHead(dst, m, "CANCEL")
	dst = appendLine(dst, "To", m.Value(message.HTo))
	return appendTail(dst, m, "CANCEL", extra)
}

// appendHead appends the request line and what comes before To: the INVITE's
// topmost Via alone.
func appendHead(dst []byte, m *message.Message, method string) []byte {
	dst = append(append(dst, method...), ' ')
	dst = append(dst, m.Get(m.RequestURI())...)
	dst = append(dst, " SIP/2.0\r\n"...)
	if via, ok := m.TopVia(); ok {
		dst = appendLine(dst, "Via", m.Get(via.Whole))
	}
	dst = append(dst, "Max-Forwards: 70\r\n"...)
	for h := range m.All(message.HRoute) {
		dst = append(dst, m.Get(h.Line)...)
	}
	return appendLine(dst, "From", m.Value(message.HFrom))
}

func appendTail(dst []byte, m *message.Message, method string, extra []byte) []byte {
	dst = appendLine(dst, "Call-ID", m.Value(message.HCallID))
	n, _, _ := m.CSeq()
	dst = append(dst, "CSeq: "...)
	dst = strconv.AppendUint(dst, uint64(n), 10)
	dst = append(append(dst, ' '), method...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, extra...)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

func appendLine(dst []byte, name string, value []byte) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

// appendReply builds a response of our own into w.out.
func (l *Layer) appendReply(w *scratch, m *message.Message, status int, reason string, extra []byte, f transport.Flow) []byte {
	var tag []byte
	if status > 100 {
		n, _, _ := m.CSeq()
		w.dialogKey = appendDialogKey(w.dialogKey[:0], m, n)
		tag = l.tag(&w.tag, w.dialogKey)
	}
	return m.AppendResponse(w.out[:0], status, reason, tag, extra, f.Remote)
}
