package message

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAppendVias(t *testing.T) {
	for _, c := range []struct{ in, source, want string }{
		{"SIP/2.0/UDP 192.0.2.1;branch=x", "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1;branch=x"},
		{"SIP/2.0/UDP 192.0.2.1;branch=x", "192.0.2.2:5060", "SIP/2.0/UDP 192.0.2.1;branch=x;received=192.0.2.2"},
		{"SIP/2.0/UDP host.example;branch=x", "192.0.2.2:5060", "SIP/2.0/UDP host.example;branch=x;received=192.0.2.2"},
		{"SIP/2.0/UDP 192.0.2.1;rport;branch=x", "192.0.2.1:7000", "SIP/2.0/UDP 192.0.2.1;branch=x;received=192.0.2.1;rport=7000"},
		{"SIP/2.0/UDP 192.0.2.1;branch=x;rport=1", "192.0.2.1:7000", "SIP/2.0/UDP 192.0.2.1;branch=x;received=192.0.2.1;rport=7000"},
		{"SIP/2.0/UDP 192.0.2.1;rport", "[::ffff:192.0.2.1]:7000", "SIP/2.0/UDP 192.0.2.1;received=192.0.2.1;rport=7000"},
		{"SIP/2.0/UDP 192.0.2.1;received=6.6.6.6;branch=x", "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1;branch=x;received=192.0.2.1"},
		{"SIP/2.0/UDP 192.0.2.1 ; received = 6.6.6.6 ; RPORT ; received=7.7.7.7", "192.0.2.9:5060", "SIP/2.0/UDP 192.0.2.1   ;received=192.0.2.9;rport=5060"},
		{"SIP/2.0/UDP [2001:DB8::1]:5060;branch=x", "[2001:db8::1]:5060", "SIP/2.0/UDP [2001:DB8::1]:5060;branch=x"},
		{"SIP/2.0/UDP [2001:db8::1];branch=x", "[2001:db8::2]:5060", "SIP/2.0/UDP [2001:db8::1];branch=x;received=2001:db8::2"},
		{"SIP/2.0/UDP 192.0.2.1;rport, SIP/2.0/UDP a;rport", "192.0.2.1:1", "SIP/2.0/UDP 192.0.2.1;received=192.0.2.1;rport=1, SIP/2.0/UDP a;rport"},
		{"SIP / 2.0 / UDP\r\n 192.0.2.1 : 5061 ;branch=x\r\nv: SIP/2.0/UDP b", "192.0.2.1:1", "SIP / 2.0 / UDP\r\n 192.0.2.1 : 5061 ;branch=x\r\nv: SIP/2.0/UDP b"},
		{"nonsense", "192.0.2.1:1", "nonsense"},
	} {
		var m Message
		m.Parse([]byte("BYE sip:a@b SIP/2.0\r\nVia: " + c.in + "\r\n\r\n"))
		if got := string(m.AppendVias(nil, netip.MustParseAddrPort(c.source))); got != "Via: "+c.want+"\r\n" {
			t.Errorf("%s\n got %q\nwant %q", c.in, got, c.want)
		}
		if got := string(m.AppendVias(nil, netip.AddrPort{})); got != "Via: "+c.in+"\r\n" {
			t.Errorf("no source: got %q", got)
		}
	}
}

func TestResponseOfFaulty(t *testing.T) {
	source := netip.MustParseAddrPort("192.0.2.1:5060")
	for _, c := range []struct{ in, want string }{
		{ // cut off within its headers
			"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nTo: <sip:a@b>",
			"SIP/2.0 400 No\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nTo: <sip:a@b>;tag=own\r\nX: y\r\nContent-Length: 0\r\n\r\n",
		},
		{ // To that cannot take a tag, Timestamp that only a 100 copies
			"BYE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1\r\nt: \"x <sip:a@b>\r\nTimestamp: 5\r\nCSeq:1 BYE\r\n\r\n",
			"SIP/2.0 400 No\r\nv: SIP/2.0/UDP 192.0.2.1\r\nt: \"x <sip:a@b>\r\nCSeq:1 BYE\r\nX: y\r\nContent-Length: 0\r\n\r\n",
		},
	} {
		var m Message
		if m.Parse([]byte(c.in)) == nil || !m.Answerable() {
			t.Fatal("sound, or not answerable")
		}
		if got := string(m.AppendResponse(nil, 400, "No", []byte("own"), []byte("X: y\r\n"), source)); got != c.want {
			t.Errorf("got %q\nwant %q", got, c.want)
		}
	}
	m := mustParse(t, small+"Timestamp: 5\r\n\r\n")
	got := string(m.AppendResponse(nil, 100, "", []byte("own"), nil, source))
	if !strings.HasPrefix(got, "SIP/2.0 100 Trying\r\n") || !strings.Contains(got, "\r\nTimestamp: 5\r\n") || strings.Contains(got, "own") {
		t.Error(got)
	}
}

func TestPhrase(t *testing.T) {
	for status := 100; status < 700; status++ {
		if Phrase(status) == "" {
			t.Error(status)
		}
	}
	if Phrase(487) != "Request Terminated" || Phrase(499) != "Bad Request" || Phrase(299) != "OK" {
		t.Error("wrong phrase")
	}
}

func TestCopyFrom(t *testing.T) {
	b := []byte(invite)
	var m, c Message
	if err := m.Parse(b); err != nil {
		t.Fatal(err)
	}
	c.CopyFrom(&m)
	c.CopyFrom(&c)
	if n := testing.AllocsPerRun(10, func() { c.CopyFrom(&m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	clear(b)
	v, ok := c.TopVia()
	if string(c.Bytes()) != invite || !ok || string(v.Branch) != "z9hG4bKnashds8" || len(c.Headers()) != len(m.Headers()) || string(c.FromTag()) != "a1b2" {
		t.Error("copy is not its own")
	}
}
