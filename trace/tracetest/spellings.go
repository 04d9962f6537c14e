package tracetest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"clirgate/numbering"
)

// Spellings is a number in the forms it might be written in: digits international,
// national, backwards, and with separators, hexadecimal, base64, UTF-16, BCD (in both
// orders of nibbles, at either half of a byte), and as integers of both byte orders. None is
// shorter than four bytes.
func Spellings(n numbering.Number) (all [][]byte) {
	digits := string(n.Append(nil))
	text := []string{digits}
	if len(digits) > 4 {
		text = append(text, digits[2:]) // without the country code
		text = append(text, strings.Join(strings.Split(digits, ""), "-"), strings.Join(strings.Split(digits, ""), " "))
		text = append(text, backwards(digits), backwards(digits[2:]))
	}
	for _, s := range text {
		b := []byte(s)
		all = append(all, b, []byte(hex.EncodeToString(b)))
		for shift := range 3 { // base64 of the digits at every offset, without the ragged ends
			e := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
			all = append(all, []byte(e[2*min(shift, 1)+shift:len(e)-2]))
		}
		all = append(all, bytes.Join(bytes.Split(b, nil), []byte{0}))
	}
	for _, d := range []string{digits, digits[min(1, len(digits)-1):], backwards(digits)} {
		all = append(all, bcd(d)...)
	}
	var value uint64
	for _, c := range digits {
		value = value*10 + uint64(c-'0')
	}
	for _, v := range []uint64{uint64(n), value} {
		be, le := binary.BigEndian.AppendUint64(nil, v), binary.LittleEndian.AppendUint64(nil, v)
		all = append(all, bytes.TrimLeft(be, "\x00"), bytes.TrimRight(le, "\x00"), binary.AppendUvarint(nil, v))
	}
	keep := all[:0]
	for _, s := range all {
		if len(s) >= 4 {
			keep = append(keep, s)
		}
	}
	return keep
}

func backwards(digits string) string {
	b := []byte(digits)
	slices.Reverse(b)
	return string(b)
}

// bcd is whole bytes of two digits each, in both orders.
func bcd(digits string) [][]byte {
	b, _ := hex.DecodeString(digits[:len(digits)&^1]) // digits are hexadecimal
	swapped := make([]byte, len(b))
	for i, c := range b {
		swapped[i] = c<<4 | c>>4
	}
	return [][]byte{b, swapped}
}
