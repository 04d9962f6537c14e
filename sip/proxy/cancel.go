package proxy

import (
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
)

// Cancel: the caller hangs up before the answer (SIP-24). The CANCEL sent on is built from
// the INVITE as sent; of the one received only the reason goes with it.
func (p *Proxy) Cancel(tx *transaction.Server, m *message.Message) {
	c, ok := tx.Data.(*call)
	if !ok {
		return
	}
	c.cancelled = true
	w := takeWork()
	defer w.giveBack()
	w.buf = c.appendReason(w.buf[:0], m)
	pending := false
	for client := range tx.Clients() {
		if client.Method() == message.INVITE && !client.Final() {
			client.Cancel(w.buf)
			pending = true
		}
	}
	if !pending { // it waits for its record, or for a name
		c.finish(487)
		tx.Reply(487, "", nil)
	}
}

// appendReason appends the Reason lines (RFC 3326); of a withheld party without the text,
// which is its own.
func (c *call) appendReason(dst []byte, m *message.Message) []byte {
	for h, s := range m.ValuesOf(message.HReason) {
		if !c.withheld(privacy.Caller) {
			if first := m.Get(s); len(first) > 0 && s.Off == h.Value.Off {
				dst = append(append(append(dst, "Reason: "...), m.Get(h.Value)...), "\r\n"...)
			}
			continue
		}
		value := m.Get(s)
		protocol := value
		for i, b := range value {
			if b == ';' {
				protocol = value[:i]
				break
			}
		}
		dst = append(append(dst, "Reason: "...), trimSpace(protocol)...)
		params := message.Span{Off: s.Off + uint16(len(protocol)), End: s.End}
		if cause, _, ok := m.Param(params, "cause"); ok && isDigits(m.Get(cause)) {
			dst = append(append(dst, ";cause="...), m.Get(cause)...)
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 3
}
