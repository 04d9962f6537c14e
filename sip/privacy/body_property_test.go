package privacy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clirgate/sip/message"
)

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
