package message

// URI is the parts of a URI. For tel: User is the subscriber and Params its parameters;
// for urn: User is all behind "urn:"; of an unknown scheme no part is told.
type URI struct {
	Scheme   Scheme
	User     Span // user part without password; telephone-subscriber parameters included
	Password Span
	Host     Span // with brackets for IPv6
	Port     uint16
	Params   Span // ";..." of the URI
	Headers  Span // "?..." of the URI
}

// HostPort runs from the host to the end of the port.
func (u URI) HostPort(m *Message) Span {
	end := u.Host.End
	for int(end) < len(m.buf) && (m.buf[end] == ':' || '0' <= m.buf[end] && m.buf[end] <= '9') {
		end++
	}
	return Span{u.Host.Off, end}
}

// Scheme of a URI.
type Scheme uint8

const (
	SchemeOther Scheme = iota
	SIP
	SIPS
	Tel
	URN
)

// ParseURI splits the URI at s into its parts. It is false without a scheme, and for
// sip and sips without a readable host and port; user parts may hold anything
// (a raw "#" too, as telephones send it), since "@" alone ends them.
func (m *Message) ParseURI(s Span) (URI, bool) { return parseURI(m.buf, s) }

// ReadURI is ParseURI for bytes outside a message, at most MaxSize; spans are
// offsets into b.
func ReadURI(b []byte) (URI, bool) {
	if len(b) > MaxSize {
		return URI{}, false
	}
	return parseURI(b, span(0, len(b)))
}

func parseURI(b []byte, s Span) (u URI, ok bool) {
	at, end := int(s.Off), int(s.End)
	i := at
	for i < end && is(b[i], cScheme) {
		i++
	}
	if i == at || i == end || b[i] != ':' {
		return URI{}, false
	}
	u.Scheme = lookupScheme(b[at:i])
	i++
	switch u.Scheme {
	case SIP, SIPS:
		return parseSIPURI(b, u, i, end)
	case Tel:
		semi := indexIn(b, ';', i, end)
		if semi < 0 {
			semi = end
		}
		u.User, u.Params = span(i, semi), span(semi, end)
		return u, semi > i
	case URN:
		u.User = span(i, end)
		return u, i < end
	}
	return u, i < end
}

func lookupScheme(b []byte) Scheme {
	switch {
	case EqualFold(b, "sip"):
		return SIP
	case EqualFold(b, "sips"):
		return SIPS
	case EqualFold(b, "tel"):
		return Tel
	case EqualFold(b, "urn"):
		return URN
	}
	return SchemeOther
}

// parseSIPURI reads "user:password@host:port;params?headers" (RFC 3261 19.1.1). "@"
// can stand nowhere else unescaped, so the first one ends the user part, which may
// itself hold ";", "?" and "/".
func parseSIPURI(b []byte, u URI, i, end int) (URI, bool) {
	if a := indexIn(b, '@', i, end); a >= 0 {
		u.User = span(i, a)
		if colon := indexIn(b, ':', i, a); colon >= 0 {
			if colon == i {
				return u, false
			}
			u.User, u.Password = span(i, colon), span(colon+1, a)
		}
		i = a + 1
	}
	host, i, ok := readHost(b, i, end)
	if !ok {
		return u, false
	}
	u.Host = host
	if i < end && b[i] == ':' {
		if u.Port, i, ok = readPort(b, i+1, end); !ok {
			return u, false
		}
	}
	if i < end && b[i] == ';' {
		q := indexIn(b, '?', i, end)
		if q < 0 {
			q = end
		}
		u.Params = span(i, q)
		i = q
	}
	if i < end && b[i] == '?' {
		u.Headers = span(i, end)
		i = end
	}
	return u, i == end
}

// readHost reads a host name, an IPv4 address or an IPv6 reference at b[i].
func readHost(b []byte, i, end int) (host Span, next int, ok bool) {
	at := i
	if i < end && b[i] == '[' {
		for i++; i < end && is(b[i], cIPv6); i++ {
		}
		if i == end || b[i] != ']' || i == at+1 {
			return Span{}, i, false
		}
		return span(at, i+1), i + 1, true
	}
	for i < end && is(b[i], cHost) {
		i++
	}
	return span(at, i), i, i > at
}

// readPort reads 1 to 65535 at b[i].
func readPort(b []byte, i, end int) (port uint16, next int, ok bool) {
	at := i
	for i < end && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	n, ok := number(b[at:i], 65535)
	return uint16(n), i, ok && n > 0
}
