package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"
)

// line is a withheld party as the oracle knows it: what must not be seen of it.
type line struct {
	number string   // E.164 digits
	words  []string // host, name and device identifiers
}

// spellings are the digit strings looked for, the test form: the seven-digit
// subscriber part included.
func (l line) spellings() []string {
	if l.number == "" {
		return nil // nobody of ours
	}
	nsn := l.number[2:]
	return []string{l.number, "0" + nsn, nsn, nsn[len(nsn)-7:]}
}

var (
	separators = regexp.MustCompile(`([0-9])[-. ()/]+([0-9])`)
	tokens     = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}`)
	mediaLine  = regexp.MustCompile(`(?m)^(c=|m=|a=rtcp:).*$`)
)

// leak answers how l shows in the bytes of a message, "" when it does not.
func (l line) leak(raw string) string {
	if i := strings.Index(raw, "\r\n\r\n"); i >= 0 {
		raw = raw[:i] + "\r\n\r\n" + mediaLine.ReplaceAllString(raw[i+4:], "")
	}
	if w := l.plainLeak(raw); w != "" {
		return w
	}
	if w := l.plainLeak(percentDecode(raw)); w != "" {
		return "percent-encoded " + w
	}
	for _, t := range tokens.FindAllString(raw, -1) {
		for _, d := range decodings(t) {
			if w := l.plainLeak(d); w != "" {
				return "encoded " + w
			}
		}
	}
	for _, s := range l.spellings() {
		if strings.Contains(raw, bcd(s)) {
			return "BCD number"
		}
	}
	return ""
}

func (l line) plainLeak(s string) string {
	low := strings.ToLower(s)
	joined := low
	for {
		next := separators.ReplaceAllString(joined, "$1$2")
		if next == joined {
			break
		}
		joined = next
	}
	for _, sp := range l.spellings() {
		if strings.Contains(low, sp) || strings.Contains(joined, sp) {
			return "number"
		}
	}
	for _, w := range l.words {
		if strings.Contains(low, strings.ToLower(w)) {
			return w
		}
	}
	return ""
}

func percentDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if d, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.Write(d)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// decodings are what a token could be hiding: hex, and base64 in both alphabets.
func decodings(t string) []string {
	var out []string
	if d, err := hex.DecodeString(t[:len(t)&^1]); err == nil {
		out = append(out, string(d))
	}
	u := strings.NewReplacer("-", "+", "_", "/").Replace(t)
	for off := 0; off < 4 && off < len(u); off++ {
		s := u[off:]
		if d, err := base64.RawStdEncoding.DecodeString(s[:len(s)&^3]); err == nil {
			out = append(out, string(d))
		}
	}
	return out
}

// bcd is the digits as ISUP writes them: low nibble first, a filler at an odd end.
func bcd(digits string) string {
	if len(digits)%2 == 1 {
		digits += "0"
	}
	var b []byte
	for i := 0; i < len(digits); i += 2 {
		b = append(b, digits[i]-'0'|(digits[i+1]-'0')<<4)
	}
	return string(b)
}

// The oracle must be able to fail: every way of hiding it is meant to see through.
func TestOracleFindsPlantedLeaks(t *testing.T) {
	l := line{"31205550101", []string{"127.0.2.11", "Jansen"}}
	for name, text := range map[string]string{
		"plain":           "X: +31205550101",
		"national":        "X: 0205550101",
		"subscriber part": "X: 5550101",
		"separators":      "X: (020) 555-01 01",
		"percent":         "X: %30205550101",
		"host":            "Via: SIP/2.0/UDP 127.0.2.11",
		"name, any case":  "Subject: JANSEN",
		"hex":             "User-to-User: 30323035353530313031",
		"base64":          "X: " + base64.StdEncoding.EncodeToString([]byte(`{"tn":"31205550101"}`)),
		"base64url":       "X: aa." + base64.RawURLEncoding.EncodeToString([]byte(`{"orig":{"tn":"31205550101"}}`)),
		"BCD":             "X\r\n\r\n" + string([]byte{0x02, 0x55, 0x05, 0x01, 0x01}),
	} {
		if l.leak(text) == "" {
			t.Errorf("%s: not found", name)
		}
	}
	for name, text := range map[string]string{
		"callee":        "To: <sip:+31705550199@x>",
		"media address": "X\r\n\r\nc=IN IP4 127.0.2.11\r\nm=audio 4000 RTP/AVP 8",
	} {
		if w := l.leak(text); w != "" {
			t.Errorf("%s: false find %q", name, w)
		}
	}
}
