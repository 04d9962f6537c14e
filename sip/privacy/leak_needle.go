package privacy

import "clirgate/numbering"

// needle is one number to look for.
type needle struct {
	number      numbering.Number
	value, mask uint64 // national digits, one nibble each, and ones over as many nibbles
	size        int    // count of national digits
	prefixes    [8]prefix
	prefixCount int
}

// prefix is digits that may stand in front of the national ones.
type prefix struct {
	value uint64 // one nibble a digit
	size  int
}

const maxPrefix = 7

func (nd *needle) set(plan *numbering.Plan, number numbering.Number) {
	var all, national [16]byte
	digits := number.Append(all[:0])
	nsn := digits
	if plan != nil {
		nsn = plan.NSN(number, national[:0])
	}
	code := digits[:len(digits)-len(nsn)]
	*nd = needle{number: number, value: nibbles(nsn), size: len(nsn)}
	nd.mask = 1<<(4*len(nsn)) - 1

	nd.prefix("0", nil, "")
	if len(code) == 0 {
		return
	}
	nd.prefix("", code, "")
	nd.prefix("", code, "0") // +31 (0)20 ...
	nd.prefix("00", code, "")
	nd.prefix("00", code, "0")
	nd.prefix("011", code, "") // North America
	switch string(code) {      // trunk prefixes that are not 0
	case "7":
		nd.prefix("8", nil, "")
	case "36":
		nd.prefix("06", nil, "")
	}
}

func (nd *needle) prefix(front string, code []byte, trunk string) {
	p := prefix{nibblesOf(nibblesOf(nibblesOf(0, front), code), trunk), len(front) + len(code) + len(trunk)}
	nd.prefixes[nd.prefixCount] = p
	nd.prefixCount++
}

func nibbles(digits []byte) uint64 { return nibblesOf(0, digits) }

func nibblesOf[T []byte | string](v uint64, digits T) uint64 {
	for i := range len(digits) {
		v = v<<4 | uint64(digits[i]-'0')
	}
	return v
}

// begin walks back from the last digit, at b[last], over the national digits, which are
// known to be there, and what belongs in front of them. ok is false when too much
// stands between them, or digits in front that do not belong there.
func (nd *needle) begin(b []byte, last int, t text) (off int, ok bool) {
	off = last
	for range nd.size - 1 {
		if off = t.digitBefore(b, off); off < 0 {
			return 0, false
		}
	}
	if nd.size >= minDigits && t.boundary(b, off) {
		return off, true
	}
	var front uint64
	for size := 1; size <= maxPrefix; size++ {
		if off = t.digitBefore(b, off); off < 0 {
			return 0, false
		}
		front |= uint64(t.at(b, off)-'0') << (4 * (size - 1))
		if nd.size+size >= minDigits && t.boundary(b, off) && nd.hasPrefix(prefix{front, size}) {
			return off, true
		}
	}
	return 0, false
}

func (nd *needle) hasPrefix(p prefix) bool {
	for i := range nd.prefixCount {
		if nd.prefixes[i] == p {
			return true
		}
	}
	return false
}

// text is how bytes are read.
type text uint8

const (
	plainText   text = iota // each byte a character
	escapedText             // %HH is one character
	middleText              // plain, the middle of something: its first byte may have others before it
)

// at is the character that begins at i.
func (t text) at(b []byte, i int) byte {
	if t == escapedText && b[i] == '%' {
		if c, ok := unescaped(b, i); ok {
			return c
		}
	}
	return b[i]
}

// before is where the character in front of i begins, -1 when there is none.
func (t text) before(b []byte, i int) int {
	if t == escapedText && i >= 3 && b[i-3] == '%' {
		if _, ok := unescaped(b, i-3); ok {
			return i - 3
		}
	}
	return i - 1
}

// digitBefore is the digit in front of i, at most maxGap separators away; -1: none.
func (t text) digitBefore(b []byte, i int) int {
	for range maxGap + 1 {
		next := i
		if i = t.before(b, i); i < 0 {
			return -1
		}
		c := t.at(b, i)
		if isDigit(c) {
			return i
		}
		if !isSeparator(c) || c == '\n' && !t.folds(b, next) {
			return -1
		}
	}
	return -1
}

// folds tells whether a line that begins at i continues the one before.
func (t text) folds(b []byte, i int) bool {
	return i < len(b) && (t.at(b, i) == ' ' || t.at(b, i) == '\t')
}

// boundary tells that no digit touches i from the left.
func (t text) boundary(b []byte, i int) bool {
	i = t.before(b, i)
	if i < 0 {
		return t != middleText
	}
	return !isDigit(t.at(b, i))
}

// unescaped is the character of the %HH at i.
func unescaped(b []byte, i int) (c byte, ok bool) {
	if i+2 >= len(b) {
		return 0, false
	}
	hi, lo := hexCode.value[b[i+1]], hexCode.value[b[i+2]]
	return hi<<4 | lo, hi|lo < 16
}
