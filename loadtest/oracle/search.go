package oracle

import (
	"bytes"
)

// search is what is looked for in messages of one withheld call.
type search struct {
	line      *Line  // the caller, when known
	prefix    string // else: the national numbers of all callers begin with this
	addresses [][]byte
}

// pow is 10 to the nsnLen: rolling values are kept below it.
const pow = 1_000_000_000

// longestNumber bounds the digits of what may be a telephone number: fifteen and an
// international prefix. A longer unbroken run is something else.
const longestNumber = 17

// in says what of the caller b holds, "" for nothing. scratch is used for decoding.
func (s *search) in(b []byte, scratch *[]byte) string {
	if what := s.plain(b); what != "" {
		return what
	}
	if bytes.IndexByte(b, '%') < 0 {
		return ""
	}
	*scratch = unescape((*scratch)[:0], b)
	if what := s.plain(*scratch); what != "" {
		return what + ", escaped"
	}
	return ""
}

func (s *search) plain(b []byte) string {
	if s.digits(b) {
		return "number"
	}
	coded := nobody
	if s.line != nil {
		coded = s.line.coded
	}
	if what := coded.in(b); what != "" {
		return what
	}
	for _, a := range s.addresses {
		if bytes.Contains(b, a) {
			return "address"
		}
	}
	return ""
}

// separator tells the characters people, devices and folded lines put between digits.
var separator = [256]bool{' ': true, '-': true, '.': true, '(': true, ')': true, '/': true, '\r': true, '\n': true, '\t': true}

// digits looks for the caller's number, with or without separators between its digits.
func (s *search) digits(b []byte) bool {
	if s.line == nil {
		return s.ranged(b)
	}
	want := s.line.digits
	var value uint64
	run := 0
	for i := 0; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			if run > 0 && !separator[b[i]] {
				run = 0
			}
			continue
		}
		value = (value*10 + uint64(d)) % pow
		run++
		if run >= nsnLen && value == want && run <= longestNumber {
			return true
		}
	}
	return false
}

// ranged looks for any number of the callers' range, as a whole number: national or
// with its country code.
func (s *search) ranged(b []byte) bool {
	if s.prefix == "" {
		return false
	}
	var run [longestNumber + 1]byte
	n := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) {
			if b[i]-'0' <= 9 {
				if n < len(run) {
					run[n] = b[i]
					n++
				}
				continue
			}
			if n > 0 && separator[b[i]] {
				continue
			}
		}
		if n >= nsnLen && n <= nsnLen+4 && bytes.HasPrefix(run[n-nsnLen:n], []byte(s.prefix)) && dialPrefix(run[:n-nsnLen]) {
			return true
		}
		n = 0
	}
	return false
}

// dialPrefix tells what may stand before a national number.
func dialPrefix(b []byte) bool {
	switch string(b) {
	case "", "0", "31", "0031":
		return true
	}
	return false
}

// unescape resolves %HH in src.
func unescape(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		if src[i] == '%' && i+2 < len(src) {
			if hi, lo := nibble(src[i+1]), nibble(src[i+2]); hi < 16 && lo < 16 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, src[i])
	}
	return dst
}

func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
