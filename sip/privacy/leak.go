package privacy

import (
	"bytes"

	"clirgate/numbering"
)

// Needles is the withheld numbers of one message in every spelling the leak guard
// looks for. Small, reusable without allocation. A number is looked for by its national
// digits; what may stand in front of them is a short list (needle.prefixes).
type Needles struct {
	count int
	list  [maxNeedles]needle
}

const (
	maxNeedles = 8
	minDigits  = 9 // shorter spellings are not looked for: they could be anything
	maxGap     = 4 // separators in a row inside a number
)

// Leak is one hit: where, and in which spelling (a fixed word, fit for a metric label).
// Of a number inside an encoded token, Off and End are the token's.
type Leak struct {
	Off, End int
	Vector   string
}

// The spellings of Leak.Vector.
const (
	VectorDigits  = "digits"  // plain, with or without separators
	VectorEscaped = "escaped" // after %HH decoding
	VectorHex     = "hex"     // hex of ASCII digits
	VectorBase64  = "base64"  // base64 or base64url
	VectorBCD     = "bcd"     // one nibble a digit, as in ISUP
)

// Set prepares the search for the given numbers: zero ones, those shorter than 9 digits
// and, after the eighth different one, the rest are skipped.
func (n *Needles) Set(plan *numbering.Plan, numbers ...numbering.Number) {
	n.count = 0
	for _, number := range numbers {
		if number.Len() < minDigits || n.has(number) || n.count == maxNeedles {
			continue
		}
		n.list[n.count].set(plan, number)
		n.count++
	}
}

func (n *Needles) has(number numbering.Number) bool {
	for i := range n.count {
		if n.list[i].number == number {
			return true
		}
	}
	return false
}

// Empty tells that there is nothing to look for.
func (n *Needles) Empty() bool { return n.count == 0 }

// Find searches the finished bytes of a message, linear, without allocation:
// plain digits with any separators, %HH, hex of ASCII, base64 and base64url tokens, BCD
// nibbles. Digit boundary on both sides. Media addresses of SDP are exempt.
//
// The passes over all bytes look at a few of them only: where a spelling can be, every
// byte of it would be of one class.
func (n *Needles) Find(b []byte) (leak Leak, ok bool) {
	if n.count == 0 {
		return Leak{}, false
	}
	if leak, ok = n.findPlain(b); ok {
		return leak, true
	}
	if leak, ok = n.findCoded(b, &hexCode); ok {
		return leak, true
	}
	if leak, ok = n.findCoded(b, &base64Code); ok {
		return leak, true
	}
	if leak, ok = n.findEscaped(b); ok {
		return leak, true
	}
	if hasControl(b) {
		return n.findBCD(b)
	}
	return Leak{}, false
}

// step is what one byte does to the register of the last digits: digits are shifted in,
// separators change nothing, anything else ends a run of digits.
type step struct {
	or      uint64 // the digit, or all ones
	shift   uint8  // 4 for a digit
	numeric bool   // digit or separator
}

const noDigit = 0xffff_ffff_ffff_ffff

// separators may stand between the digits of one number.
const separators = "-. ()/\t\r\n"

var steps = makeSteps()

func makeSteps() (t [256]step) {
	for c := range t {
		t[c] = step{or: noDigit}
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = step{or: uint64(c - '0'), shift: 4, numeric: true}
	}
	for _, c := range separators {
		t[c] = step{numeric: true}
	}
	return t
}

func isDigit(c byte) bool     { return c-'0' <= 9 }
func isSeparator(c byte) bool { return steps[c].numeric && !isDigit(c) }

// findPlain looks for a number as it stands. It is at least 9 digits and separators in
// a row, so one of them is at every ninth byte, and one more four bytes away.
func (n *Needles) findPlain(b []byte) (Leak, bool) {
	const stride, half = minDigits, minDigits / 2
	end := 0 // of the last run of digits and separators
	for i := stride - 1; i < len(b); i += stride {
		if !steps[b[i]].numeric || !steps[b[i-half]].numeric && (i+half >= len(b) || !steps[b[i+half]].numeric) {
			continue
		}
		off := i
		for off > end && steps[b[off-1]].numeric {
			off--
		}
		for end = i + 1; end < len(b) && steps[b[end]].numeric; end++ {
		}
		if end-off >= minDigits {
			if leak, ok := n.findInRun(b, off, end); ok {
				return leak, true
			}
		}
		i = end
	}
	return Leak{}, false
}

func (n *Needles) findInRun(b []byte, off, end int) (Leak, bool) {
	digits := uint64(noDigit)
	for i := off; i < end; i++ {
		s := &steps[b[i]]
		digits = digits<<(s.shift&63) | s.or
		if s.shift != 0 && n.match(digits) {
			if off, ok := n.confirm(b, i, i+1, digits, plainText); ok && !mediaAddress(b, off) {
				return Leak{off, i + 1, VectorDigits}, true
			}
		}
	}
	return Leak{}, false
}

// match tells whether a needle's national digits are the last ones of digits.
func (n *Needles) match(digits uint64) bool {
	for i := range n.count {
		if nd := &n.list[i]; (digits^nd.value)&nd.mask == 0 {
			return true
		}
	}
	return false
}

// confirm looks closely at a candidate whose last digit is b[last:next]: boundaries,
// gaps, what is in front. off is where the spelling begins.
func (n *Needles) confirm(b []byte, last, next int, digits uint64, t text) (off int, ok bool) {
	if next < len(b) && isDigit(t.at(b, next)) {
		return 0, false
	}
	for i := range n.count {
		nd := &n.list[i]
		if (digits^nd.value)&nd.mask != 0 {
			continue
		}
		if off, ok := nd.begin(b, last, t); ok {
			return off, true
		}
	}
	return 0, false
}

// longestMedia bounds how far back the beginning of a media line is looked for.
const longestMedia = 512

// mediaAddress tells whether off is in a line of SDP whose addresses cannot be
// changed without a media relay (STANDARDS 6.7).
func mediaAddress(b []byte, off int) bool {
	from := max(0, off-longestMedia)
	line := b[from:]
	if i := bytes.LastIndexByte(b[from:off], '\n'); i >= 0 {
		line = line[i+1:]
	} else if from > 0 {
		return false
	}
	for _, prefix := range [...]string{"c=", "m=", "a=rtcp:", "a=candidate:"} {
		if len(line) >= len(prefix) && string(line[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}
