package proxy

import (
	"clirgate/numbering"
	"clirgate/sip/message"
)

// writeURI makes the Request-URI to send of a new request: without dial codes, and from
// accesses where dial strings are dialled with the number in its international form.
// Scheme, host and all else stay (DESIGN 6.2).
func (c *call) writeURI() {
	d := &c.facts.dialled
	if c.path.dropLast || c.token != noToken {
		return
	}
	normal := c.from.Codes != nil && d.Number.Kind() == numbering.International && d.CarrierSelect == 0
	normal = normal || c.facts.emergency && d.Number != 0
	if !normal && d.Skip == 0 {
		return
	}
	var room [512]byte
	uri := append(room[:0], c.path.uri...)
	u, ok := message.ReadURI(uri)
	if !ok || u.Scheme == message.URN {
		return
	}
	user := message.Span{Off: u.User.Off, End: u.User.End}
	if u.Scheme == message.Tel {
		user.End = u.Params.End
	}
	out := append(c.path.uri[:0], uri[:user.Off]...)
	if rest := part(uri, user)[d.Skip:]; normal && u.Scheme == message.Tel && d.Number.Kind() == numbering.Short && isGlobal(rest) {
		// 112 in its international form. A local number needs a context (RFC 3966 5.1.4).
		out = appendUserParams(d.Number.AppendDial(out), rest)
		out = append(c.p.d.Plan.AppendCode(append(out, ";phone-context=+"...)), uri[user.End:]...)
		c.path.uri = out
		return
	}
	if normal && !(u.Scheme == message.Tel && d.Number.Kind() == numbering.Short) {
		out = d.Number.AppendDial(out)
		out = appendUserParams(out, part(uri, user))
	} else {
		out = d.AppendUser(out, part(uri, user))
	}
	if normal && u.Scheme != message.Tel {
		out = appendAsPhone(out, uri[user.End:])
	} else {
		out = append(out, uri[user.End:]...)
	}
	c.path.uri = out
}

// isGlobal: the number begins with "+" or with the "00" that stands for it.
func isGlobal(user []byte) bool {
	return len(user) > 0 && user[0] == '+' || len(user) > 1 && user[0] == '0' && user[1] == '0'
}

// appendUserParams appends the parameters of a telephone-subscriber (RFC 3966 3) but
// phone-context, which says how to read a local number.
func appendUserParams(dst, user []byte) []byte {
	for i, b := range user {
		if b != ';' {
			continue
		}
		for rest := user[i:]; len(rest) > 0; {
			all := rest
			var name []byte
			name, _, rest = cutParam(rest)
			if !message.EqualFold(name, "phone-context") {
				dst = append(dst, all[:len(all)-len(rest)]...)
			}
		}
		return dst
	}
	return dst
}

// appendAsPhone appends what stands behind the user part; a dial string has become a
// number (RFC 4967 3).
func appendAsPhone(dst, rest []byte) []byte {
	const from, to = ";user=dialstring", ";user=phone"
	for i := range rest {
		if len(rest)-i >= len(from) && message.EqualFold(rest[i:i+len(from)], from) {
			dst = append(append(dst, rest[:i]...), to...)
			return append(dst, rest[i+len(from):]...)
		}
	}
	return append(dst, rest...)
}
