package privacy

import (
	"strconv"
	"strings"
	"testing"

	"clirgate/sip/message"
)

// info is a request with header lines of a body and that body.
func info(t testing.TB, method, lines, body string) *message.Message {
	t.Helper()
	m := new(message.Message)
	if err := m.Parse([]byte(inDialog(method, lines, body))); err != nil {
		t.Fatal(err)
	}
	return m
}

func inDialog(method, lines, body string) string {
	return method + " sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKm\r\nMax-Forwards: 70\r\n" +
		"From: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:b@127.0.0.1>;tag=b\r\nCall-ID: m\r\nCSeq: 1 " + method + "\r\n" + lines +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func TestMaliciousCall(t *testing.T) {
	f := func(lines, body string, found, alone bool) {
		t.Helper()
		gotFound, gotAlone := MaliciousCall(info(t, "INFO", lines, body))
		if gotFound != found || gotAlone != alone {
			t.Errorf("%q %q: %t %t", lines, body, gotFound, gotAlone)
		}
	}
	const mcid = "application/vnd.etsi.mcid+xml"
	f("Content-Type: "+mcid+"\r\n", "<mcid/>", true, true)
	f("c:APPLICATION/VND.ETSI.mcid+XML ;x=y\r\n", "", true, true)
	f("Content-Type: application / vnd.etsi.mcid+xml\r\n", "anything", true, true)
	f("", "<mcid/>", false, false)
	f("Content-Type: application/vnd.etsi.mcid+xmlx\r\n", "<mcid/>", false, false)
	f("Content-Type: text/plain\r\n", "Content-Type: "+mcid, false, false)
	f("Content-Type: multipart/mixed;boundary=x\r\n", "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x\r\ncontent-type: "+mcid+"\r\n\r\n<x/>\r\n--x--\r\n", true, false)
	f("Content-Type: multipart/mixed;boundary=x\r\n", "--x\r\nContent-Type: multipart/mixed;boundary=\"y z\"\r\n\r\n--y z\r\nContent-Type: "+mcid+"\r\n\r\n<x/>\r\n--y z--\r\n--x--\r\n", true, false)
	f("Content-Type: multipart/mixed;boundary=x\r\n", "--x\r\nContent-Type: text/plain\r\n\r\nContent-Type: "+mcid+"\r\n--x--\r\n", false, false)
	f("Content-Type: multipart/mixed;boundary=x\r\n", "--x\r\nContent-Type: "+mcid, true, false)
	f("Content-Type: multipart/mixed\r\n", mcid, false, false)
}

// A body that is found is one that the table removes towards U: what marks a call reaches
// no terminal.
func FuzzMaliciousCall(f *testing.F) {
	f.Add("Content-Type: application/vnd.etsi.mcid+xml", "<mcid/>")
	f.Add("Content-Type: multipart/mixed;boundary=x", "--x\r\nContent-Type: application/vnd.etsi.mcid+xml\r\n\r\n<mcid/>\r\n--x--\r\n")
	f.Add("Content-Type: multipart/mixed;boundary=x", "--x\r\nContent-Type: multipart/mixed;boundary=y\r\n\r\n--y\r\nContent-Type:application/vnd.etsi.mcid+xml\r\n\r\n?\r\n--y--\r\n--x--")
	f.Fuzz(func(t *testing.T, line, body string) {
		if strings.ContainsAny(line, "\r\n") || len(body) > 8192 {
			return
		}
		text := "UPDATE sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKm\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:b@127.0.0.1>;tag=b\r\n" +
			"Call-ID: m\r\nCSeq: 1 UPDATE\r\n" + line + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
		m := new(message.Message)
		if m.Parse([]byte(text)) != nil {
			return
		}
		found, _ := MaliciousCall(m)
		for _, col := range []column{colUN, colUW} {
			var e message.Edits
			e.Reset(m)
			if planBody(&e, bodyTransit(t, "UPDATE", "Content-Type: text/plain\r\n", "x").with(m), col) != nil {
				continue
			}
			out, err := e.Apply(nil)
			if err != nil {
				t.Fatal(err)
			}
			var sent message.Message
			if err := sent.Parse(out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if left, _ := MaliciousCall(&sent); left {
				t.Fatalf("found %t before, still there for column %d:\n%s", found, col, out)
			}
		}
	})
}

// with is the same transit of another message.
func (t *Transit) with(m *message.Message) *Transit {
	t.M = m
	return t
}
