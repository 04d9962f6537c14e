package privacy

import (
	"bytes"
	"crypto/sha256"

	"clirgate/sip/message"
)

// sessionID: "half;remote=half" (RFC 7989 5); the first is the sender's.
func sessionID(p *planner, h *message.Header) Action {
	half, remote := p.sessionHalves(p.m.Get(h.Value))
	if !isSessionHalf(half) || remote != nil && !isSessionHalf(remote) {
		return p.remove(h)
	}
	p.buf = p.appendSessionHalf(p.buf[:0], half)
	if remote != nil {
		p.buf = append(append(p.buf, ";remote="...), remote...)
	}
	return p.replace(h, p.buf, Map)
}

// nobody is the half of a party that is not known (RFC 7989 5).
const nobody = "00000000000000000000000000000000"

// backSessionID: a withheld receiver gets the half it sent itself, as far as the request
// tells, and otherwise none.
func backSessionID(p *planner, h *message.Header) (Action, bool) {
	from := &p.t.From // where the withheld party's own messages go
	if !p.shy || from.Trusted && from.SupportsPrivacy && !p.t.Call.HideFromCallee {
		return 0, false
	}
	half, remote := p.sessionHalves(p.m.Get(h.Value))
	if remote == nil || !isSessionHalf(half) {
		return 0, false
	}
	own := []byte(nobody)
	if p.t.Request != nil && !p.m.IsRequest() {
		if mine, _ := p.sessionHalves(p.t.Request.Value(message.HSessionID)); isSessionHalf(mine) {
			own = mine
		}
	}
	if p.withheld {
		p.buf = p.appendSessionHalf(p.buf[:0], half)
	} else {
		p.buf = append(p.buf[:0], half...)
	}
	p.buf = append(append(p.buf, ";remote="...), own...)
	return p.replace(h, p.buf, Map), true
}

func (p *planner) sessionHalves(value []byte) (half, remote []byte) {
	half, rest, _ := bytes.Cut(value, []byte{';'})
	for len(rest) > 0 {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte{';'})
		if name, v, _ := bytes.Cut(one, []byte{'='}); message.EqualFold(trimSpace(name), "remote") {
			remote = trimSpace(v)
		}
	}
	return trimSpace(half), remote
}

func isSessionHalf(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(b) == len(nobody)
}

// appendSessionHalf makes 32 letters a to f of the mapped half: letters, so that no
// number can come about.
func (p *planner) appendSessionHalf(dst, half []byte) []byte {
	if string(half) == nobody {
		return append(dst, half...)
	}
	n := len(dst)
	sum := sha256.Sum256(p.mapID(dst, half)[n:])
	for _, c := range sum {
		dst = append(dst, 'a'+c%6)
	}
	return dst
}
