// Package numbering says what a telephone number is: its E.164 form, the dial
// codes in front of it, and whether it is an emergency number.
//
// Everything here is pure: bytes in, values out, no clock, lock or I/O.
package numbering

import (
	"fmt"
	"io"
	"log/slog"
)

// Number is one telephone number as a small comparable value: usable as a map
// key, copied without allocation. It prints itself redacted wherever it is
// formatted, so that no log line, metric label or error text can hold it; the
// digits are had with Append, E164 and National only, by name.
//
// Layout, high to low: 4 bits Kind, 4 bits count of digits (0 to 15), 56 bits
// the digits as one decimal value.
type Number uint64

// Kind says how the digits of a Number are to be read.
type Kind uint8

const (
	// None is the zero Number: no number, or not known.
	None Kind = iota
	// International is an E.164 number: country code first, no "+".
	International
	// Short is a number of the national plan without an E.164 form: 112, 144,
	// 14020, 1850.
	Short
)

const (
	kindShift  = 60
	countShift = 56
	valueMask  = 1<<countShift - 1
	maxDigits  = 15
)

// New makes a Number from ASCII digits. It answers the zero Number when digits
// is empty, longer than 15 (E.164 section 6.2.1) or holds anything but digits.
func New(kind Kind, digits []byte) Number {
	if len(digits) == 0 || len(digits) > maxDigits {
		return 0
	}
	var v uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0
		}
		v = v*10 + uint64(c-'0')
	}
	return Number(uint64(kind)<<kindShift | uint64(len(digits))<<countShift | v)
}

// Kind tells how the digits are to be read.
func (n Number) Kind() Kind { return Kind(n >> kindShift) }

// Len is the count of digits.
func (n Number) Len() int { return int(n>>countShift) & 15 }

// Append appends the bare digits to dst, leading zeros kept, no "+".
func (n Number) Append(dst []byte) []byte {
	var b [maxDigits]byte
	v := uint64(n) & valueMask
	l := n.Len()
	for i := l - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, b[:l]...)
}

// AppendDial appends the number as it stands in a URI: "+" and digits for an
// international number, bare digits for a short one.
func (n Number) AppendDial(dst []byte) []byte {
	if n.Kind() == International {
		dst = append(dst, '+')
	}
	return n.Append(dst)
}

// E164 is AppendDial as a string. By name only: never for a log line.
func (n Number) E164() string { return string(n.AppendDial(nil)) }

// String is redacted: it tells the kind and the count of digits, nothing else.
func (n Number) String() string {
	if n == 0 {
		return "number(none)"
	}
	return "number(redacted)"
}

// GoString is redacted as String is.
func (n Number) GoString() string { return n.String() }

// LogValue is redacted as String is.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// Format is redacted as String is, under every verb: %d must not print digits.
func (n Number) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// MarshalText is redacted as String is, so that no structure that happens to
// hold a Number writes it out; whoever means to writes E164.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
