package probe

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
)

// shown tells whether a number stands in bytes, in some spelling: with or without its
// country code, with separators, percent-encoded, in base64 or in hexadecimal. It knows
// nothing of the gateway's own guard, on purpose: one must find what the other misses. A
// country code has three digits at most, so the rest is in every spelling.
func shown(raw []byte, e164 string) bool {
	digits := bytes.TrimPrefix([]byte(e164), []byte("+"))
	core := digits[min(3, len(digits)/2):]
	plain := raw
	for range 3 { // encoded twice is still encoded
		if holds(plain, core) {
			return true
		}
		decoded := unescape(plain)
		if bytes.Equal(decoded, plain) {
			break
		}
		plain = decoded
	}
	for _, word := range encoded.FindAll(raw, -1) {
		if holds(unbase64(word), core) {
			return true
		}
	}
	return bytes.Contains(bytes.ToLower(raw), []byte(hex.EncodeToString(core)))
}

var (
	separators = regexp.MustCompile(`([0-9])[-. ()/_]+([0-9])`)
	encoded    = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)
	escapes    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// holds looks for digits, also where separators stand between them.
func holds(raw, core []byte) bool {
	joined := raw
	for range 2 { // neighbours overlap
		joined = separators.ReplaceAll(joined, []byte("$1$2"))
	}
	return bytes.Contains(raw, core) || bytes.Contains(joined, core)
}

func unescape(raw []byte) []byte {
	return escapes.ReplaceAllFunc(raw, func(e []byte) []byte {
		s, err := url.PathUnescape(string(e))
		if err != nil {
			return e
		}
		return []byte(s)
	})
}

var standard = strings.NewReplacer("-", "+", "_", "/")

// unbase64 decodes a word from each place that a group of it may begin at.
func unbase64(word []byte) (out []byte) {
	text := standard.Replace(string(word))
	for skip := range 4 {
		part := text[min(skip, len(text)):]
		if len(part)%4 == 1 { // no length that can be
			part = part[:len(part)-1]
		}
		decoded, err := base64.RawStdEncoding.DecodeString(part)
		if err == nil {
			out = append(append(out, decoded...), '\n')
		}
	}
	return out
}
