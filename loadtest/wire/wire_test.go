package wire

import (
	"testing"
)

const invite = "INVITE sip:0201234567@127.0.0.1:5060 SIP/2.0\r\n" +
	"v: SIP/2.0/UDP 127.0.0.1:5180;branch=z9hG4bKa;rport, SIP/2.0/TCP 127.0.0.9;branch=z9hG4bKb\r\n" +
	"Via: SIP/2.0/UDP 127.0.0.8\r\n" +
	"From: \"Jan, \\\"<de> Vries\" <sip:+31612340000@carrier.example;user=phone>;tag=abc\r\n" +
	"To:\r\n <sip:0201234567@carrier.example>\r\n" +
	"Call-ID: x@y\r\nCSeq: 17 INVITE\r\n" +
	"Record-Route: <sip:a;lr>,<sip:b;lr>\r\nrecord-route: <sip:c;lr>\r\n" +
	"Contact: sip:+31612340000@127.0.0.1:5180;expires=3\r\n" +
	"X-Unheard-Of: 1\r\nl: 3\r\n\r\nabc"

func TestParse(t *testing.T) {
	var m Message
	if err := m.Parse([]byte(invite)); err != nil {
		t.Fatal(err)
	}
	display, uri, params := Address(m.Get(From))
	sentBy, via := ViaParts(TopVia(&m))
	var routes string
	Elements(&m, RecordRoute, func(v []byte) { routes += string(v) + " " })
	where, ok := AddrPort([]byte("sip:a@127.0.0.1;transport=tcp"))
	for _, c := range []struct{ what, got, want string }{
		{"method", m.Method.String(), "INVITE"},
		{"uri", string(m.URI), "sip:0201234567@127.0.0.1:5060"},
		{"display", string(display), `"Jan, \"<de> Vries"`},
		{"from uri", string(uri), "sip:+31612340000@carrier.example;user=phone"},
		{"tag", string(Param(params, "tag")), "abc"},
		{"folded to", string(m.Get(To)), "<sip:0201234567@carrier.example>"},
		{"user", string(User(uri)), "+31612340000"},
		{"sent-by", string(sentBy), "127.0.0.1:5180"},
		{"branch", string(Param(via, "branch")), "z9hG4bKa"},
		{"routes", routes, "<sip:a;lr> <sip:b;lr> <sip:c;lr> "},
		{"host", string(HostPort(m.URI)), "127.0.0.1:5060"},
		{"where", where.String(), "127.0.0.1:5060"},
		{"body", string(m.Body), "abc"},
		{"urn", string(User([]byte("urn:service:sos"))), "service:sos"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
		}
	}
	if !ok || m.CSeqNum != 17 || CountElements(&m, Via) != 3 || m.Count(RecordRoute) != 2 {
		t.Errorf("ok %v, CSeq %d, %d Vias, %d Record-Route lines", ok, m.CSeqNum, CountElements(&m, Via), m.Count(RecordRoute))
	}
	if n, body := Length([]byte(invite)); n != 3 || string([]byte(invite)[body:]) != "abc" {
		t.Errorf("length %d, body at %d", n, body)
	}
	if id := identify([]byte("P-Charging-Function-Addresses")); id != PChargingFunctionAddresses {
		t.Errorf("the longest name is read as %v", id)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{"", "\r\n\r\n", "hello", "SIP/2.0 20", "INVITE sip:a HTTP/1.1\r\n\r\n", "SIP/2.0 200 OK\r\nno colon\r\n\r\n", "BYE sip:a SIP/2.0\r\nTo: x"} {
		var m Message
		if m.Parse([]byte(bad)) == nil {
			t.Errorf("%q is read as a message", bad)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	var m Message
	raw := []byte(invite)
	if n := testing.AllocsPerRun(100, func() { _ = m.Parse(raw) }); n > 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(invite))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: a\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Message
		if m.Parse(raw) != nil {
			return
		}
		ViaParts(TopVia(&m))
		for _, h := range m.Headers {
			if len(h.Name) == 0 {
				t.Error("a header without a name")
			}
			display, uri, params := Address(h.Value)
			User(uri)
			AddrPort(uri)
			Param(params, "tag")
			_ = display
		}
		n := 0
		Elements(&m, Via, func([]byte) { n++ })
		if n != CountElements(&m, Via) {
			t.Errorf("%d Via elements, counted %d", n, CountElements(&m, Via))
		}
		Length(raw)
	})
}

func BenchmarkParse(b *testing.B) {
	var m Message
	raw := []byte(invite)
	b.ReportAllocs()
	for b.Loop() {
		_ = m.Parse(raw)
	}
}
