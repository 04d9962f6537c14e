package proxy

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// What follows judges messages with nothing of the gateway's own.

// revealed answers what of A a message shows that left towards U, "" when nothing: its
// number in any spelling, name, hosts, device. Where its media go must be said.
func revealed(raw string) string {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	if what := numberIn9(head + "\n" + mediaAddress.ReplaceAllString(body, "")); what != "" {
		return what
	}
	start, lines, _ := strings.Cut(head, "\r\n")
	if strings.HasPrefix(start, "SIP/2.0") {
		lines = head // whoever answers writes the reason phrase
	}
	lines = ofOthers.ReplaceAllString(folds.ReplaceAllString(lines, " ")+"\r\n", "")
	low := strings.ToLower(unescaped(lines + "\n" + mediaAddress.ReplaceAllString(body, "")))
	for _, word := range []string{"jansen", "pc11", "192.0.2.11", "00155d112233", "35693803564380", ";tag=atag", "a.lan"} {
		if strings.Contains(low, word) {
			return word
		}
	}
	return ""
}

var (
	// ofOthers are headers that name somebody or something else, if only in the sender's
	// words: whom to call, who forwarded, an event, an option. A's number is none of these.
	ofOthers     = regexp.MustCompile(`(?mi)^(refer-to|r|referred-by|b|history-info|event|o|require|sip-etag|sip-if-match)[ \t]*:.*\r\n`)
	folds        = regexp.MustCompile(`\r\n[ \t]+`)
	mediaAddress = regexp.MustCompile(`(?m)^(c=|m=|a=rtcp:).*$`)
	longToken    = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`)
)

// numberIn9 searches for the last nine digits of A's number.
func numberIn9(text string) string {
	const digits = "205550101"
	for _, s := range []string{text, unescaped(text), unescaped(unescaped(text))} {
		if strings.Contains(digitsOf(s), digits) {
			return "number"
		}
	}
	for _, token := range longToken.FindAllString(text, -1) {
		if d, err := hex.DecodeString(token[:len(token)&^1]); err == nil && strings.Contains(digitsOf(string(d)), digits) {
			return "number in hex"
		}
		std := strings.NewReplacer("-", "+", "_", "/").Replace(token)
		for off := range min(4, len(std)) {
			if d, err := base64.RawStdEncoding.DecodeString(std[off : off+(len(std)-off)&^3]); err == nil && strings.Contains(digitsOf(string(d)), digits) {
				return "number in base64"
			}
		}
	}
	if strings.Contains(text, "\x02\x55\x05\x01\x01") || strings.Contains(text, "\x13\x02\x55\x05\x01") {
		return "number in BCD"
	}
	return ""
}

// unescaped undoes %HH, character references and the backslashes of quoted strings.
func unescaped(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if s[0] == '%' && len(s) > 2 {
			if c, err := url.PathUnescape(s[:3]); err == nil {
				b.WriteString(c)
				s = s[3:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return strings.ReplaceAll(reference.ReplaceAllStringFunc(b.String(), func(r string) string { return r[len(r)-2 : len(r)-1] }), `\`, "")
}

// reference is a digit as XML can write it: its code is 48 to 57.
var reference = regexp.MustCompile(`&#(?:x3|4)[0-9];`)

// digitsOf joins digits of any script that only separators stand between.
func digitsOf(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsDigit(r): // scripts have theirs in blocks that begin at a multiple of ten from zero
			zero := r
			for unicode.IsDigit(zero - 1) {
				zero--
			}
			b.WriteByte('0' + byte((r-zero)%10))
		case strings.ContainsRune("-.() /\t", r), r > 0x7f && !unicode.IsLetter(r):
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}
