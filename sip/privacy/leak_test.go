package privacy

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clirgate/numbering"
)

func dutchPlan(t testing.TB) *numbering.Plan {
	t.Helper()
	p, err := numbering.NewPlan("NL", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func needles(t testing.TB, numbers ...string) *Needles {
	t.Helper()
	var list []numbering.Number
	for _, digits := range numbers {
		list = append(list, number(digits))
	}
	n := new(Needles)
	n.Set(dutchPlan(t), list...)
	return n
}

func TestFind(t *testing.T) {
	n := needles(t, "31205550101")
	b64, b64url := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	f := func(text, vector string) {
		t.Helper()
		leak, ok := n.Find([]byte(text))
		if ok != (vector != "") || leak.Vector != vector {
			t.Errorf("%q: %+v %v, want %q", text, leak, ok, vector)
		}
		if ok && (leak.Off < 0 || leak.Off >= leak.End || leak.End > len(text)) {
			t.Errorf("%q: %+v is outside", text, leak)
		}
	}
	// spellings
	f("205550101", VectorDigits)
	f("0205550101", VectorDigits)
	f("31205550101", VectorDigits)
	f("+31205550101", VectorDigits)
	f("0031205550101", VectorDigits)
	f("01131205550101", VectorDigits)
	f("310205550101", VectorDigits)
	f("00310205550101", VectorDigits)
	f("sip:+31205550101@gw.example.net", VectorDigits)
	f("*31*0205550101", VectorDigits)
	f("tag=0205550101-7", VectorDigits)
	f("z9hG4bK0205550101", VectorDigits)
	f("x205550101y", VectorDigits)
	f("terugbellen 020-555 01 01", VectorDigits)
	f("+31 (0)20 555 0101", VectorDigits)
	f("+31 (0) 20 - 555.01.01", VectorDigits)
	f("020/5550101", VectorDigits)
	f("2-0-5-5-5-0-1-0-1", VectorDigits)
	f("+31\r\n 205550101", VectorDigits)
	f("02055\r\n\t50101", VectorDigits)
	f("4000 0205550101", VectorDigits)
	// boundaries and neighbours
	f("", "")
	f("2055501011", "")
	f("12055501010", "")
	f("1205550101", "")
	f("32205550101", "")
	f("131205550101", "")
	f("00030205550101", "")
	f("5550101", "")
	f("20555010", "")
	f("205550102", "")
	f("31705550199", "")
	f("20555\r\n0101", "")
	f("20555-----0101", "")
	f("20555a0101", "")
	f("20555,0101", "")
	f(strings.Repeat("2055501010", 40), "")
	// %HH
	f("sip:%2B31205550101@x", VectorDigits) // plain behind the B
	f("sip:%2b%33%31205550101@x", VectorDigits)
	f("%3205550101", VectorEscaped)
	f("%32%30%35%35%35%30%31%30%31", VectorEscaped)
	f("%32055501%30%31", VectorEscaped)
	f("020%20555%2001%2D01", VectorEscaped)
	f("%2031205550101", VectorEscaped)
	f("sip:2055501%301", VectorEscaped)
	f("sip:2055501%3012", "")
	f("sip:%31%32055501%301", "")
	f("100% 0205550101", VectorDigits)
	f("%", "")
	f("%3", "")
	f(strings.Repeat("%41", 400)+"%3205550%31%301"+strings.Repeat("%41", 400), VectorEscaped)
	f(strings.Repeat("a%41", 500)+strings.Repeat("b", 2000)+"020%2d5550101", VectorEscaped)
	// hex
	f("User-to-User: 30323035353530313031;encoding=hex", VectorHex)
	f("323035353530313031", VectorHex)
	f("2b3331323035353530313031", VectorHex)
	f("2B3331 30323035353530313031", VectorHex)
	f("ff30323035353530313031ff", VectorHex)
	f("f30323035353530313031ff", VectorHex)
	f("3032302d3535352030312e3031", VectorHex)
	f("3932303535353031303130", "")
	f("3130323035353530313031", "")
	f("32303535353031303130", "")
	f(strings.Repeat("ab", 700)+"30323035353530313031"+strings.Repeat("cd", 700), VectorHex)
	// base64
	payload := `{"attest":"A","dest":{"tn":["31705550199"]},"iat":1763890000,"orig":{"tn":"31205550101"}}`
	f("eyJ.", "")
	f("Identity: eyJhbGciOiJFUzI1NiJ9."+b64url([]byte(payload))+".AAAA;info=<x>", VectorBase64)
	for pad := range 7 {
		f(" "+b64([]byte(strings.Repeat("x", pad)+"0205550101"+strings.Repeat("y", 6-pad)))+" ", VectorBase64)
		f(" "+b64url([]byte(strings.Repeat("?", pad)+"+31 (0)20-555.0101???")), VectorBase64)
		f("xyz/"[:pad%4]+b64([]byte("0205550101 ...")), VectorBase64)
		f(b64([]byte(strings.Repeat("9", pad+1)+"205550101xxxxxx")), "")
	}
	for at := 340; at < 700; at++ {
		f(b64([]byte(strings.Repeat("n", at)+"0205550101"+strings.Repeat("n", 900-at))), VectorBase64)
		f(b64([]byte(strings.Repeat("n", at)+"12055501010"+strings.Repeat("n", 900-at))), "")
		f(b64([]byte(strings.Repeat("n", at)+"2055501010"+strings.Repeat("n", 900-at))), "")
	}
	f("MjA1NTUwMTAx", "") // 12 characters: no token
	f("MjA1NTUwMTAxLi4u", VectorBase64)
	// BCD
	f("\x0a\x07\x83\x17\x02\x55\x05\x01\x01", VectorBCD)     // Q.763, national
	f("\x0a\x08\x84\x13\x13\x02\x55\x05\x01\x01", VectorBCD) // international
	f("\x0a\x07\x03\x17\x20\x50\x55\x10\x10", VectorBCD)     // behind a trunk prefix
	f("\x20\x55\x50\x10\x10", VectorBCD)                     // high nibble first
	f("\x01\x02\x05\x55\x01\x01", VectorBCD)                 // the same, in the middle of an octet
	f("\x0a\x07\x83\x17\x02\x55\x05\x01\x02", "")            // another number
	f("\x0a\x07\x83\x17\x02\x55\x05\x01", "")                // eight digits
	f("\x02\x55\x05\x01", "")
	// media addresses
	f("m=audio 4000 RTP/AVP 8\r\nc=IN IP4 20.55.50.101\r\n", "")
	f("c=IN IP4 20.55.50.101", "")
	f("x\nc=IN IP4 20.55.50.101\n", "")
	f("a=rtcp:205550101 IN IP4 20.55.50.101\r\n", "")
	f("a=candidate:1 1 UDP 205550101 20.55.50.101 4000 typ host\r\n", "")
	f("c=IN IP4 20.55.50.101\r\nb=205550101\r\n", VectorDigits)
	f("o=- 1 1 IN IP4 20.55.50.101\r\n", VectorDigits)
	f("\r\nxc=IN IP4 20.55.50.101\r\n", VectorDigits)
	f("c="+strings.Repeat(" ", 600)+"205550101", VectorDigits)
	f(b64([]byte("c=0205550101......")), VectorBase64)
}

func TestFindOfOtherNumbers(t *testing.T) {
	f := func(digits, text string, want bool) {
		t.Helper()
		if _, ok := needles(t, digits).Find([]byte(text)); ok != want {
			t.Errorf("%s in %q: %v", digits, text, ok)
		}
	}
	// Eight national digits: only with what makes it nine.
	f("3221234567", "021234567", true)
	f("3221234567", "+32 2 123 45 67", true)
	f("3221234567", "21234567", false)
	f("12125550123", "1-212-555-0123", true)
	f("12125550123", "(212) 555-0123", true)
	f("79161234567", "8 916 123-45-67", true)
	f("3612345678", "06 1 234 5678", true)
	f("491701234567890", "0170 1234567890", true)
	f("491701234567890", "00491701234567890", true)
	f("31205550101", "31205550101", true)
}

func TestSet(t *testing.T) {
	n := new(Needles)
	short := numbering.New(numbering.Short, []byte("1850"))
	n.Set(dutchPlan(t), 0, short)
	if !n.Empty() {
		t.Error("nothing and short numbers are looked for")
	}
	if _, ok := n.Find([]byte("1850 000000000")); ok {
		t.Error("nothing is found")
	}
	n.Set(dutchPlan(t), number("31205550101"), number("31205550101"))
	if n.count != 1 {
		t.Errorf("%d needles", n.count)
	}
	var many []numbering.Number
	for i := range 12 {
		many = append(many, number(fmt.Sprintf("3120555%04d", i)))
	}
	n.Set(dutchPlan(t), many...)
	for i := range maxNeedles {
		for _, format := range []string{"020555%04d", "%%3020555%04d", "\n+3120555%04d"} {
			if text := fmt.Sprintf(format, i); !found(n, text) {
				t.Errorf("number %d is not found in %q", i, text)
			}
		}
	}
	if found(n, fmt.Sprintf("020555%04d", maxNeedles)) {
		t.Error("more are kept than there is room for")
	}
	n.Set(nil, number("31205550101"))
	if _, ok := n.Find([]byte("+31-20-5550101")); !ok {
		t.Error("not found without a plan")
	}
}

func found(n *Needles, text string) bool {
	_, ok := n.Find([]byte(text))
	return ok
}

// naiveFind is the definition of plain and %HH spellings, slow and simple: at every place
// where no digit stands in front, read digits with gaps and compare.
func naiveFind(b []byte, national, code string) bool {
	var chars []byte
	for i := 0; i < len(b); i++ {
		c := b[i]
		if v, err := hex.DecodeString(string(b[min(i+1, len(b)):min(i+3, len(b))])); c == '%' && err == nil && len(v) == 1 {
			c = v[0]
			i += 2
		}
		chars = append(chars, c)
	}
	return naivePlain(chars, national, code) || naivePlain(b, national, code)
}

func naivePlain(b []byte, national, code string) bool {
	for _, front := range []string{"", "0", code, code + "0", "00" + code, "00" + code + "0", "011" + code} {
		for i := range b {
			if i > 0 && isDigit(b[i-1]) {
				continue
			}
			if end, ok := naiveMatch(b, i, front+national); ok && (end == len(b) || !isDigit(b[end])) && !naiveMedia(b, i) {
				return true
			}
		}
	}
	return false
}

func naiveMatch(b []byte, i int, digits string) (end int, ok bool) {
	for k := range len(digits) {
		if k > 0 {
			for gap := 0; gap < maxGap && i < len(b) && strings.IndexByte(separators, b[i]) >= 0; gap++ {
				if b[i] == '\n' && (i+1 == len(b) || b[i+1] != ' ' && b[i+1] != '\t') {
					return 0, false
				}
				i++
			}
		}
		if i >= len(b) || b[i] != digits[k] {
			return 0, false
		}
		i++
	}
	return i, true
}

func naiveMedia(b []byte, off int) bool {
	line := b[bytes.LastIndexByte(b[:off], '\n')+1:]
	for _, p := range []string{"c=", "m=", "a=rtcp:", "a=candidate:"} {
		if bytes.HasPrefix(line, []byte(p)) {
			return true
		}
	}
	return false
}

// Text made of what spellings are made of, so that near misses are many.
func TestFindAgainstTheDefinition(t *testing.T) {
	n := needles(t, "31205550101")
	part := rapid.SampledFrom([]string{"205550101", "20555", "0101", "0", "31", "00", "+31", "(0)", "1", "2", "%32", "%30", "%20",
		"%2D", "%", " ", "-", ".", "\r\n", "\r\n ", "\n", "x", "c=", "555", "01", "9", "\t"})
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOfN(part, 0, 14).Draw(t, "parts"), ""))
		leak, got := n.Find(text)
		if want := naiveFind(text, "205550101", "31"); got != want {
			t.Fatalf("%q: %+v %v, want %v", text, leak, got, want)
		}
	})
}

// The number in any spelling at any place of a message is found.
func TestFindPlanted(t *testing.T) {
	n := needles(t, "31205550101")
	noise := rapid.StringMatching(`[ -~]{0,300}`)
	rapid.Check(t, func(t *rapid.T) {
		front := rapid.SampledFrom([]string{"", "0", "31", "+31", "0031", "+310"}).Draw(t, "front")
		gap := rapid.SampledFrom([]string{"", "-", " ", ".", "/", "(", ") ", " - "})
		var plain strings.Builder
		for i, c := range front + "205550101" {
			if i > 0 && c != '+' {
				plain.WriteString(gap.Draw(t, "gap"))
			}
			plain.WriteRune(c)
		}
		number := plain.String()
		switch rapid.IntRange(0, 4).Draw(t, "vector") {
		case 1:
			var b strings.Builder
			for _, c := range []byte(number) {
				if rapid.Bool().Draw(t, "escape") {
					fmt.Fprintf(&b, "%%%02x", c)
				} else {
					b.WriteByte(c)
				}
			}
			number = b.String()
		case 2:
			number = "g" + hex.EncodeToString([]byte("x"+number+"x")) + "g"
		case 3:
			lead := strings.Repeat("x", rapid.IntRange(0, 5).Draw(t, "lead"))
			number = "=" + base64.RawURLEncoding.EncodeToString([]byte(lead+"x"+number+"xyzxyz")) + "="
		case 4:
			number = "\x0a\x07\x83\x17\x02\x55\x05\x01\x01\x00"
		}
		text := noise.Draw(t, "before") + "|" + number + "|" + noise.Draw(t, "behind")
		if _, ok := n.Find([]byte(text)); !ok {
			t.Fatalf("not found in %q", text)
		}
	})
}

// What the gateway makes itself never looks like a number, whatever the number.
func TestFindNeverHitsOwnIdentifiers(t *testing.T) {
	k := MemoryKeys(maxCall, epoch)
	plan := dutchPlan(t)
	rapid.Check(t, func(t *rapid.T) {
		var n Needles
		n.Set(plan, number(rapid.StringMatching(`31[1-9][0-9]{8}`).Draw(t, "n0")), number(rapid.StringMatching(`[1-9][0-9]{9,14}`).Draw(t, "n1")))
		d := drawDialog(t)
		text := k.Seal([]byte("Contact: <sip:"), d)
		text = k.MapID(append(text, "\r\nCall-ID: "...), d, rapid.SliceOf(rapid.Byte()).Draw(t, "id"))
		if leak, ok := n.Find(text); ok {
			t.Fatalf("%+v in %q", leak, text)
		}
	})
}

func TestFindDoesNotAllocate(t *testing.T) {
	plan, list := dutchPlan(t), []numbering.Number{number("31205550101"), number("31205550102"), number("4930123456789")}
	var n Needles
	message := append(bytes.Repeat([]byte(sampleMessage), 3), "\x01%41%42"...)
	if allocs := testing.AllocsPerRun(100, func() {
		n.Set(plan, list...)
		if _, ok := n.Find(message); ok {
			t.Fatal("hit")
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// A hostile message takes no longer than its length asks for: this ends at once, or never.
func TestFindIsLinear(t *testing.T) {
	n := needles(t, "31205550101", "31205550102", "31205550103")
	for _, unit := range []string{"205550101-", "2055501010", "3230", "PPPP", "205550101 ", "%32", "\x02\x55\x05\x01", "32303535353031303130", "c=205550101 ", "MjA1NTUwMTAx"} {
		n.Find(bytes.Repeat([]byte(unit), 65535/len(unit)))
		n.Find(append([]byte("\nc="), bytes.Repeat([]byte(unit), 65535/len(unit))...))
	}
}

func FuzzFind(f *testing.F) {
	n := needles(f, "31205550101")
	for _, text := range []string{"", "+31 (0)20-555 01 01", "%3205550101", "30323035353530313031", "MjA1NTUwMTAxLi4u", "\x0a\x07\x83\x17\x02\x55\x05\x01\x01", "c=205550101\r\n0205550101"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		leak, got := n.Find(text)
		plain := got && (leak.Vector == VectorDigits || leak.Vector == VectorEscaped)
		if want := naiveFind(text, "205550101", "31"); want != plain && !(got && !plain) {
			if !(want && bytes.Contains(text, []byte("="))) { // media lines longer than the bound
				t.Errorf("%q: %+v %v, want %v", text, leak, got, want)
			}
		}
		if got && (leak.Off < 0 || leak.Off >= leak.End || leak.End > len(text)) {
			t.Errorf("%q: %+v is outside", text, leak)
		}
	})
}

// sampleMessage is a withheld INVITE as it leaves, without the caller's number.
const sampleMessage = "INVITE sip:+31705550199@203.0.113.50 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 198.51.100.2:5060;branch=z9hG4bKhdAbcxzqpoeirjfBCkdaalemnnFqq\r\n" +
	"Record-Route: <sip:aBsdkfjhweruFDCEEkjhsdlfkjhqpwoeiruzmxncbvAABcdhfjkgqpwozmx@198.51.100.2;lr>\r\n" +
	"Max-Forwards: 69\r\n" +
	"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=icqwertzuiopasdfghjklmnbvcxyAFEDCqwerasdf\r\n" +
	"To: <sip:+31705550199@gw.example.net>\r\n" +
	"Call-ID: icqpwoeirutzalskdjfhgmznxbcvFEDCBAqpwoeirutzalskdjfhg\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Contact: <sip:abqpwoeirutzalskdjfhgmznxbcvFEDCBAqpwoeirutzalskdjfhgmznxbcvFEDCBAqpwoeirutz@198.51.100.2:5060>\r\n" +
	"Privacy: id\r\n" +
	"Supported: 100rel, timer\r\n" +
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 233\r\n\r\n" +
	"v=0\r\no=- 42873311 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\n" +
	"m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
