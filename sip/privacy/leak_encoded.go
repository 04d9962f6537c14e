package privacy

import (
	"bytes"
	"encoding/binary"
)

// code is a way to write bytes as characters.
type code struct {
	vector string
	value  [256]byte // 0xff: not of this code
	bits   uint      // of one character
	least  int       // characters of a token worth reading

	// Of a number in this code, at least row times every group-th character is a mark:
	// the high bits of a digit or separator (20 to 3F).
	lowMark, highMark byte
	group, row        int
}

var (
	hexCode    = makeCode(VectorHex, "0123456789abcdef", '2', '3', 4, 2, 9, 2*minDigits)
	base64Code = makeCode(VectorBase64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 'I', 'P', 6, 4, 3, 16)
)

func makeCode(vector, alphabet string, lowMark, highMark byte, bits uint, group, row, least int) code {
	c := code{vector: vector, bits: bits, least: least, lowMark: lowMark, highMark: highMark, group: group, row: row}
	for i := range c.value {
		c.value[i] = 0xff
	}
	for i := range len(alphabet) {
		c.value[alphabet[i]] = byte(i)
	}
	if bits == 4 {
		copy(c.value['A':], c.value['a':'f'+1])
	} else {
		c.value['-'], c.value['_'] = c.value['+'], c.value['/'] // base64url
	}
	return c
}

// window is how many characters findCoded looks at in one go: at least a group.
const window = 4

// findCoded looks at a window of characters every now and then: where a number is, one
// of them is a mark, in a row of marks.
func (n *Needles) findCoded(b []byte, c *code) (Leak, bool) {
	var m tokenMemory
	const ones, tops = 0x01010101, 0x80808080
	fromLow, aboveHigh := ones*uint32(0x80-c.lowMark), ones*uint32(0x7f-c.highMark)
	first := c.group * (c.row - 1)
	for i := first; i < len(b); i += first + window {
		if i+window <= len(b) {
			w := binary.LittleEndian.Uint32(b[i:]) &^ tops
			if (w+fromLow)&^(w+aboveHigh)&tops == 0 {
				continue // no mark
			}
		}
		if leak, ok := n.findAround(b, i, &m, c); ok {
			return leak, true
		}
	}
	return Leak{}, false
}

// findAround reads the tokens that the marks in the window at i may belong to.
func (n *Needles) findAround(b []byte, i int, m *tokenMemory, c *code) (Leak, bool) {
	for at := i; at < min(i+window, len(b)); at++ {
		if !c.mark(b[at]) || m.has(at, c) || !c.inRow(b, at) {
			continue
		}
		if leak, ok := n.findToken(b, at, m, c); ok {
			return leak, true
		}
	}
	return Leak{}, false
}

func (c *code) mark(ch byte) bool { return ch >= c.lowMark && ch <= c.highMark }

// inRow tells whether the mark at b[at] is one of enough in a row.
func (c *code) inRow(b []byte, at int) bool {
	count := 1
	for i := at - c.group; i >= 0 && c.mark(b[i]) && count < c.row; i -= c.group {
		count++
	}
	for i := at + c.group; i < len(b) && c.mark(b[i]) && count < c.row; i += c.group {
		count++
	}
	return count == c.row
}

// tokenMemory is the token last read, and which of its alignments were, so that each
// is read once however often it looks suspicious.
type tokenMemory struct {
	off, end int
	done     [4]bool
}

func (m *tokenMemory) has(at int, c *code) bool {
	return at < m.end && m.done[(at-m.off)%c.group]
}

// findToken reads the token around b[at], as if a group of its code began there.
func (n *Needles) findToken(b []byte, at int, m *tokenMemory, c *code) (Leak, bool) {
	if at >= m.end {
		*m = tokenMemory{off: at, end: at + 1}
		for m.off > 0 && c.value[b[m.off-1]] != 0xff {
			m.off--
		}
		for m.end < len(b) && c.value[b[m.end]] != 0xff {
			m.end++
		}
	}
	skip := (at - m.off) % c.group
	m.done[skip] = true
	if m.end-m.off < c.least || !n.findDecoded(b[m.off+skip:m.end], c) {
		return Leak{}, false
	}
	return Leak{m.off, m.end, c.vector}, true
}

// Decoded tokens are searched in pieces that overlap by more than the longest spelling.
const (
	pieceSize = 512
	overlap   = 160
)

// findDecoded searches what chars, digits of c only, stand for.
func (n *Needles) findDecoded(chars []byte, c *code) bool {
	var piece [pieceSize]byte
	var acc, bits uint
	size, t := 0, plainText
	for _, ch := range chars {
		acc = acc<<c.bits | uint(c.value[ch])
		if bits += c.bits; bits < 8 {
			continue
		}
		bits -= 8
		piece[size] = byte(acc >> bits)
		if size++; size == pieceSize {
			// What ends with the piece may go on: the next one shows it again.
			if n.findDigits(piece[:], pieceSize-1, t) {
				return true
			}
			size, t = copy(piece[:], piece[pieceSize-overlap:]), middleText
		}
	}
	return n.findDigits(piece[:size], size, t)
}

// findDigits looks for numbers that end before end.
func (n *Needles) findDigits(b []byte, end int, t text) bool {
	digits := uint64(noDigit)
	for i, c := range b[:end] {
		s := &steps[c]
		digits = digits<<(s.shift&63) | s.or
		if s.shift != 0 && n.match(digits) {
			if _, ok := n.confirm(b, i, i+1, digits, t); ok {
				return true
			}
		}
	}
	return false
}

// longestEscaped is more than the longest spelling takes when all of it is escaped.
const longestEscaped = 3 * overlap

// findEscaped searches the surroundings of every %HH, decoded.
func (n *Needles) findEscaped(b []byte) (Leak, bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '%')
		if i < 0 {
			return Leak{}, false
		}
		from, to := max(at, at+i-longestEscaped), at+i+longestEscaped
		for {
			rest := bytes.LastIndexByte(b[min(len(b), at+i+1):min(len(b), to)], '%')
			if rest < 0 {
				break
			}
			i += 1 + rest
			to = at + i + longestEscaped
		}
		to = min(len(b), to)
		if leak, ok := n.findEscapedIn(b, from, to); ok {
			return leak, true
		}
		at = to
	}
}

func (n *Needles) findEscapedIn(b []byte, from, to int) (Leak, bool) {
	digits := uint64(noDigit)
	for i := from; i < to; {
		c, next := b[i], i+1
		if c == '%' {
			if u, ok := unescaped(b, i); ok {
				c, next = u, i+3
			}
		}
		s := &steps[c]
		digits = digits<<(s.shift&63) | s.or
		if s.shift != 0 && n.match(digits) {
			if off, ok := n.confirm(b, i, next, digits, escapedText); ok && !mediaAddress(b, off) {
				return Leak{off, next, VectorEscaped}, true
			}
		}
		i = next
	}
	return Leak{}, false
}

// findBCD searches nibbles: low one first as in ISUP (ITU-T Q.763 section 3.10), and high
// one first; a number may begin in the middle of an octet. There are no boundaries
// between nibbles: nine that fit are enough, next to an octet that is in no text.
func (n *Needles) findBCD(b []byte) (Leak, bool) {
	for i := range n.count {
		nd := &n.list[i]
		if nd.size < minDigits {
			continue
		}
		for _, swapped := range [...]bool{true, false} {
			for half := range 2 { // half: the first digit shares its octet with another
				if off, ok := nd.findNibbles(b, swapped, half); ok {
					return Leak{off, min(len(b), off+nd.size/2+1), VectorBCD}, true
				}
			}
		}
	}
	return Leak{}, false
}

func (nd *needle) findNibbles(b []byte, swapped bool, half int) (off int, ok bool) {
	var octets [8]byte
	size := (nd.size - half) / 2 // whole octets
	for i := range size {
		a, z := nd.digit(half+2*i), nd.digit(half+2*i+1)
		if swapped {
			a, z = z, a
		}
		octets[i] = a<<4 | z
	}
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], octets[:size])
		if i < 0 {
			return 0, false
		}
		at += i
		if nd.restFits(b, at, at+size, swapped, half) && nearControl(b, at, at+size) {
			return at, true
		}
	}
}

// restFits checks the digits that share their octet with a stranger, around b[at:end].
func (nd *needle) restFits(b []byte, at, end int, swapped bool, half int) bool {
	low := func(c byte) byte { return c & 15 }
	high := func(c byte) byte { return c >> 4 }
	firstOf, secondOf := high, low
	if swapped {
		firstOf, secondOf = low, high
	}
	if half == 1 && (at == 0 || secondOf(b[at-1]) != nd.digit(0)) {
		return false
	}
	if (nd.size-half)%2 == 1 && (end >= len(b) || firstOf(b[end]) != nd.digit(nd.size-1)) {
		return false
	}
	return true
}

func (nd *needle) digit(i int) byte { return byte(nd.value>>(4*(nd.size-1-i))) & 15 }

// nearby is how far an octet of length or type is from the digits behind it, in ISUP and
// its relatives.
const nearby = 8

func nearControl(b []byte, at, end int) bool {
	for _, c := range b[max(0, at-nearby):min(len(b), end+nearby)] {
		if isControl[c] {
			return true
		}
	}
	return false
}

// isControl: what is in no text.
var isControl = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = c != '\t' && c != '\r' && c != '\n'
	}
	return t
}()

// hasControl tells whether the body of message b is no text; what is no message is
// taken for a body.
func hasControl(b []byte) bool {
	for _, c := range bodyOf(b) {
		if isControl[c] {
			return true
		}
	}
	return false
}

// bodyOf is what follows the first empty line; all of b when there is none.
func bodyOf(b []byte) []byte {
	for rest := b; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return b
		}
		rest = rest[i+1:]
		if len(rest) > 0 && (rest[0] == '\r' || rest[0] == '\n') {
			return rest
		}
	}
}
