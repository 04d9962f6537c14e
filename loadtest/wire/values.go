package wire

import (
	"bytes"
	"net/netip"
	"strconv"
)

// ParseCSeq reads a CSeq value; a bad one gives 0 and Unknown.
func ParseCSeq(v []byte) (num uint32, method Method) {
	i := 0
	for i < len(v) && v[i] >= '0' && v[i] <= '9' {
		num = num*10 + uint32(v[i]-'0')
		i++
	}
	return num, methodOf(trim(v[i:]))
}

// Address splits a name-addr or addr-spec (RFC 3261 20.10) into display name, as it
// stands and with its quotes, URI, and header parameters from the first ";".
func Address(v []byte) (display, uri, params []byte) {
	open := angle(v)
	if open < 0 {
		end := bytes.IndexByte(v, ';')
		if end < 0 {
			return nil, trim(v), nil
		}
		return nil, trim(v[:end]), v[end:]
	}
	end := bytes.IndexByte(v[open:], '>')
	if end < 0 {
		return trim(v[:open]), trim(v[open+1:]), nil
	}
	return trim(v[:open]), v[open+1 : open+end], trim(v[open+end+1:])
}

// angle finds "<" outside a quoted string.
func angle(v []byte) int {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			return i
		}
	}
	return -1
}

// Param is the value of parameter name in params (";a=b;c"), nil when absent, empty
// when it has no value.
func Param(params []byte, name string) []byte {
	for len(params) > 0 {
		if params[0] == ';' {
			params = params[1:]
		}
		end := bytes.IndexByte(params, ';')
		one := params
		if end >= 0 {
			one, params = params[:end], params[end:]
		} else {
			params = nil
		}
		key, value, _ := bytes.Cut(one, []byte("="))
		if bytes.EqualFold(trim(key), []byte(name)) {
			if value == nil {
				return []byte{}
			}
			return trim(value)
		}
	}
	return nil
}

// Tag is the tag of a From or To value, nil when it has none.
func Tag(v []byte) []byte {
	_, _, params := Address(v)
	return Param(params, "tag")
}

// User is the user part of a sip URI, password included; the whole of a tel or urn URI
// behind its scheme.
func User(uri []byte) []byte {
	colon := bytes.IndexByte(uri, ':')
	if colon < 0 {
		return nil
	}
	if scheme := uri[:colon]; !bytes.EqualFold(scheme, []byte("sip")) && !bytes.EqualFold(scheme, []byte("sips")) {
		return uri[colon+1:]
	}
	uri = uri[colon+1:]
	at := bytes.LastIndexByte(uri, '@')
	if at < 0 {
		return nil
	}
	return uri[:at]
}

// HostPort is host and port of a sip URI as written.
func HostPort(uri []byte) []byte {
	if at := bytes.LastIndexByte(uri, '@'); at >= 0 {
		uri = uri[at+1:]
	} else if colon := bytes.IndexByte(uri, ':'); colon >= 0 {
		uri = uri[colon+1:]
	}
	if end := bytes.IndexAny(uri, ";?> "); end >= 0 {
		uri = uri[:end]
	}
	return uri
}

// AddrPort is where a URI with a numeric host points; port 5060 when it names none.
func AddrPort(uri []byte) (netip.AddrPort, bool) {
	hp := HostPort(uri)
	if a, err := netip.ParseAddrPort(string(hp)); err == nil {
		return a, true
	}
	if a, err := netip.ParseAddr(string(bytes.Trim(hp, "[]"))); err == nil {
		return netip.AddrPortFrom(a, 5060), true
	}
	return netip.AddrPort{}, false
}

// TopVia is the first element of the first Via value.
func TopVia(m *Message) []byte {
	v := m.Get(Via)
	if i := comma(v); i >= 0 {
		return v[:i]
	}
	return v
}

// ViaParts splits one Via element into its sent-by and parameters.
func ViaParts(v []byte) (sentBy, params []byte) {
	if sp := bytes.IndexAny(v, " \t"); sp >= 0 {
		v = trim(v[sp:])
	}
	if semi := bytes.IndexByte(v, ';'); semi >= 0 {
		return trim(v[:semi]), v[semi:]
	}
	return v, nil
}

// Elements calls f for each element of all values of a field, in order.
func Elements(m *Message, id ID, f func(v []byte)) {
	for i := range m.Headers {
		if m.Headers[i].ID != id {
			continue
		}
		v := m.Headers[i].Value
		for {
			c := comma(v)
			if c < 0 {
				f(trim(v))
				break
			}
			f(trim(v[:c]))
			v = v[c+1:]
		}
	}
}

// CountElements is how many elements a field has in all its lines.
func CountElements(m *Message, id ID) int {
	n := 0
	for i := range m.Headers {
		if m.Headers[i].ID != id {
			continue
		}
		v := m.Headers[i].Value
		for n++; ; n++ {
			c := comma(v)
			if c < 0 {
				break
			}
			v = v[c+1:]
		}
	}
	return n
}

// comma finds "," outside quotes and angle brackets.
func comma(v []byte) int {
	if bytes.IndexByte(v, ',') < 0 {
		return -1
	}
	quoted, inside := false, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			inside = true
		case c == '>':
			inside = false
		case c == ',' && !inside:
			return i
		}
	}
	return -1
}

// Length is the Content-Length of the message that begins raw, or -1 when it has none,
// and where its body begins, or 0 while the headers are not complete.
func Length(raw []byte) (length, body int) {
	end := bytes.Index(raw, []byte("\r\n\r\n"))
	if end < 0 {
		return -1, 0
	}
	rest := raw[:end+2]
	for len(rest) > 0 {
		line, after := cutLine(rest)
		rest = after
		colon := bytes.IndexByte(line, ':')
		if colon > 0 && identify(trim(line[:colon])) == ContentLength {
			n, err := strconv.Atoi(string(trim(line[colon+1:])))
			if err != nil || n < 0 {
				return -1, end + 4
			}
			return n, end + 4
		}
	}
	return -1, end + 4
}
