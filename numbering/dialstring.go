package numbering

import "bytes"

// Form says how a URI presents its user part.
type Form uint8

const (
	// Tel: the subscriber of a tel URI (RFC 3966 section 3).
	Tel Form = 1 << iota
	// Phone: the URI says user=phone (RFC 3261 section 19.1.1).
	Phone
	// DialString: the URI says user=dialstring (RFC 4967 section 3).
	DialString
	// BareCountry: the peer sends home numbers as country code and number
	// without "+" (STANDARDS 4.4 step 5).
	BareCountry
)

// maxDial bounds the dial characters kept of one user part: more than any four
// codes, carrier prefix, "00" and fifteen digits come to.
const maxDial = 64

// dialString is a user part reduced to its dial characters, each with the
// place it had in the raw bytes.
type dialString struct {
	char [maxDial]byte
	at   [maxDial]uint16
	n    int
	end  int  // raw length of the part in front of the parameters that was read
	all  bool // nothing but dial characters and separators stands there
	long bool // more dial characters than maxDial

	context [maxDigits]byte // digits of a global phone-context (RFC 3966 section 5.1.5)
	ctxLen  int
}

// maxUser bounds a user part that can be a number at all; offsets fit uint16.
const maxUser = 1 << 12

// read fills d from the raw user part: parameters split off, %HH decoded once,
// visual separators skipped (STANDARDS 4.4 step 1).
func (d *dialString) read(user []byte, form Form) {
	if len(user) > maxUser {
		d.end = 0
		return
	}
	number, params := user, []byte(nil)
	if i := bytes.IndexByte(number, ';'); i >= 0 {
		number, params = number[:i], number[i:]
	}
	if form&Tel == 0 { // a password is no part of the number (RFC 3261 section 25.1 userinfo)
		if i := bytes.IndexByte(number, ':'); i >= 0 {
			number = number[:i]
		}
	}
	d.all = true
	i := 0
	for i < len(number) {
		c, size := unescape(number[i:])
		switch {
		case isDigit(c) || c == '*' || c == '#' || c == '+':
			if d.n == maxDial {
				d.long = true
				break
			}
			d.char[d.n], d.at[d.n] = c, uint16(i)
			d.n++
		case !isSeparator(c, form):
			d.all, d.end = false, i
			return
		}
		i += size
	}
	d.end = i
	d.readContext(params)
}

// readContext keeps the digits of a phone-context that is a global number
// prefix; one that is a domain name says only that the number is local.
func (d *dialString) readContext(params []byte) {
	const name = "phone-context="
	for len(params) > 0 {
		param := params[1:]
		next := bytes.IndexByte(param, ';')
		if next < 0 {
			next = len(param)
		}
		params, param = param[next:], param[:next]
		if len(param) <= len(name) || !equalFold(param[:len(name)], name) {
			continue
		}
		value := param[len(name):]
		c, size := unescape(value)
		if c != '+' {
			return
		}
		for i := size; i < len(value); i += size {
			c, size = unescape(value[i:])
			switch {
			case isDigit(c) && d.ctxLen < maxDigits:
				d.context[d.ctxLen] = c
				d.ctxLen++
			case !isSeparator(c, Tel):
				d.ctxLen = 0
				return
			}
		}
		return
	}
}

// rest is what stands behind the first n dial characters.
func (d *dialString) rest(n int) []byte { return d.char[n:d.n] }

// offset is the raw place of dial character n, or the end of the number part.
func (d *dialString) offset(n int) int {
	if n < d.n {
		return int(d.at[n])
	}
	return d.end
}

// unescape answers the first character of b and how many bytes spell it. A
// broken escape is answered as '%', which no number holds.
func unescape(b []byte) (c byte, size int) {
	if len(b) >= 3 && b[0] == '%' {
		hi, lo := unhex(b[1]), unhex(b[2])
		if hi < 16 && lo < 16 {
			return hi<<4 | lo, 3
		}
	}
	if len(b) == 0 {
		return 0, 0
	}
	return b[0], 1
}

func unhex(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isSeparator knows RFC 3966's visual separators and, since people and phones
// write them, the space; the slash only where the URI says that this is a
// number, because a plain user name may hold one.
func isSeparator(c byte, form Form) bool {
	switch c {
	case '-', '.', '(', ')', ' ':
		return true
	case '/':
		return form&(Tel|Phone|DialString) != 0
	}
	return false
}

// equalFold compares ASCII bytes with a lower-case name.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}
