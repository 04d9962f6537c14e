package privacy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clirgate/sip/message"
)

// drawMark is a body that marks a call, its type as badly spelled as phones can.
func drawMark(t *rapid.T) string {
	kind := rapid.SampledFrom([]string{
		"application/vnd.etsi.mcid+xml", "APPLICATION/VND.Etsi.MCID+XML;charset=utf-8", "application / vnd.etsi.mcid+xml",
		"application/vnd.etsi.mcid+xml (a comment)", "(a comment) application/vnd.etsi.mcid+xml", "\"application\"/vnd.etsi.mcid+xml",
		"vnd.etsi.mcid+xml", "x/vnd.etsi.mcid+xml", "application/vnd.etsi.mcid+xml, text/plain", "text/plain, application/vnd.etsi.mcid+xml",
		"text/plain\r\nContent-Type: application/vnd.etsi.mcid+xml", "application/vnd.etsi.mcid+xml\r\nContent-Type: text/plain",
		"application/\r\n vnd.etsi.mcid+xml", "application/vnd.etsi.mcid", "application/sdp\r\ncontent-type:application/vnd.etsi.mcid+xml",
	}).Draw(t, "type")
	return "Content-Type: " + kind + "\r\n\r\n" + rapid.SampledFrom([]string{"<mcid/>", ""}).Draw(t, "body")
}

// drawEntity is headers and content with a mark somewhere in it, at any depth.
func drawEntity(t *rapid.T, depth int) string {
	if depth == 0 {
		return drawMark(t)
	}
	boundary := rapid.SampledFrom([]string{"x", "y", "x y", strings.Repeat("b", 70), strings.Repeat("b", 71), ""}).Draw(t, "boundary")
	kind := rapid.SampledFrom([]string{"mixed", "alternative", "signed", "encrypted", "digest", "related", "x-other"}).Draw(t, "multipart")
	head := "Content-Type: multipart/" + kind + rapid.SampledFrom([]string{";boundary=\"" + boundary + "\"", ";boundary=" + boundary, ";boundary=other", ""}).Draw(t, "parameter")
	if rapid.IntRange(0, 3).Draw(t, "wrapped") == 0 {
		head = "Content-Type: " + rapid.SampledFrom([]string{"message/rfc822", "message/sip", "application/octet-stream", "multipart", "application/pkcs7-mime", "message/cpim", "foo"}).Draw(t, "as")
	}
	if rapid.IntRange(0, 5).Draw(t, "encoded") == 0 {
		head += "\r\nContent-Transfer-Encoding: " + rapid.SampledFrom([]string{"base64", "quoted-printable", "7bit", "x-own"}).Draw(t, "encoding")
	}
	end := rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "line end")
	var b strings.Builder
	b.WriteString(head + end + end + rapid.SampledFrom([]string{"", "preamble" + end}).Draw(t, "preamble"))
	others := rapid.SampledFrom([]int{0, 1, 2, 3, 40}).Draw(t, "others")
	at := rapid.IntRange(0, others).Draw(t, "place")
	for i := range others + 1 {
		b.WriteString("--" + boundary + rapid.SampledFrom([]string{"", " ", "--"}).Draw(t, "delimiter") + end)
		if i == at {
			b.WriteString(drawEntity(t, depth-1) + end)
		} else {
			b.WriteString("Content-Type: application/sdp" + end + end + "v=0" + end)
		}
	}
	if rapid.Bool().Draw(t, "closed") {
		b.WriteString("--" + boundary + "--" + end)
	}
	return b.String()
}

// TestMarkNeverReachesU: whatever a body that marks a call is wrapped in, no hop outside the
// trust domain gets it (GPP-17). What comes of it is still a message.
func TestMarkNeverReachesU(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		entity := drawEntity(t, rapid.IntRange(0, 7).Draw(t, "depth"))
		lines, body, _ := strings.Cut(strings.Replace(entity, "\n\n", "\r\n\r\n", 1), "\r\n\r\n")
		method := rapid.SampledFrom([]string{"INVITE", "INFO", "UPDATE", "MESSAGE", "BYE"}).Draw(t, "method")
		m := new(message.Message)
		if m.Parse([]byte(inDialog(method, lines+"\r\n", body))) != nil {
			t.SkipNow() // what the parser refuses never gets here
		}
		tr := bodyTransit(outer, "INFO", "", "").with(m)
		for _, col := range []column{colUN, colUW} {
			var e message.Edits
			e.Reset(m)
			if planBody(&e, tr, col) != nil {
				continue
			}
			out, err := e.Apply(nil)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(strings.ToLower(string(out)), "etsi.mcid") {
				t.Fatalf("column %d:\n%s\nwas\n%s", col, out, m.Bytes())
			}
			if err := new(message.Message).Parse(out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	})
}
