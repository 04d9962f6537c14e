package oracle

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"clirgate/loadtest/wire"
)

// clean is a withheld call as the called side may see it.
const clean = "INVITE sip:+31720000017@127.0.0.1:5170 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKqwertyuiop\r\n" +
	"Max-Forwards: 69\r\n" +
	"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=kjhgf\r\n" +
	"To: <sip:+31720000017@carrier.example>\r\n" +
	"Call-ID: asdfghjklqwertyuiop\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Contact: <sip:mnbvcxzlkjhgfdsapoiuytrewq@127.0.0.1:5060>\r\n" +
	"Privacy: id\r\n" +
	"PLANT" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 10\r\n\r\nv=0\r\nBODY"

func mustLine(t testing.TB) *Line {
	l, err := NewLine("+31612340017")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func message(t testing.TB, text string) *wire.Message {
	t.Helper()
	m := new(wire.Message)
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return m
}

func plant(header, body string) string {
	return strings.NewReplacer("PLANT", header, "BODY", body).Replace(clean)
}

// has tells whether the tally holds a finding of that kind and vector.
func has(t *Tally, k Kind, vector string) bool {
	for _, c := range t.Counts() {
		if c.Kind == k && c.Vector == vector {
			return true
		}
	}
	return false
}

func TestCleanMessageHasNoFinding(t *testing.T) {
	var tally Tally
	j := Judge{Tally: &tally, Addresses: [][]byte{[]byte("127.0.0.1:5180")}, Prefix: "61234"}
	j.Called(message(t, plant("", "c=IN IP4 127.0.0.1\r\n")), Withheld, mustLine(t), true)
	j.Called(message(t, plant("", "")), Withheld, nil, true)
	if c := tally.Counts(); len(c) > 0 {
		t.Fatalf("findings in a clean message: %v", c)
	}
}

// TestEverySpellingIsFound plants each spelling of the caller in a header and in the body.
func TestEverySpellingIsFound(t *testing.T) {
	spellings := map[string]string{
		"E.164":           "+31612340017",
		"00":              "0031612340017",
		"national":        "0612340017",
		"significant":     "612340017",
		"dashes":          "06-12 34.00/17",
		"parentheses":     "(06)12340017",
		"escaped":         "%36%31234001%37",
		"escaped letters": "%7aw%61luwnest",
		"hex":             hex.EncodeToString([]byte("0612340017")),
		"HEX of name":     strings.ToUpper(hex.EncodeToString([]byte("Zwaluwnest"))),
		"base64":          base64.StdEncoding.EncodeToString([]byte(`{"orig":{"tn":"31612340017"}}`)),
		"base64 shifted":  "x" + base64.URLEncoding.EncodeToString([]byte("a31612340017!?")),
		"base64 name":     base64.RawURLEncoding.EncodeToString([]byte("pc.zwaluwnest.invalid")),
		"BCD":             string(bcd("612340017")),
		"BCD hex":         hex.EncodeToString(bcd("612340017")),
		"name":            "Jan Zwaluwnest",
		"host":            "pc7.zwaluwnest.invalid",
		"NAME":            "ZWALUWNEST BV",
		"address":         "127.0.0.1:5180",
	}
	for name, spelling := range spellings {
		for vector, text := range map[string]string{
			"X-Plant": plant("X-Plant: a"+spelling+"b\r\n", ""),
			"body":    plant("", "s="+spelling+"\r\n"),
		} {
			var tally Tally
			j := Judge{Tally: &tally, Addresses: [][]byte{[]byte("127.0.0.1:5180")}}
			j.Called(message(t, text), Withheld, mustLine(t), true)
			if !has(&tally, Leak, vector) {
				t.Errorf("%s in %s is not found: %v", name, vector, tally.Counts())
			}
		}
	}
}

// TestEveryVectorIsFound puts something of the caller where it does not belong.
func TestEveryVectorIsFound(t *testing.T) {
	for _, c := range []struct {
		old, new string
		kind     Kind
		vector   string
	}{
		{"INVITE sip:+31720000017", "INVITE sip:+31720000017;phone-context=+31612340017", Leak, "Request-URI"},
		{"z9hG4bKqwertyuiop", "z9hG4bKzwaluwnest", Leak, "Via"},
		{"tag=kjhgf", "tag=zwaluwnestabc", Leak, "From"},
		{"sip:anonymous@anonymous.invalid", "sip:+31612340017@anonymous.invalid", Leak, "From"},
		{"sip:anonymous@anonymous.invalid", "sip:unknown@anonymous.invalid", Form, "From"},
		{`"Anonymous" <`, `"Jan Jansen" <`, Form, "From"},
		{";tag=kjhgf", "", Form, "From"},
		{"asdfghjklqwertyuiop", "zwaluwnest-a@b", Leak, "Call-ID"},
		{"sip:mnbvcxzlkjhgfdsapoiuytrewq@127.0.0.1:5060", "sip:x@127.0.0.1:5180", Leak, "Contact"},
		{"Privacy: id\r\n", "", Form, "Privacy"},
		{"PLANT", "Via: SIP/2.0/UDP 127.0.0.9\r\n", Form, "Via"},
		{"PLANT", "P-Asserted-Identity: <sip:somebody@example.com>\r\n", Leak, "P-Asserted-Identity"},
		{"PLANT", "p-preferred-identity: <sip:somebody@example.com>\r\n", Leak, "P-Preferred-Identity"},
		{"PLANT", "s: anything\r\n", Leak, "Subject"},
		{"PLANT", "User-Agent: phone\r\n", Leak, "User-Agent"},
		{"PLANT", "y: abc\r\n", Leak, "Identity"},
		{"PLANT", "Geolocation: <cid:a@b>\r\n", Leak, "Geolocation"},
		{"PLANT", "P-Charging-Function-Addresses: ccf=a\r\n", Leak, "P-Charging-Function-Addresses"},
		{"PLANT", "Diversion: <sip:a@b>\r\n", Leak, "Diversion"},
		{"PLANT", "Folded: x\r\n 06 1234\r\n\t0017\r\n", Leak, "Folded"},
	} {
		var tally Tally
		j := Judge{Tally: &tally, Addresses: [][]byte{[]byte("127.0.0.1:5180")}}
		text := strings.Replace(strings.Replace(clean, c.old, c.new, 1), "PLANT", "", 1)
		j.Called(message(t, text), Withheld, mustLine(t), true)
		if !has(&tally, c.kind, c.vector) {
			t.Errorf("%q for %q: no %v in %s, only %v", c.new, c.old, c.kind, c.vector, tally.Counts())
		}
	}
}

func TestCallerUnknownIsFoundByRange(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"+31612345555", true}, {"0031 6 1234 5555", true}, {"0612345555", true}, {"612345555", true},
		{"99612345555", false}, {"6123455551", false}, {"+31201234567", false},
	} {
		var tally Tally
		j := Judge{Tally: &tally, Prefix: "61234"}
		j.Called(message(t, plant("X-Plant: "+c.text+"\r\n", "")), Withheld, nil, true)
		if has(&tally, Leak, "X-Plant") != c.want {
			t.Errorf("%s: found %v, want %v", c.text, !c.want, c.want)
		}
	}
}

const shown = "INVITE sip:112@127.0.0.1:5190 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKq\r\n" +
	"From: \"Jan\" <sip:+31612340017@carrier.example>;tag=a\r\nTo: <sip:112@carrier.example>\r\n" +
	"P-Asserted-Identity: <sip:+31612340017@carrier.example>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n"

func TestMissingIdentityIsFound(t *testing.T) {
	for _, c := range []struct {
		class    Class
		old, new string
		vector   string
	}{
		{Emergency, "", "", ""},
		{Shown, "", "", ""},
		{Emergency, "From: \"Jan\" <sip:+31612340017@carrier.example>", `From: "Anonymous" <sip:anonymous@anonymous.invalid>`, "From"},
		{Shown, "From: \"Jan\" <sip:+31612340017@carrier.example>", `From: "Anonymous" <sip:anonymous@anonymous.invalid>`, "From"},
		{Shown, "From: \"Jan\" <sip:+31612340017@", "From: \"Jan\" <sip:+31612340018@", "From"},
		{Emergency, "P-Asserted-Identity: <sip:+31612340017@carrier.example>\r\n", "", "P-Asserted-Identity"},
		{Shown, "P-Asserted-Identity: <sip:+31612340017@carrier.example>\r\n", "", "P-Asserted-Identity"},
		{Emergency, "CSeq", "Privacy: none\r\nCSeq", "Privacy"},
		{Shown, "CSeq", "Privacy: session;id\r\nCSeq", "Privacy"},
	} {
		var tally Tally
		j := Judge{Tally: &tally, WantPAI: true}
		j.Called(message(t, strings.Replace(shown, c.old, c.new, 1)), c.class, mustLine(t), true)
		if c.vector == "" && len(tally.Counts()) > 0 || c.vector != "" && !has(&tally, Missing, c.vector) {
			t.Errorf("%v with %q for %q: %v", c.class, c.new, c.old, tally.Counts())
		}
	}
}

func TestTrustedSideGetsAssertedIdentityAndNothingElse(t *testing.T) {
	asserted := "P-Asserted-Identity: <sip:+31612340017@carrier.example>\r\n"
	for _, c := range []struct {
		plant, vector string
		kind          Kind
	}{
		{asserted, "", Leak},
		{"", "P-Asserted-Identity", Missing},
		{asserted + "X-Also: 0612340017\r\n", "X-Also", Leak},
		{asserted + "Subject: hi\r\n", "Subject", Leak},
	} {
		var tally Tally
		j := Judge{Tally: &tally, Trusted: true}
		j.Called(message(t, plant(c.plant, "")), Withheld, mustLine(t), true)
		if c.vector == "" && len(tally.Counts()) > 0 || c.vector != "" && !has(&tally, c.kind, c.vector) {
			t.Errorf("%q: %v", c.plant, tally.Counts())
		}
	}
}

func TestUnsureIsSettledByTheFirstRequest(t *testing.T) {
	var tally Tally
	j := Judge{Tally: &tally}
	if got := j.Called(message(t, plant("", "")), Unsure, mustLine(t), true); got != Withheld {
		t.Errorf("an anonymous From settles %v", got)
	}
	if got := j.Called(message(t, shown), Unsure, mustLine(t), true); got != Shown {
		t.Errorf("a From with a number settles %v", got)
	}
	if c := tally.Counts(); len(c) > 0 {
		t.Error(c)
	}
}

func TestUnrestoredDialogIsFound(t *testing.T) {
	sent := Sent{From: []byte(`"Jan Zwaluwnest" <sip:+31612340017@carrier.example>;tag=zwaluwnesta`), To: []byte("<sip:*31*0720000017@carrier.example>"),
		CallID: []byte("zwaluwnest-a"), Contact: []byte("sip:zwaluwnest@127.0.0.1:5180"), Branch: []byte("z9hG4bKzwaluwnest1"), SentBy: []byte("127.0.0.1:5180")}
	response := "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5180;branch=z9hG4bKzwaluwnest1;received=127.0.0.1\r\n" +
		"From: \"Jan Zwaluwnest\" <sip:+31612340017@carrier.example>;tag=zwaluwnesta\r\nTo: <sip:*31*0720000017@carrier.example>;tag=b\r\n" +
		"Call-ID: zwaluwnest-a\r\nCSeq: 1 INVITE\r\n\r\n"
	request := "BYE sip:zwaluwnest@127.0.0.1:5180 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKq\r\n" +
		"To: \"Jan Zwaluwnest\" <sip:+31612340017@carrier.example>;tag=zwaluwnesta\r\nFrom: <sip:*31*0720000017@carrier.example>;tag=b\r\n" +
		"Call-ID: zwaluwnest-a\r\nCSeq: 1 BYE\r\n\r\n"
	for _, c := range []struct{ text, old, new, vector string }{
		{response, "", "", ""},
		{request, "", "", ""},
		{response, "Call-ID: zwaluwnest-a", "Call-ID: b", "Call-ID"},
		{response, "From: \"Jan", "From: \"Joe", "From"},
		{response, "tag=zwaluwnesta", "tag=c", "From"},
		{response, "*31*0720000017", "+31720000017", "To"},
		{response, "branch=z9hG4bKzwaluwnest1", "branch=z9hG4bKzwaluwnest2", "Via"},
		{response, "Via: ", "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKq\r\nVia: ", "Via"},
		{request, "BYE sip:zwaluwnest@", "BYE sip:other@", "Request-URI"},
		{request, "To: \"Jan Zwaluwnest\" <sip:+31612340017@carrier.example>", `To: "Anonymous" <sip:anonymous@anonymous.invalid>`, "To"},
		{request, "*31*0720000017", "+31720000017", "From"},
		{request, "CSeq", "Route: <sip:a;lr>\r\nCSeq", "Route"},
	} {
		var tally Tally
		j := Judge{Tally: &tally}
		j.Calling(message(t, strings.Replace(c.text, c.old, c.new, 1)), &sent)
		if c.vector == "" && len(tally.Counts()) > 0 || c.vector != "" && !has(&tally, Restore, c.vector) {
			t.Errorf("%q for %q: %v", c.new, c.old, tally.Counts())
		}
	}
}

func TestJudgingAllocatesNothing(t *testing.T) {
	var tally Tally
	j := Judge{Tally: &tally, Addresses: [][]byte{[]byte("127.0.0.1:5180")}}
	m, line := message(t, plant("X-Esc: a%20b\r\n", "")), mustLine(t)
	if n := testing.AllocsPerRun(100, func() { j.Called(m, Withheld, line, true) }); n > 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func BenchmarkCalled(b *testing.B) {
	var tally Tally
	j := Judge{Tally: &tally, Addresses: [][]byte{[]byte("127.0.0.1:5180")}}
	m, line := message(b, plant("", strings.Repeat("a=rtpmap:0 PCMU/8000\r\n", 15))), mustLine(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(m.Raw)))
	for b.Loop() {
		j.Called(m, Withheld, line, true)
	}
}
