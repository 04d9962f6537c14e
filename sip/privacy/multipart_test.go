package privacy

import (
	"fmt"
	"strings"
	"testing"

	"clirgate/sip/message"
)

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

const plainSDP = "v=0\no=- 1 1 IN IP4 192.0.2.11\ns=-\nc=IN IP4 192.0.2.11\nt=0 0\nm=audio 4000 RTP/AVP 8\n"

// Random identifiers are of letters alone, so no name here is.
func TestMultipart(t *testing.T) {
	f := func(name, ctype, body string, col column, wantType string, holds, lacks []string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "ACK", "Content-Type: "+ctype+"\r\nContent-Disposition: session;filename=jan-9\r\n", body), col)
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
	sdp := "--b\r\nContent-Type: application/sdp\r\nContent-ID: <jan-9@pc11.lan>\r\nContent-Location: jan-9\r\n" +
		"Content-Disposition: session;handling=required;filename=\"jan-9.sdp\"\r\n\r\n" + onWire(plainSDP) + "\r\n"
	text := "--b\r\n\r\nhallo\r\n"
	pidf := "--b\r\nContent-Type: application/pidf+xml\r\n\r\n<jan-9/>\r\n"
	isup := "--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n" + string(tv29ISUP) + "\r\n"
	end := "--b--\r\n"
	const mixed = "multipart/mixed;boundary=b"

	f("one is left", mixed, "preamble jan-9\r\n"+sdp+pidf+end+"epilogue", colUW, "application/sdp",
		[]string{"v=0\r\no=- "}, []string{"--", "jan-9", "preamble", "epilogue", "192.0.2.11 "})
	f("two are left", mixed, sdp+pidf+text+end, colUW, "multipart/mixed;boundary=",
		[]string{"hallo", "handling=required", "\r\nContent-ID: <", "@invalid>\r\n", "Content-Type: application/sdp"}, []string{"--b\r\n", "jan-9", "pidf+xml"})
	f("quoted boundary", `multipart/mixed; boundary="b"`, sdp+text+end, colTW, "multipart/mixed;boundary=", []string{"hallo"}, []string{"jan-9"})
	f("ISUP to T", mixed, sdp+isup+end, colTW, "multipart/mixed;boundary=", []string{"\x83\x17\x02\x55\x05\x01\x01"}, []string{"jan-9"})
	f("ISUP to U on N", mixed, "pre\r\n"+sdp+isup+text+end+"epi", colUN, mixed, []string{"pre\r\n", sdp + text + end, "epi"}, []string{"isup"})
	f("nothing to change", mixed, "pre\r\n"+sdp+text+end+"epi", colUN, mixed, []string{"pre\r\n" + sdp + text + end + "epi"}, nil)
	f("no closing delimiter", mixed, sdp+pidf, colUW, "application/sdp", []string{"t=0 0"}, []string{"--", "jan-9"})
	f("LF ends", mixed, "--b\nContent-Type: application/sdp\n\n"+plainSDP+"--b--\n", colUW, "application/sdp", []string{"t=0 0\nm="}, []string{"\r", "--"})
	f("folded header", mixed, "--b\r\nContent-Type:\r\n application/sdp\r\n\r\nv=0\r\n--b--", colUW, "application/sdp", []string{"v=0"}, nil)
	f("encoded part", mixed, "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w\r\n"+text+end, colUW, "text/plain", []string{"hallo"}, []string{"dj0w"})
	f("encoded text", mixed, "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGFsbG8=\r\n"+pidf+end, colUW,
		"multipart/mixed;boundary=", []string{"aGFsbG8=", "Content-Transfer-Encoding: base64"}, []string{"jan-9"})
	nested := "--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n--c\r\nContent-Type: application/pidf+xml\r\n\r\n<jan-9/>\r\n--c\r\n\r\nhallo\r\n--c--\r\n\r\n"
	f("nested", mixed, sdp+nested+end, colUW, "multipart/mixed;boundary=", []string{"hallo", "Content-Type: application/sdp"}, []string{"jan-9", "--c", "alternative"})
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

func FuzzMultipart(f *testing.F) {
	f.Add("multipart/mixed;boundary=b", []byte("--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\n\r\nx\r\n--b--"))
	f.Add("multipart/mixed;boundary=b", []byte("--b\nContent-Type: multipart/mixed;boundary=b\n\n--b\n\nx\n--b--\n--b--"))
	f.Add("multipart/digest;boundary=\"b\"", []byte("--b\r\n\r\n--b--"))
	f.Add("multipart/related;start=x;boundary=-", []byte("---\r\nContent-Type: message/cpim\r\n\r\n\r\n-----"))
	f.Fuzz(func(t *testing.T, ctype string, body []byte) { fuzzBody(t, ctype, body) })
}
