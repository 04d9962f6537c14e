package privacy

import (
	"bytes"
	"strconv"

	"clirgate/sip/message"
)

// sipfrag keeps the status line of a fragment (RFC 3420, RFC 3515 section 2.4.5) with
// the standard phrase; without one nothing is left.
func (w *bodyWriter) sipfrag(dst []byte, p *part) (out []byte, ok bool) {
	code, ok := statusOf(w.m.Get(p.content))
	if !ok {
		return dst, false
	}
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, message.Phrase(code)...)
	return append(dst, "\r\n"...), true
}

func statusOf(b []byte) (code int, ok bool) {
	digits, ok := bytes.CutPrefix(b, []byte("SIP/2.0 "))
	if !ok || len(digits) < 3 || len(digits) > 3 && !isSpace(digits[3]) {
		return 0, false
	}
	code, err := strconv.Atoi(string(digits[:3]))
	return code, err == nil && code >= 100 && code <= 699
}
