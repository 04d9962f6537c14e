package message

import "bytes"

// Character classes of RFC 3261 25.1.
const (
	cToken  = 1 << iota // token
	cSpace              // SP, HTAB, and CR, LF as parts of a fold: LWS
	cScheme             // characters of a URI scheme
	cHost               // characters of a host name or IPv4 address, "_" leniently
	cIPv6               // characters inside an IPv6 reference
	cText               // everything but controls and space
	cURI                // cText without angle brackets and quotes
	cWord               // cURI without comma
	cStop               // what ends or hides the end of a value of a list
)

var class = charClasses()

func charClasses() (t [256]uint16) {
	set := func(bit uint16, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= bit
		}
	}
	const (
		digits = "0123456789"
		hex    = digits + "abcdefABCDEF"
		alnum  = digits + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	set(cToken, alnum+"-.!%*_+`'~")
	set(cSpace, " \t\r\n")
	set(cScheme, alnum+"+-.")
	set(cHost, alnum+"-._")
	set(cIPv6, hex+":.")
	for c := range 256 {
		if c > 0x20 && c != 0x7F {
			t[c] |= cText | cURI | cWord
		}
	}
	for _, c := range []byte(`<>"`) {
		t[c] &^= cURI | cWord
	}
	t[','] &^= cWord
	set(cStop, `,"<(`)
	return t
}

func is(c byte, bits uint16) bool { return class[c]&bits != 0 }

// all tells whether b is not empty and all of one class.
func all(b []byte, bits uint16) bool {
	for _, c := range b {
		if class[c]&bits == 0 {
			return false
		}
	}
	return len(b) > 0
}

// skipSpace is the first index from i on that is no LWS, at most end.
func skipSpace(b []byte, i, end int) int {
	for i < end && class[b[i]]&cSpace != 0 {
		i++
	}
	return i
}

// backSpace is the end of b[i:end] without trailing LWS.
func backSpace(b []byte, i, end int) int {
	for end > i && class[b[end-1]]&cSpace != 0 {
		end--
	}
	return end
}

func skipToken(b []byte, i, end int) int {
	for i < end && class[b[i]]&cToken != 0 {
		i++
	}
	return i
}

// trim is b[i:end] without LWS on both sides.
func trim(b []byte, i, end int) Span {
	i = skipSpace(b, i, end)
	return span(i, backSpace(b, i, end))
}

// skipQuoted is the index behind the quoted string that opens at b[i]; ok is false,
// and the index end, when it does not close.
func skipQuoted(b []byte, i, end int) (next int, ok bool) {
	for i++; i < end; i++ {
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			i++
		}
	}
	return end, false
}

// skipComment is the index behind the comment, with comments nested in it, that
// opens at b[i]; ok is false, and the index i, when it does not close.
func skipComment(b []byte, i, end int) (next int, ok bool) {
	depth := 0
	for j := i; j < end; j++ {
		switch b[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1, true
			}
		}
	}
	return i, false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// EqualFold compares as SIP compares tokens: ASCII letters in any case.
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c != s[i] && lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

// number reads b as decimal digits alone, leading zeros welcome; ok is false when it
// is empty, holds anything else, or exceeds limit.
func number(b []byte, limit uint64) (n uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, len(b) > 0
}

func indexIn(b []byte, c byte, i, end int) int {
	if j := bytes.IndexByte(b[i:end], c); j >= 0 {
		return i + j
	}
	return -1
}
