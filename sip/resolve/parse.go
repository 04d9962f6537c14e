package resolve

import (
	"strconv"
	"strings"
)

// Parse reads the Query out of a SIP or SIPS URI as it stands in configuration, e.g.
// "sip:gw.example.net;transport=tcp" or "sips:[2001:db8::1]:5061". A maddr parameter
// replaces the host (RFC 3263 4).
func Parse(uri string) (Query, error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	var q Query
	switch strings.ToLower(scheme) {
	case "sip":
	case "sips":
		q.Secure = true
	default:
		return Query{}, ErrURI
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	hostport, params, _ := strings.Cut(rest, ";")
	if !q.setHostPort(hostport) {
		return Query{}, ErrURI
	}
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		switch strings.ToLower(name) {
		case "transport":
			q.Transport = strings.ToLower(value)
		case "maddr":
			if !validHost(value) {
				return Query{}, ErrURI
			}
			q.Host = value
		}
	}
	return q, nil
}

func (q *Query) setHostPort(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return false
		}
		q.Port = uint16(n)
	}
	q.Host = host
	return validHost(host)
}

// validHost: an address, or labels of letters, digits, hyphens and underscores.
func validHost(s string) bool {
	if _, ok := numeric(s); ok {
		return s[0] == '[' || !strings.Contains(s, ":")
	}
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) < 254
}
