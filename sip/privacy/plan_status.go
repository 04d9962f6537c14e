package privacy

import (
	"strconv"

	"clirgate/sip/message"
)

// statusLine: of a withheld party's response only the code is its own.
func (p *planner) statusLine() {
	if p.m.IsRequest() || !p.withheld {
		return
	}
	if p.unauthorized { // the challenge would name the PBX, and cannot be answered without it
		p.t.Status = 403
		if s, ok := p.statusSpan(); ok {
			p.e.ReplaceString(s, "403 Forbidden")
		}
		return
	}
	phrase := message.Phrase(p.m.Status())
	if p.m.Reason().Empty() {
		if s, ok := p.statusSpan(); ok {
			p.buf = append(strconv.AppendInt(p.buf[:0], int64(p.m.Status()), 10), ' ')
			p.e.Replace(s, append(p.buf, phrase...))
		}
		return
	}
	if string(p.m.Get(p.m.Reason())) != phrase {
		p.e.ReplaceString(p.m.Reason(), phrase)
	}
}

// statusSpan runs from the first digit of the status code to the end of the reason phrase.
func (p *planner) statusSpan() (s message.Span, ok bool) {
	b := p.m.Bytes()
	reason := p.m.Reason()
	i := 0
	for i < int(reason.Off) && b[i] != ' ' {
		i++
	}
	for i < int(reason.Off) && b[i] == ' ' {
		i++
	}
	return message.Span{Off: uint16(i), End: reason.End}, i < int(reason.Off)
}
