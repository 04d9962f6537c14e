package privacy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
)

// columns by the names of the document.
var columns = map[string]column{"TN": colTN, "TW": colTW, "UN": colUN, "UW": colUW, "E": colE}

// onWire writes a test's lines as they are on the wire.
func onWire(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// bodyTransit is a message of A, +31205550101, with that body.
func bodyTransit(t testing.TB, method, headers, body string) *Transit {
	t.Helper()
	text := method + " sip:+31705550199@gw.example.net SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n" +
		"From: <sip:+31205550101@gw.example.net>;tag=a1\r\nTo: <sip:+31705550199@gw.example.net>\r\n" +
		"Call-ID: c1@pc11.lan\r\nCSeq: 1 " + method + "\r\n" + headers +
		fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
	return transitOf(t, text)
}

func transitOf(t testing.TB, text string) *Transit {
	t.Helper()
	m := new(message.Message)
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	d := bornAt(epoch, 1)
	d.CallerNumbers = [2]numbering.Number{number("31205550101")}
	return &Transit{M: m, Dialog: d, Sender: Caller, Initial: true, Network: number("31205550101"),
		Next: Hop{Contact: "198.51.100.2:5060"}, Domain: "gw.example.net", Plan: dutchPlan(t), Keys: bodyKeys, Now: epoch}
}

var bodyKeys = MemoryKeys(maxCall, epoch)

// plannedBody is the message after planBody.
func plannedBody(t testing.TB, tr *Transit, col column) (*message.Message, error) {
	t.Helper()
	var e message.Edits
	e.Reset(tr.M)
	if err := planBody(&e, tr, col); err != nil {
		return nil, err
	}
	out, err := e.Apply(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := new(message.Message)
	if err := m.Parse(out); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	if n, _ := m.ContentLength(); n != m.Body().Len() {
		t.Fatalf("Content-Length %d, body %d", n, m.Body().Len())
	}
	return m, nil
}

func bodyOfMessage(m *message.Message) string { return string(m.Get(m.Body())) }

// An offer that cannot be read stops the call, also among parts that could go on.
func TestUnreadableOffer(t *testing.T) {
	body := "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w\r\n--b\r\n\r\nhallo\r\n--b--\r\n"
	tr := bodyTransit(t, "INVITE", "Content-Type: multipart/mixed;boundary=b\r\n", body)
	if _, err := plannedBody(t, tr, colUW); err != ErrUnsupportedBody {
		t.Errorf("withheld: %v", err)
	}
	for _, col := range []column{colTN, colUN, colE} {
		if m, err := plannedBody(t, tr, col); err != nil || bodyOfMessage(m) != body {
			t.Errorf("column %d: %v", col, err)
		}
	}
}

// One line a media type: what each column makes of it. k kept byte by byte, x changed,
// r removed.
func TestBodyTable(t *testing.T) {
	sdp := onWire("v=0\no=jan 1 1 IN IP4 192.0.2.11\ns=-\nt=0 0\n")
	isup := string(tv29ISUP)
	f := func(ctype, body, tn, tw, un, uw, e string) {
		t.Helper()
		for i, want := range []string{tn, tw, un, uw, e} {
			col := column(i)
			m, err := plannedBody(t, bodyTransit(t, "NOTIFY", "Content-Type: "+ctype+"\r\n", body), col)
			if err != nil {
				t.Fatalf("%s, column %d: %v", ctype, col, err)
			}
			got := "x"
			switch {
			case m.Body().Empty():
				got = "r"
			case bodyOfMessage(m) == body:
				got = "k"
			}
			if got != want {
				t.Errorf("%s, column %d: %s, want %s: %q", ctype, col, got, want, bodyOfMessage(m))
			}
			if m.Has(message.HContentType) != (got != "r") {
				t.Errorf("%s, column %d: Content-Type %q", ctype, col, m.Value(message.HContentType))
			}
		}
	}
	//                                                   TN   TW   UN   UW   E
	f("application/sdp", sdp, "k", "x", "k", "x", "k")
	f("APPLICATION/SDP;charset=utf-8", sdp, "k", "x", "k", "x", "k")
	f("application/isup;version=itu-t92+", isup, "k", "k", "r", "r", "x")
	f("application/isup;version=itu-t92+", strings.Replace(isup, "\x83\x17", "\x83\x13", 1), "k", "x", "r", "r", "k")
	f("application/isup;version=itu-t92+", isup[:20], "k", "r", "r", "r", "k")
	f("application/isup;base=ansi88", isup, "k", "r", "r", "r", "k")
	f("application/qsig", "x", "k", "r", "r", "r", "k")
	f("application/pidf+xml", "<x/>", "k", "r", "k", "r", "k")
	f("application/EmergencyCallData.ProviderInfo+xml", "<x/>", "k", "r", "r", "r", "k")
	f("application/vnd.etsi.mcid+xml", "<x/>", "k", "k", "r", "r", "k")
	f("application/vnd.etsi.pstn+xml", "<x/>", "k", "k", "r", "r", "k")
	f("application/vnd.etsi.aoc+xml", "<x/>", "k", "k", "r", "r", "k")
	f("application/vnd.etsi.cug+xml", "<x/>", "k", "r", "r", "r", "k")
	f("application/vnd.3gpp.ussd+xml", "<x/>", "k", "r", "r", "r", "k")
	f("message/sipfrag;version=2.0", "SIP/2.0 486 Jan is in een vergadering\r\nFrom: <sip:jan@x>\r\n", "k", "x", "k", "x", "k")
	f("message/sipfrag", "INVITE sip:jan@x SIP/2.0\r\n", "k", "r", "k", "r", "k")
	f("message/sip", "x", "k", "r", "k", "r", "k")
	f("multipart/signed;boundary=b", "--b\r\n\r\nx\r\n--b--\r\n", "k", "r", "k", "r", "k")
	f("multipart/encrypted;boundary=b", "--b\r\n\r\nx\r\n--b--\r\n", "k", "r", "k", "r", "k")
	f("application/pkcs7-mime", "x", "k", "r", "k", "r", "k")
	f("application/dialog-info+xml", "<x/>", "k", "r", "k", "r", "k")
	f("application/reginfo+xml", "<x/>", "k", "r", "k", "r", "k")
	f("application/conference-info+xml", "<x/>", "k", "r", "k", "r", "k")
	f("message/cpim", onWire("From: Jan <sip:jan@x>\n\nContent-Type: text/plain\n\nhallo"), "k", "x", "k", "x", "k")
	f("message/imdn+xml", "<imdn><recipient-uri>tel:+31205550101</recipient-uri></imdn>", "k", "x", "k", "x", "k")
	f("text/plain", "ik ben 0205550101", "k", "k", "k", "k", "k")
	f("text/html;charset=utf-8", "<b>hallo</b>", "k", "k", "k", "k", "k")
	f("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "k", "k", "k", "k", "k")
	f("text/vcard", "BEGIN:VCARD", "k", "r", "k", "r", "k")
	f("application/vcard+xml", "<x/>", "k", "r", "k", "r", "k")
	f("application/resource-lists+xml", "<x/>", "k", "r", "k", "r", "k")
	f("application/x-unknown", "x", "k", "r", "k", "r", "k")
	f("nonsense", "x", "k", "r", "k", "r", "k")
	f("multipart/mixed", "--b\r\n\r\nx\r\n--b--\r\n", "k", "r", "k", "r", "k")
	f("multipart/mixed;boundary=b", "no part", "k", "r", "k", "r", "k")
	f("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/pidf+xml\r\n\r\nx\r\n--b--\r\n", "k", "r", "k", "r", "k")
}

// What a request is for is not taken out of it in silence.
func TestBodyThatIsNeeded(t *testing.T) {
	f := func(method, headers string, want error) {
		t.Helper()
		_, err := plannedBody(t, bodyTransit(t, method, headers, "x"), colUW)
		if err != want {
			t.Errorf("%s %q: %v, want %v", method, headers, err, want)
		}
	}
	const unknown, zipped = "Content-Type: application/x-unknown\r\n", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n"
	f("MESSAGE", unknown, ErrUnsupportedBody)
	f("INFO", unknown, ErrUnsupportedBody)
	f("PUBLISH", unknown, ErrUnsupportedBody)
	f("MESSAGE", "", ErrUnsupportedBody)
	f("MESSAGE", "Content-Type: text/plain\r\n", nil)
	f("MESSAGE", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", ErrUnsupportedBody)
	f("INVITE", unknown, nil)
	f("INVITE", zipped, ErrUnsupportedBody)
	f("INVITE", "Content-Type: multipart/signed;boundary=b\r\n", ErrUnsupportedBody)
	f("UPDATE", "Content-Type: multipart/mixed;boundary=b\r\n", ErrUnsupportedBody) // no part in it
	f("INVITE", "Content-Type: application/pkcs7-mime\r\n", ErrUnsupportedBody)
	f("PRACK", "Content-Type: application/pidf+xml\r\n", nil)
	f("NOTIFY", zipped, nil)
	f("BYE", unknown, nil)
	f("ACK", zipped, nil)
	// An INFO that is nothing but a signal inside the trust domain.
	if _, err := plannedBody(t, bodyTransit(t, "INFO", "Content-Type: application/vnd.etsi.mcid+xml\r\n", "x"), colUN); err != ErrUnsupportedBody {
		t.Errorf("shown caller: %v", err)
	}
	tr := transitOf(t, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"+
		"Call-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Type: x/y\r\nContent-Length: 1\r\n\r\nx")
	if m, err := plannedBody(t, tr, colUW); err != nil || !m.Body().Empty() {
		t.Errorf("response: %v", err)
	}
}

func TestBodyHeadersGoWithIt(t *testing.T) {
	headers := "Content-Type: application/x-unknown;name=\"jan.doc\"\r\nContent-Disposition: render\r\nContent-Encoding: gzip\r\n" +
		"Content-ID: <jan@pc11.lan>\r\nContent-Language: nl\r\nContent-Location: x\r\nContent-Description: Jan\r\nMIME-Version: 1.0\r\n"
	m, err := plannedBody(t, bodyTransit(t, "NOTIFY", headers, "x"), colUW)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(m.Bytes()); strings.Contains(strings.ReplaceAll(s, "Content-Length", ""), "Content-") || strings.Contains(s, "MIME-Version") {
		t.Errorf("%s", s)
	}
}

func TestContentTypeParameters(t *testing.T) {
	f := func(ctype, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "MESSAGE", "Content-Type: "+ctype+"\r\n", "x"), colUW)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(m.Value(message.HContentType)); got != want {
			t.Errorf("%q becomes %q, want %q", ctype, got, want)
		}
	}
	f("text/plain", "text/plain")
	f("text/plain ; charset=utf-8", "text/plain ; charset=utf-8")
	f("text/plain;name=\"jan.txt\"", "text/plain")
	f("text/plain;charset=utf-8;x=0205550101;format=flowed", "text/plain;charset=utf-8;format=flowed")
	f("text/plain;charset=\"0205550101\"", "text/plain")
	f("text/plain\r\nContent-Type: text/0205550101", "text/plain")
}

func TestContentTypeOfNothingGoes(t *testing.T) {
	tr := bodyTransit(t, "INVITE", "Content-Type: application/sdp;x=0205550101\r\n", "")
	for col, stays := range map[column]bool{colTN: true, colTW: false, colUN: true, colUW: false, colE: true} {
		m, err := plannedBody(t, tr, col)
		if err != nil || m.Has(message.HContentType) != stays {
			t.Errorf("column %d: %v, %q", col, err, m.Bytes())
		}
	}
}

const plainSDP = "v=0\no=- 1 1 IN IP4 192.0.2.11\ns=-\nc=IN IP4 192.0.2.11\nt=0 0\nm=audio 4000 RTP/AVP 8\n"

func TestMultipart(t *testing.T) {
	f := func(name, ctype, body string, col column, wantType string, holds, lacks []string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "ACK", "Content-Type: "+ctype+"\r\nContent-Disposition: session;filename=jan\r\n", body), col)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := bodyOfMessage(m)
		if got := string(m.Value(message.HContentType)); !strings.HasPrefix(got, wantType) {
			t.Errorf("%s: Content-Type %q, want %q", name, got, wantType)
		}
		for _, s := range holds {
			if !strings.Contains(text, s) {
				t.Errorf("%s: no %q in %q", name, s, text)
			}
		}
		for _, s := range lacks {
			if strings.Contains(text, s) {
				t.Errorf("%s: %q in %q", name, s, text)
			}
		}
	}
	sdp := "--b\r\nContent-Type: application/sdp\r\nContent-ID: <jan@pc11.lan>\r\nContent-Location: jan\r\n" +
		"Content-Disposition: session;handling=required;filename=\"jan.sdp\"\r\n\r\n" + onWire(plainSDP) + "\r\n"
	text := "--b\r\n\r\nhallo\r\n"
	pidf := "--b\r\nContent-Type: application/pidf+xml\r\n\r\n<jan/>\r\n"
	isup := "--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n" + string(tv29ISUP) + "\r\n"
	end := "--b--\r\n"
	const mixed = "multipart/mixed;boundary=b"

	f("one is left", mixed, "preamble jan\r\n"+sdp+pidf+end+"epilogue", colUW, "application/sdp",
		[]string{"v=0\r\no=- "}, []string{"--", "jan", "preamble", "epilogue", "192.0.2.11 "})
	f("two are left", mixed, sdp+pidf+text+end, colUW, "multipart/mixed;boundary=",
		[]string{"hallo", "handling=required", "\r\nContent-ID: <", "@invalid>\r\n", "Content-Type: application/sdp"}, []string{"--b\r\n", "jan", "pidf"})
	f("quoted boundary", `multipart/mixed; boundary="b"`, sdp+text+end, colTW, "multipart/mixed;boundary=", []string{"hallo"}, []string{"jan"})
	f("ISUP to T", mixed, sdp+isup+end, colTW, "multipart/mixed;boundary=", []string{"\x83\x17\x02\x55\x05\x01\x01"}, []string{"jan"})
	f("ISUP to U on N", mixed, "pre\r\n"+sdp+isup+text+end+"epi", colUN, mixed, []string{"pre\r\n", sdp + text + end, "epi"}, []string{"isup"})
	f("nothing to change", mixed, "pre\r\n"+sdp+text+end+"epi", colUN, mixed, []string{"pre\r\n" + sdp + text + end + "epi"}, nil)
	f("no closing delimiter", mixed, sdp+pidf, colUW, "application/sdp", []string{"t=0 0"}, []string{"--", "jan"})
	f("LF ends", mixed, "--b\nContent-Type: application/sdp\n\n"+plainSDP+"--b--\n", colUW, "application/sdp", []string{"t=0 0\nm="}, []string{"\r", "--"})
	f("folded header", mixed, "--b\r\nContent-Type:\r\n application/sdp\r\n\r\nv=0\r\n--b--", colUW, "application/sdp", []string{"v=0"}, nil)
	f("encoded part", mixed, "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w\r\n"+text+end, colUW, "text/plain", []string{"hallo"}, []string{"dj0w"})
	f("encoded text", mixed, "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGFsbG8=\r\n"+pidf+end, colUW,
		"multipart/mixed;boundary=", []string{"aGFsbG8=", "Content-Transfer-Encoding: base64"}, []string{"jan"})
	nested := "--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n--c\r\nContent-Type: application/pidf+xml\r\n\r\n<jan/>\r\n--c\r\n\r\nhallo\r\n--c--\r\n\r\n"
	f("nested", mixed, sdp+nested+end, colUW, "multipart/mixed;boundary=", []string{"hallo", "Content-Type: application/sdp"}, []string{"jan", "--c", "alternative"})
	f("nested alone", mixed, pidf+nested+end, colUW, "text/plain", []string{"hallo"}, []string{"--"})
}

func TestMultipartUnwrapsTakingItsHeaders(t *testing.T) {
	body := "--b\r\nContent-Type: application/sdp\r\nContent-Disposition: early-session;handling=optional;filename=jan\r\n\r\nv=0\r\n--b--\r\n"
	m, err := plannedBody(t, bodyTransit(t, "INVITE", "Content-Type: multipart/mixed;boundary=b\r\nContent-Disposition: render\r\nContent-ID: <jan@x>\r\n", body), colUW)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Value(message.HContentDisposition)); got != "early-session;handling=optional" {
		t.Errorf("Content-Disposition %q", got)
	}
	if m.Has(message.HContentID) || bodyOfMessage(m) != "v=0" {
		t.Errorf("%s", m.Bytes())
	}
}

func TestMultipartRelatedKeepsItsStart(t *testing.T) {
	body := "--b\r\nContent-Type: application/sdp\r\nContent-ID: <jan@pc11.lan>\r\n\r\nv=0\r\n--b\r\n\r\nhallo\r\n--b--\r\n"
	m, err := plannedBody(t, bodyTransit(t, "INVITE", `Content-Type: multipart/related;type="application/sdp";start="<jan@pc11.lan>";boundary=b`+"\r\n", body), colUW)
	if err != nil {
		t.Fatal(err)
	}
	id := string(bodyKeys.MapID(nil, bornAt(epoch, 1), []byte("<jan@pc11.lan>")))
	ctype := string(m.Value(message.HContentType))
	if !strings.Contains(ctype, `;start="<`+id+`@invalid>"`) || !strings.Contains(ctype, `;type="application/sdp"`) ||
		!strings.Contains(bodyOfMessage(m), "Content-ID: <"+id+"@invalid>\r\n") {
		t.Errorf("%s", m.Bytes())
	}
}

// Hostile multiparts end: too deep, too many.
func TestMultipartBounds(t *testing.T) {
	var open, closing strings.Builder
	for i := range 20 {
		fmt.Fprintf(&open, "--b%d\r\nContent-Type: multipart/mixed;boundary=b%d\r\n\r\n", i, i+1)
		fmt.Fprintf(&closing, "--b%d--\r\n", 20-i)
	}
	deep := open.String() + "--b20\r\n\r\n0205550101\r\n" + closing.String()
	many := strings.Repeat("--b0\r\n\r\nx\r\n", maxParts+1) + "--b0--\r\n"
	for name, body := range map[string]string{"deep": deep, "many": many} {
		for col, want := range map[column]string{colUW: "", colUN: body, colE: body} {
			m, err := plannedBody(t, bodyTransit(t, "NOTIFY", "Content-Type: multipart/mixed;boundary=b0\r\n", body), col)
			if err != nil || bodyOfMessage(m) != want {
				t.Errorf("%s, column %d: %v, %d bytes left", name, col, err, m.Body().Len())
			}
		}
	}
}

func TestCPIM(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "MESSAGE", "Content-Type: message/cpim\r\n", onWire(body)), colUW)
		switch {
		case want == "" && err != ErrUnsupportedBody:
			t.Errorf("%q: %v", body, err)
		case want != "" && (err != nil || bodyOfMessage(m) != onWire(want)):
			t.Errorf("%q becomes %q, want %q; %v", body, bodyOfMessage(m), want, err)
		}
	}
	const anon = "From: <sip:anonymous@anonymous.invalid>\n"
	// TV43
	f("From: Jan Jansen <sip:+31205550101@gw.example.net>\nTo: <sip:+31705550199@gw.example.net>\nDateTime: 2026-11-23T10:00:00Z\n\nContent-Type: text/plain\n\nhallo\n",
		anon+"To: <sip:+31705550199@gw.example.net>\nDateTime: 2026-11-23T10:00:00Z\n\nContent-Type: text/plain\n\nhallo\n")
	f("to: <sip:x>\nfrom: <sip:jan>\ncc: Jan <sip:jan>\nSubject: Jan\nNS: imdn <urn:ietf:params:imdn>\nimdn.Message-ID: jan@x\n\nContent-type: text/plain; name=jan\n\nhallo",
		anon+"to: <sip:x>\n\nContent-Type: text/plain\n\nhallo")
	f("From: <sip:jan>\n\nContent-Type: message/imdn+xml\nContent-Disposition: notification\nContent-Length: 60\n\n<imdn><recipient-uri>im:jan@x</recipient-uri></imdn>",
		anon+"\nContent-Type: message/imdn+xml\nContent-Disposition: notification\n\n<imdn><recipient-uri>sip:anonymous@anonymous.invalid</recipient-uri></imdn>")
	f("To: <sip:0205550101@x>\n\n\nhallo", anon+"\nContent-Type: text/plain\n\nhallo")
	f("From: <sip:jan>\n\nContent-Type: application/pidf+xml\n\n<jan/>", "")
	f("From: <sip:jan>\n\nContent-Type: message/cpim\n\nFrom: <sip:jan>\n\n\nhallo", anon+"\nContent-Type: message/cpim\n\n"+anon+"\nContent-Type: text/plain\n\nhallo")
	f("From: <sip:jan>", "")
	f("From: <sip:jan>\n", "")
	f(strings.Repeat("From: <sip:jan>\n\nContent-Type: message/cpim\n\n", 20)+"From: <x>\n\n\nx", "")
}

func TestSipfrag(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "NOTIFY", "Content-Type: message/sipfrag;version=2.0\r\n", body), colTW)
		if err != nil || bodyOfMessage(m) != want {
			t.Errorf("%q becomes %q, want %q; %v", body, bodyOfMessage(m), want, err)
		}
	}
	f("SIP/2.0 100 Trying", "SIP/2.0 100 Trying\r\n")
	f("SIP/2.0 486 Jan Jansen is in de vergadering\r\nContact: <sip:+31205550101@x>\r\n", "SIP/2.0 486 Busy Here\r\n")
	f("SIP/2.0 200", "SIP/2.0 200 "+message.Phrase(200)+"\r\n")
	f("SIP/2.0 2005550101", "")
	f("SIP/2.0 020 x", "")
	f("SIP/2.0 999 x", "")
	f("SIP/2.0 -12 x", "")
	f("From: <sip:jan@x>\r\n", "")
}

func TestIMDN(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "NOTIFY", "Content-Type: message/imdn+xml\r\n", body), colUW)
		if err != nil || bodyOfMessage(m) != want {
			t.Errorf("%q becomes %q, want %q; %v", body, bodyOfMessage(m), want, err)
		}
	}
	const anon = "sip:anonymous@anonymous.invalid"
	f(`<?xml version="1.0"?><imdn xmlns="urn:x"><message-id>34jk</message-id><original-recipient-uri>im:jan@x</original-recipient-uri><subject>Jan</subject><delivery-notification/></imdn>`,
		`<?xml version="1.0"?><imdn xmlns="urn:x"><message-id>34jk</message-id><original-recipient-uri>`+anon+`</original-recipient-uri><subject></subject><delivery-notification/></imdn>`)
	f(`<i:imdn><i:recipient-uri a="b">jan</i:recipient-uri></i:imdn>`, `<i:imdn><i:recipient-uri a="b">`+anon+`</i:recipient-uri></i:imdn>`)
	f(`<recipient-uri/>`, `<recipient-uri/>`)
	f(`<recipient-uri>jan`, ``)
	f(`<recipient-uri><b>jan</b></recipient-uri>`, ``)
	f(`<recipient-uri`, ``)
	f(`<imdn>0205550101</imdn>`, ``)
}

// Of a caller that may be shown no byte changes, whatever the body is, but for what the
// table removes towards U.
func TestBodiesOfShownCallersStay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := drawBody(rt, "0205550101", 0)
		for _, col := range []column{colTN, colUN, colE} {
			tr := bodyTransit(t, "INVITE", "Content-Type: "+body.ctype+"\r\n", body.text)
			m, err := plannedBody(t, tr, col)
			if err != nil {
				rt.Fatal(err)
			}
			if (col == colTN || !body.isup) && !bytes.Equal(m.Bytes(), tr.M.Bytes()) {
				rt.Fatalf("column %d: %q becomes %q", col, tr.M.Bytes(), m.Bytes())
			}
		}
	})
}

// A withheld caller's number does not go out, wherever in a body it is; text is the
// user's own and the leak guard's.
func TestBodiesOfWithheldCallersLeakNothing(t *testing.T) {
	n := needles(t, "31205550101")
	spellings := rapid.SampledFrom([]string{"0205550101", "+31205550101", "020-555 01 01", "%30205550101", "MDIwNTU1MDEwMSAgICAg", "30323035353530313031"})
	rapid.Check(t, func(rt *rapid.T) {
		body := drawBody(rt, spellings.Draw(rt, "number"), 0)
		method := rapid.SampledFrom([]string{"INVITE", "INFO", "MESSAGE", "NOTIFY"}).Draw(rt, "method")
		for _, col := range []column{colUW, colTW} {
			tr := bodyTransit(t, method, "Content-Type: "+body.ctype+"\r\n", body.text)
			m, err := plannedBody(t, tr, col)
			if err == ErrUnsupportedBody {
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			text := bodyOfMessage(m)
			if leak, ok := n.Find([]byte(text + "\r\n" + string(m.Value(message.HContentType)))); ok && !(col == colTW && leak.Vector == VectorBCD) {
				rt.Fatalf("%+v in %q, from %q", leak, text, body.text)
			}
			if strings.Contains(text, "jansen") {
				rt.Fatalf("name in %q, from %q", text, body.text)
			}
		}
	})
}

type drawnBody struct {
	ctype, text string
	isup        bool // it is, or holds, ISUP
}

// drawBody makes a body with the number and the name "jansen" at places of all kinds.
func drawBody(t *rapid.T, number string, depth int) drawnBody {
	kinds := []string{"sdp", "isup", "cpim", "sipfrag", "imdn", "unknown", "dtmf"}
	if depth < 3 {
		kinds = append(kinds, "multipart", "multipart")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "sdp":
		return drawnBody{ctype: "application/sdp;x=" + number, text: drawSDP(t, number)}
	case "isup":
		return drawnBody{ctype: "application/isup;version=itu-t92+", text: string(tv29ISUP), isup: true}
	case "cpim":
		inner := drawnBody{"application/dtmf-relay;x=" + number, "Signal=5", false}
		if depth < 3 {
			inner = drawBody(t, number, depth+1)
		}
		return drawnBody{"message/cpim", "From: jansen <sip:" + number + "@x>\r\nTo: <sip:x>\r\nSubject: " + number + "\r\n\r\nContent-Type: " +
			inner.ctype + "\r\nContent-ID: <" + number + "@jansen>\r\n\r\n" + inner.text, false}
	case "sipfrag":
		return drawnBody{"message/sipfrag", rapid.SampledFrom([]string{"SIP/2.0 200 jansen " + number + "\r\nFrom: " + number, number, "SIP/2.0 " + number}).Draw(t, "frag"), false}
	case "imdn":
		return drawnBody{"message/imdn+xml", "<imdn><recipient-uri>" + number + "</recipient-uri><subject>jansen</subject><x>" +
			rapid.SampledFrom([]string{"", number}).Draw(t, "x") + "</x></imdn>", false}
	case "dtmf":
		return drawnBody{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", false}
	case "multipart":
		boundary := rapid.SampledFrom([]string{"b", number, "jansen"}).Draw(t, "boundary")
		boundary = strings.Map(func(r rune) rune {
			if r == '%' || r == ' ' {
				return '_'
			}
			return r
		}, boundary) + strings.Repeat("x", depth)
		text, isup := "preamble jansen "+number+"\r\n", false
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			p := drawBody(t, number, depth+1)
			isup = isup || p.isup
			text += "--" + boundary + "\r\nContent-Type: " + p.ctype + "\r\nContent-ID: <" + number + "@jansen>\r\n" +
				"Content-Disposition: session;filename=\"" + number + "\"\r\nContent-Description: jansen\r\n\r\n" + p.text + "\r\n"
		}
		return drawnBody{"multipart/mixed;boundary=\"" + boundary + "\"", text + "--" + boundary + "--\r\njansen " + number, isup}
	}
	return drawnBody{"application/x-unknown", number, false}
}

func drawSDP(t *rapid.T, number string) string {
	line := rapid.SampledFrom([]string{
		"v=" + number, "o=" + number + " 1 1 IN IP4 192.0.2.11", "o=jansen " + number + " " + number + " IN IP4 " + number, "o=" + number,
		"s=" + number, "i=jansen " + number, "u=http://jansen/" + number, "e=jansen", "p=" + number, "k=clear:" + number,
		"c=IN IP4 203.0.113.9", "c=IN IP4 " + number, "c=" + number, "b=AS:" + number, "t=" + number + " 0", "r=" + number, "z=" + number,
		"m=audio 4000 RTP/AVP 8 0 101", "m=audio 4000 RTP/AVP " + number, "m=" + number + " 1 RTP/AVP 0", "m=message 2855 TCP/MSRP *", "m=" + number,
		"a=sendrecv", "a=" + number, "a=tool:jansen", "a=rtpmap:8 " + number, "a=fmtp:101 " + number, "a=ssrc:1 cname:jansen@" + number,
		"a=ssrc:" + number + " msid:" + number, "a=msid:" + number, "a=label:" + number, "a=rtcp:4001 IN IP4 " + number, "a=rtcp:" + number,
		"a=candidate:1 1 UDP 1 " + number + " 4000 typ host", "a=path:msrp://jansen/" + number, "a=X-" + number, "a=crypto:1 AES inline:" + number,
		"y=" + number, "", number, "x", "=" + number, "v=0\rp=" + number,
	})
	end := rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "end")
	return strings.Join(rapid.SliceOfN(line, 1, 12).Draw(t, "lines"), end) + rapid.SampledFrom([]string{"", end}).Draw(t, "last")
}

// Vectors of the table through Plan as a whole.
func TestPlanBodies(t *testing.T) {
	head := "INVITE sip:+31705550199@gw.example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKa1;rport\r\nMax-Forwards: 70\r\n" +
		"From: \"Jan Jansen\" <sip:+31205550101@gw.example.net>;tag=a1\r\nTo: <sip:0705550199@gw.example.net>\r\nCall-ID: c1@pc11.lan\r\nCSeq: 1 INVITE\r\n" +
		"Contact: <sip:+31205550101@192.0.2.11:5060>\r\n"
	f := func(name, headers, body string, class rules.Class, next Hop, holds, lacks []string) {
		t.Helper()
		tr := transitOf(t, head+headers+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))+body)
		tr.Call.Class, tr.Dialog.Class = class, class
		tr.Next = next
		var e message.Edits
		e.Reset(tr.M)
		if err := Plan(&e, tr); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out, err := e.Apply(nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range holds {
			if !strings.Contains(string(out), s) {
				t.Errorf("%s: no %q in %q", name, s, out)
			}
		}
		for _, s := range lacks {
			if strings.Contains(string(out), s) {
				t.Errorf("%s: %q in %q", name, s, out)
			}
		}
		if class == rules.W && !next.Trusted {
			if leak, ok := needles(t, "31205550101").Find(out); ok {
				t.Errorf("%s: %+v in %q", name, leak, out)
			}
		}
	}
	u1 := Hop{Contact: "198.51.100.2:5060", SupportsPrivacy: true, SendPAI: true}
	psap := Hop{Contact: "198.51.100.2:5060", Trusted: true, Emergency: true}
	f("TV28", "Content-Type: application/sdp\r\n", onWire(tv28SDP), rules.W, u1,
		[]string{"\r\no=- ", " 1 IN IP4 198.51.100.2\r\n", "s=-\r\n", "c=IN IP4 203.0.113.9\r\n", "t=0 0\r\n", "m=audio 4000 RTP/AVP 8\r\n", "a=sendrecv\r\n"},
		[]string{"\r\ni=", "\r\nu=", "\r\ne=", "\r\np=", "a=tool", "candidate", "ansen"})
	tv29 := onWire("--b1\nContent-Type: application/sdp\n\n"+plainSDP+"--b1\nContent-Type: application/isup;version=itu-t92+\n"+
		"Content-Disposition: signal;handling=required\n\n") + string(tv29ISUP) + "\r\n--b1--\r\n"
	f("TV29", "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;boundary=b1\r\n", tv29, rules.W, u1,
		[]string{"Content-Type: application/sdp\r\n", "\r\n\r\nv=0\r\n"}, []string{"isup", "\x02\x55\x05\x01\x01", "b1"})
	tv31 := onWire("--b2\nContent-Type: application/pidf+xml\nContent-ID: <jan@pc11.lan>\n\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:+31205550101@gw.example.net\"/>\n" +
		"--b2\nContent-Type: application/sdp\n\n" + plainSDP + "--b2--\n")
	f("TV31", "Geolocation: <cid:jan@pc11.lan>\r\nGeolocation-Routing: yes\r\nContent-Type: multipart/mixed;boundary=b2\r\n", tv31, rules.W, u1,
		[]string{"Content-Type: application/sdp\r\n"}, []string{"Geolocation", "pidf", "b2"})
	f("TV32", "Geolocation: <cid:jan@pc11.lan>\r\nContent-Type: multipart/mixed;boundary=b2\r\n", tv31, rules.E, psap,
		[]string{"Geolocation: <cid:jan@pc11.lan>", tv31}, nil)
}

func FuzzMultipart(f *testing.F) {
	f.Add("multipart/mixed;boundary=b", []byte("--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\n\r\nx\r\n--b--"))
	f.Add("multipart/mixed;boundary=b", []byte("--b\nContent-Type: multipart/mixed;boundary=b\n\n--b\n\nx\n--b--\n--b--"))
	f.Add("multipart/digest;boundary=\"b\"", []byte("--b\r\n\r\n--b--"))
	f.Add("multipart/related;start=x;boundary=-", []byte("---\r\nContent-Type: message/cpim\r\n\r\n\r\n-----"))
	f.Fuzz(func(t *testing.T, ctype string, body []byte) { fuzzBody(t, ctype, body) })
}

func FuzzCPIM(f *testing.F) {
	f.Add([]byte("From: <sip:jan>\r\nTo: <sip:x>\r\n\r\nContent-Type: text/plain\r\n\r\nhallo"))
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("From: <sip:jan>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<recipient-uri>x</recipient-uri>"))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzBody(t, "message/cpim", body) })
}

// fuzzBody sends a body through every column: no failure, no byte of a shown caller's
// changed but by removal, no number of a withheld one's outside text.
func fuzzBody(t *testing.T, ctype string, body []byte) {
	if strings.ContainsAny(ctype, "\r\n") || len(body) > 8000 {
		return
	}
	text := fmt.Sprintf("INFO sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"+
		"Call-ID: x\r\nCSeq: 1 INFO\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", ctype, len(body), body)
	if new(message.Message).Parse([]byte(text)) != nil {
		return
	}
	for _, col := range columns {
		tr := transitOf(t, text)
		m, err := plannedBody(t, tr, col)
		if err != nil || m.Body().Empty() {
			continue
		}
		if col == colTN && !bytes.Equal(m.Bytes(), tr.M.Bytes()) {
			t.Errorf("changed: %q", m.Bytes())
		}
		if col == colUN && m.Body().Len() > len(body) {
			t.Errorf("longer: %q", m.Bytes())
		}
	}
}
