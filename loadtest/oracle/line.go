package oracle

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Marker is a word in every name, host and identifier that a caller's device makes:
// display name, Call-ID, tags, branches, Contact, serial numbers, SDP. Whatever the
// called side of a withheld call sees may not hold it, however it is encoded. Ten
// letters: gateway-made random text does not hit it by chance.
const Marker = "zwaluwnest"

// stem is the part of Marker searched for: Zwaluwnest is found as well.
const stem = "waluwnest"

// nsnLen is the number of digits of the national numbers callers have.
const nsnLen = 9

// Line is a caller's number and its spellings.
type Line struct {
	E164   string // +31612340000
	NSN    string // 612340000: all spellings of nine digits or more end with it
	digits uint64
	coded  *needles // encoded spellings, and the names of every caller
}

// needle is an encoded spelling to be searched for as it stands.
type needle struct {
	what  string
	bytes []byte
}

// NewLine makes a line of a number in E.164 form; its last nine digits are its own.
func NewLine(e164 string) (*Line, error) {
	if len(e164) <= nsnLen || e164[0] != '+' {
		return nil, fmt.Errorf("caller number of %d characters: want + and at least %d digits", len(e164), nsnLen+1)
	}
	l := &Line{E164: e164, NSN: e164[len(e164)-nsnLen:]}
	for _, c := range []byte(e164[1:]) {
		if c < '0' || c > '9' {
			return nil, fmt.Errorf("caller number holds %q, want digits", c)
		}
	}
	for _, c := range []byte(l.NSN) {
		l.digits = l.digits*10 + uint64(c-'0')
	}
	coded := append(codings("number", []byte(l.NSN)),
		needle{"number in BCD", bcd(l.NSN)},
		needle{"number in BCD hex", []byte(hex.EncodeToString(bcd(l.NSN)[:nsnLen/2]))})
	l.coded = newNeedles(append(coded, names...))
	return l, nil
}

// names are the spellings of Marker.
var names = append([]needle{{"name", []byte(stem)}, {"name", []byte("WALUWNEST")}}, codings("name", []byte(stem))...)

// nobody is the search for names alone, where the caller is not known.
var nobody = newNeedles(names)

// codings are text in base64 (at each of its three alignments, without the characters
// that depend on neighbours) and in hex.
func codings(what string, text []byte) []needle {
	var out []needle
	for shift := 0; shift < 3; shift++ {
		padded := append(make([]byte, shift), text...)
		code := base64.StdEncoding.EncodeToString(padded)
		first, last := (shift*8+5)/6, len(padded)*8/6
		out = append(out, needle{what + " in base64", []byte(code[first:last])})
	}
	low := hex.EncodeToString(text)
	out = append(out, needle{what + " in hex", []byte(low)})
	if up := upper(low); up != low {
		out = append(out, needle{what + " in hex", []byte(up)})
	}
	return out
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 0x20
		}
	}
	return string(b)
}

// bcd packs digits as ISUP does (Q.763 3.9): low nibble first, filler 0.
func bcd(digits string) []byte {
	out := make([]byte, (len(digits)+1)/2)
	for i := range digits {
		out[i/2] |= (digits[i] - '0') << (4 * (i % 2))
	}
	return out
}
