package privacy

import (
	"fmt"
	"strings"
	"testing"

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
	// Beside an offer that can be read, a part that cannot simply goes.
	tr := bodyTransit(t, "INVITE", "Content-Type: multipart/mixed;boundary=b\r\n", "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\n"+
		"Content-Type: multipart/signed;boundary=s\r\n\r\n--s\r\n\r\nx\r\n--s--\r\n--b--\r\n")
	if m, err := plannedBody(t, tr, colUW); err != nil || bodyOfMessage(m) != "v=0\r\n" {
		t.Errorf("signed part beside an offer: %v", err)
	}
	// An INFO that is nothing but a signal inside the trust domain.
	if _, err := plannedBody(t, bodyTransit(t, "INFO", "Content-Type: application/vnd.etsi.mcid+xml\r\n", "x"), colUN); err != ErrUnsupportedBody {
		t.Errorf("shown caller: %v", err)
	}
	tr = transitOf(t, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"+
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

func TestContentTypeOfNothing(t *testing.T) {
	f := func(ctype, withheld string) {
		t.Helper()
		tr := bodyTransit(t, "INVITE", "Content-Type: "+ctype+"\r\n", "")
		for col, want := range map[column]string{colTN: ctype, colTW: withheld, colUN: ctype, colUW: withheld, colE: ctype} {
			m, err := plannedBody(t, tr, col)
			if err != nil || string(m.Value(message.HContentType)) != want {
				t.Errorf("column %d: %v, %q", col, err, m.Bytes())
			}
		}
	}
	f("application/sdp", "application/sdp")
	f("application/sdp;x=0205550101", "application/sdp")
	f("0205550101", "")
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
