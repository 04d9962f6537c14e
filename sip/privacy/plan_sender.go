package privacy

import (
	"clirgate/numbering"
	"clirgate/sip/message"
)

// isSender tells whether a URI is the sender itself: its number, or its From address.
func (p *planner) isSender(uri message.Span) bool {
	u, ok := p.m.ParseURI(uri)
	if !ok {
		return true // what cannot be read is taken for it
	}
	if p.holdsSender(p.m.Get(uri)) {
		return true
	}
	h := p.m.First(message.HFrom)
	if !p.m.IsRequest() {
		h = p.m.First(message.HTo)
	}
	if h == nil {
		return false
	}
	na, ok := p.m.NameAddr(h.Value)
	if !ok {
		return false
	}
	own, ok := p.m.ParseURI(na.URI)
	return ok && !u.User.Empty() && message.EqualHost(p.m.Get(own.Host), p.m.Get(u.Host)) &&
		string(p.m.Get(own.User)) == string(p.m.Get(u.User))
}

// holdsSender searches text for the sender's numbers, in digits with any separators.
func (p *planner) holdsSender(text []byte) bool {
	numbers := p.senderNumbers()
	return holdsNumber(text, p.t.Network) || holdsNumber(text, numbers[0]) || holdsNumber(text, numbers[1])
}

func (p *planner) senderNumbers() *[2]numbering.Number {
	if p.t.Sender == Callee {
		return &p.d.CalleeNumbers
	}
	return &p.d.CallerNumbers
}

const (
	significant = 9 // last digits that make a number, whatever prefix stands before them
	leastDigits = 6 // shorter numbers could be anything
)

// holdsNumber finds the last digits of n in text, %HH decoded, separators skipped.
func holdsNumber(text []byte, n numbering.Number) bool {
	var room [16]byte
	digits := n.Append(room[:0])
	if len(digits) > significant {
		digits = digits[len(digits)-significant:]
	}
	if len(digits) < leastDigits {
		return false
	}
	var tail [significant]byte // the last digits seen
	run := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' && i+2 < len(text) {
			var one [1]byte
			if d := message.AppendUnescaped(one[:0], text[i:i+3]); len(d) == 1 {
				c = d[0]
				i += 2
			}
		}
		switch {
		case c >= '0' && c <= '9':
			copy(tail[:], tail[1:])
			tail[len(tail)-1] = c
			if run++; run >= len(digits) && string(tail[len(tail)-len(digits):]) == string(digits) {
				return true
			}
		case c == '-' || c == '.' || c == ' ' || c == '(' || c == ')' || c == '/' || c == '+':
		default:
			run = 0
		}
	}
	return false
}
