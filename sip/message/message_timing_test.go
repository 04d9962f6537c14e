package message

import (
	"net/netip"
	"testing"
)

// timingInvite is an INVITE of about 1 kB as an SBC sends it.
const timingInvite = "INVITE sip:+31612345678@gw.example.net:5060;user=phone SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bK-524287-1---a1b2c3d4e5f60718;rport\r\n" +
	"Max-Forwards: 69\r\n" +
	"Record-Route: <sip:198.51.100.10:5060;lr;ftag=8f3c2b1a>\r\n" +
	"Contact: <sip:+31705550100@198.51.100.10:5060;transport=udp>\r\n" +
	"To: <sip:+31612345678@gw.example.net;user=phone>\r\n" +
	"From: \"Example Caller\" <sip:+31705550100@gw.example.net;user=phone>;tag=8f3c2b1a\r\n" +
	"Call-ID: 7f3a9c2e5b1d4860a1b2c3d4e5f60718@198.51.100.10\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS, INFO, UPDATE, PRACK\r\n" +
	"Supported: replaces, timer, 100rel\r\n" +
	"P-Asserted-Identity: <sip:+31705550100@gw.example.net;user=phone>\r\n" +
	"Privacy: none\r\n" +
	"Session-Expires: 1800;refresher=uac\r\n" +
	"User-Agent: Example SBC 7.2\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 216\r\n\r\n" +
	"v=0\r\no=- 3912345678 3912345678 IN IP4 198.51.100.10\r\ns=-\r\nc=IN IP4 198.51.100.10\r\nt=0 0\r\n" +
	"m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"

func BenchmarkParse(b *testing.B) {
	in := []byte(timingInvite)
	m := new(Message)
	if err := m.Parse(in); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if m.Parse(in) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkApply(b *testing.B) {
	m := mustParse(b, timingInvite)
	e := new(Edits)
	out := make([]byte, 0, MaxSize)
	b.SetBytes(int64(len(m.Bytes())))
	b.ReportAllocs()
	for b.Loop() {
		tenEdits(e, m)
		if _, err := e.Apply(out); err != nil {
			b.Fatal(err)
		}
	}
}

// tenEdits is what a withheld call needs, about.
func tenEdits(e *Edits, m *Message) {
	e.Reset(m)
	e.RemoveAll(HVia)
	e.RemoveAll(HRecordRoute)
	e.RemoveAll(HPAssertedIdentity)
	e.RemoveAll(HUserAgent)
	e.TopString("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabcdefghijklmnop\r\n")
	e.ReplaceString(m.First(HMaxForwards).Value, "68")
	e.ReplaceString(m.First(HFrom).Value, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=abcdefgh")
	e.ReplaceString(m.First(HCallID).Value, "abcdefghijklmnopqrstuvwxyzabcdef")
	e.ReplaceString(m.First(HContact).Value, "<sip:abcdefghijklmnop@192.0.2.1:5060>")
	e.ReplaceString(m.First(HPrivacy).Value, "id")
	body := m.Body()
	e.ReplaceString(Span{body.Off + 5, body.Off + 12}, "o=anonymous")
}

func BenchmarkAppendResponse(b *testing.B) {
	m := mustParse(b, timingInvite)
	source := netip.MustParseAddrPort("198.51.100.10:5060")
	out := make([]byte, 0, 4096)
	tag := []byte("abcdefgh")
	b.ReportAllocs()
	for b.Loop() {
		m.AppendResponse(out, 100, "", tag, nil, source)
	}
}
