package loadtest

import (
	"net/netip"
	"strconv"

	"clirgate/loadtest/wire"
)

// calleeWord is in the callee's identifiers; it is no secret.
const calleeWord = "callee"

// appendBranch writes the branch of the leg's request number id.
func (g *leg) appendBranch(b []byte, id uint8) []byte {
	b = append(b, "z9hG4bK"...)
	if g.ep.role == calling {
		b = appendName(b, g.name)
	} else {
		b = append(b, calleeWord...)
		b = appendLetters(b, g.name.slot)
		b = appendLetters(b, g.name.gen)
	}
	return append(b, 'a'+id/16&15, 'a'+id&15)
}

// request writes a request up to and including CSeq. All but the first INVITE and what
// belongs to it have the leg's route set.
func (g *leg) request(m wire.Method, uri []byte, cseq uint32, branch uint8, remote []byte) []byte {
	b := g.ep.begin()
	b = append(b, m.String()...)
	b = append(b, ' ')
	b = append(b, uri...)
	b = append(b, " SIP/2.0\r\nVia: SIP/2.0/"...)
	b = append(b, g.ep.protocol...)
	b = append(b, ' ')
	b = append(b, g.ep.address...)
	b = append(b, ";branch="...)
	b = g.appendBranch(b, branch)
	b = append(b, "\r\n"...)
	b = append(b, g.routes...)
	b = append(b, "Max-Forwards: 70\r\nFrom: "...)
	b = append(b, g.local...)
	b = append(b, "\r\nTo: "...)
	b = append(b, remote...)
	b = append(b, "\r\nCall-ID: "...)
	b = append(b, g.callID...)
	b = append(b, "\r\nCSeq: "...)
	b = strconv.AppendUint(b, uint64(cseq), 10)
	b = append(b, ' ')
	b = append(b, m.String()...)
	return append(b, "\r\n"...)
}

// appendContact writes the leg's Contact.
func (g *leg) appendContact(b []byte) []byte {
	b = append(b, "Contact: <"...)
	b = append(b, g.contact...)
	return append(b, ">\r\n"...)
}

// empty ends a message without a body.
func empty(b []byte) []byte { return append(b, "Content-Length: 0\r\n\r\n"...) }

// withBody ends a message with what f writes.
func withBody(b []byte, contentType string, f func(b []byte) []byte) []byte {
	b = append(b, "Content-Type: "...)
	b = append(b, contentType...)
	b = append(b, "\r\nContent-Length:     \r\n\r\n"...)
	at := len(b)
	b = f(b)
	n := len(b) - at
	for i := at - 5; n > 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return b
}

// withSDP ends a message with the leg's session description. The caller's names its
// user, as devices do.
func (g *leg) withSDP(b []byte) []byte {
	return withBody(b, "application/sdp", g.appendSDP)
}

func (g *leg) appendSDP(b []byte) []byte {
	host := g.ep.hostport.Addr()
	port := uint16(4000)
	if g.media != nil {
		host, port = g.media.local()
	}
	b = append(b, "v=0\r\no="...)
	if g.ep.role == calling {
		b = append(b, marker...)
	} else {
		b = append(b, calleeWord...)
	}
	b = append(b, " 53655765 "...)
	b = strconv.AppendUint(b, uint64(g.version), 10)
	b = append(b, " IN "...)
	b = appendIP(b, host)
	b = append(b, "\r\ns=-\r\nc=IN "...)
	b = appendIP(b, host)
	b = append(b, bandwidth...)
	b = strconv.AppendUint(b, uint64(g.does)*maxSlots+uint64(g.name.slot), 10)
	b = append(b, "\r\nt=0 0\r\nm=audio "...)
	b = strconv.AppendUint(b, uint64(port), 10)
	return append(b, " RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"...)
}

func appendIP(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		return a.AppendTo(append(b, "IP4 "...))
	}
	return a.AppendTo(append(b, "IP6 "...))
}

// reasons are the phrases of the responses used.
func reason(status int) string {
	switch status {
	case 100:
		return "100 Trying"
	case 180:
		return "180 Ringing"
	case 183:
		return "183 Session Progress"
	case 200:
		return "200 OK"
	case 202:
		return "202 Accepted"
	case 302:
		return "302 Moved Temporarily"
	case 480:
		return "480 Temporarily Unavailable"
	case 481:
		return "481 Call/Transaction Does Not Exist"
	case 486:
		return "486 Busy Here"
	case 487:
		return "487 Request Terminated"
	case 491:
		return "491 Request Pending"
	}
	return strconv.Itoa(status) + " Response"
}

// appendHead writes what all responses to m have in common; tag is added to To where
// it has none.
func appendHead(b []byte, m *wire.Message, tag func([]byte) []byte) []byte {
	for i := range m.Headers {
		h := &m.Headers[i]
		switch h.ID {
		case wire.Via, wire.From, wire.To, wire.CallID, wire.CSeq, wire.RecordRoute:
		default:
			continue
		}
		b = append(b, h.ID.String()...)
		b = append(b, ": "...)
		b = append(b, h.Value...)
		if h.ID == wire.To && tag != nil && wire.Tag(h.Value) == nil {
			b = append(b, ";tag="...)
			b = tag(b)
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// answer answers a request other than INVITE, at once.
func (g *leg) answer(m *wire.Message, status int, from dest) {
	b := g.ep.status(status)
	b = appendHead(b, m, g.appendTag)
	if m.Method == wire.Update {
		g.version++
		b = g.appendContact(b)
		b = g.own(b)
		b = g.withSDP(b)
	} else {
		b = g.own(b)
		b = empty(b)
	}
	g.ep.end(b, from, nil)
}

// appendTag writes the leg's own tag.
func (g *leg) appendTag(b []byte) []byte {
	if g.ep.role == calling {
		return appendName(b, g.name)
	}
	b = append(b, calleeWord...)
	b = appendLetters(b, g.name.slot)
	return appendLetters(b, g.name.gen)
}

// own writes the headers by which devices name themselves in responses. The caller's
// are bait: nothing of them may reach the called side of a withheld call.
func (g *leg) own(b []byte) []byte {
	if g.ep.role != calling {
		return b
	}
	return append(b, "Server: zwaluwnest-phone 00155d112233\r\n"...)
}

// status begins a response.
func (ep *endpoint) status(code int) []byte {
	b := append(ep.begin(), "SIP/2.0 "...)
	b = append(b, reason(code)...)
	return append(b, "\r\n"...)
}

// refuse answers a request that belongs to no call.
func (ep *endpoint) refuse(m *wire.Message, code int, from dest) {
	if m.Method == wire.Ack || m.Status != 0 {
		return
	}
	b := ep.status(code)
	b = appendHead(b, m, func(b []byte) []byte { return append(b, "none"...) })
	ep.end(empty(b), from, nil)
}
