package message

import (
	"bytes"
	"net/netip"
	"slices"
	"unsafe"
)

// AppendUnescaped appends b to dst with every %HH decoded once (RFC 3261 19.1.2). A
// "%" that no two hex digits follow stays.
func AppendUnescaped(dst, b []byte) []byte {
	for len(b) > 0 {
		c, n := unescape(b)
		dst = append(dst, c)
		b = b[n:]
	}
	return dst
}

// unescape is the first character of b, decoded, and how many bytes it takes.
func unescape(b []byte) (c byte, n int) {
	if b[0] == '%' && len(b) > 2 {
		if hi, lo := hexDigit(b[1]), hexDigit(b[2]); hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 3
		}
	}
	return b[0], 1
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= lower(c) && lower(c) <= 'f':
		return int(lower(c)-'a') + 10
	}
	return -1
}

// equalEscaped is EqualFold with %HH in b decoded.
func equalEscaped(b []byte, s string) bool {
	for i := range len(s) {
		if len(b) == 0 {
			return false
		}
		c, n := unescape(b)
		if lower(c) != lower(s[i]) {
			return false
		}
		b = b[n:]
	}
	return len(b) == 0
}

// AppendUnquoted appends the text of a quoted string to dst, without its quotes and
// with quoted pairs resolved; b that is not quoted is appended as it is.
func AppendUnquoted(dst, b []byte) []byte {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return append(dst, b...)
	}
	b = b[1 : len(b)-1]
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		dst = append(dst, b[i])
	}
	return dst
}

// EqualHost compares two hosts: names in any case, with or without a dot at the end;
// IPv6 addresses by value, with or without brackets.
func EqualHost(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if bytes.IndexByte(a, ':') >= 0 && bytes.IndexByte(b, ':') >= 0 {
		x, ok := HostAddr(a)
		y, ok2 := HostAddr(b)
		return ok && ok2 && x == y
	}
	a, b = bytes.TrimSuffix(a, dot), bytes.TrimSuffix(b, dot)
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

var dot = []byte{'.'}

// HostAddr is the address a host is written as, IPv6 with or without brackets; ok is
// false for a name. IPv4 in IPv6 comes out as IPv4. Three colons before an IPv4 part
// count as two, as RFC 5118 4.10 wants it.
func HostAddr(host []byte) (netip.Addr, bool) {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	if len(host) == 0 || len(host) > maxAddrText || !all(host, cIPv6) {
		return netip.Addr{}, false
	}
	if i := bytes.Index(host, threeColons); i >= 0 && bytes.IndexByte(host[i:], '.') >= 0 {
		host = slices.Delete(slices.Clone(host), i, i+1) // rare: may allocate
	}
	// ParseAddr keeps its text only in a zone, which cIPv6 rules out, or an error.
	a, err := netip.ParseAddr(unsafe.String(&host[0], len(host)))
	return a.Unmap(), err == nil
}

const maxAddrText = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") + 1

var threeColons = []byte(":::")
