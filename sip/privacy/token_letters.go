package privacy

// What the gateway makes itself is spelled in 32 letters, five bits each: no digit, so
// that it can never look like a number; none of G to Z in upper case, so that no three
// bytes of ASCII digits can come out when it is read as base64 (their first letter
// would be M, N or O). Upper and lower case differ: RFC 3261 compares user parts,
// Call-IDs, tags as the gateway's peers must, byte by byte.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEF"

const noLetter = 0xff

var letterValue = func() (t [256]byte) {
	for i := range t {
		t[i] = noLetter
	}
	for i := range len(letters) {
		t[letters[i]] = byte(i)
	}
	return t
}()

// appendLetters spells b in letters: ceil(8*len(b)/5) of them, the last one padded with
// zero bits.
func appendLetters(dst, b []byte) []byte {
	var acc, bits uint
	for _, c := range b {
		acc = acc<<8 | uint(c)
		bits += 8
		for bits >= 5 {
			bits -= 5
			dst = append(dst, letters[acc>>bits&31])
		}
	}
	if bits > 0 {
		dst = append(dst, letters[acc<<(5-bits)&31])
	}
	return dst
}

// readLetters undoes appendLetters; ok is false for anything appendLetters cannot have made.
func readLetters(dst, text []byte) (b []byte, ok bool) {
	var acc, bits uint
	for _, c := range text {
		v := letterValue[c]
		if v == noLetter {
			return dst, false
		}
		acc = acc<<5 | uint(v)
		if bits += 5; bits >= 8 {
			bits -= 8
			dst = append(dst, byte(acc>>bits))
		}
	}
	return dst, bits < 5 && acc&(1<<bits-1) == 0
}

// lettersOnly tells whether every byte of text is one of letters.
func lettersOnly(text []byte) bool {
	for _, c := range text {
		if letterValue[c] == noLetter {
			return false
		}
	}
	return true
}

// What a sealed text is for, in its first letter.
const (
	purposeToken byte = iota
	purposeID
	purposePackedID // of what is letters itself
)

// appendSealHead spells purpose and key id in two letters.
func appendSealHead(dst []byte, purpose, id byte) []byte {
	return append(dst, letters[purpose<<3|id>>5], letters[id&31])
}

func readSealHead(text []byte) (purpose, id byte, ok bool) {
	if len(text) < 2 {
		return 0, 0, false
	}
	a, b := letterValue[text[0]], letterValue[text[1]]
	if a == noLetter || b == noLetter {
		return 0, 0, false
	}
	return a >> 3, a&7<<5 | b, true
}
