package message

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

const invite = "INVITE sip:+31612345678@gw.example.net;user=phone SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnashds8;rport, SIP/2.0/TCP a.example;branch=z9hG4bKx\r\n" +
	"v: SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bKy\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"A, \\\"B\\\" <sip:x@y>\" <sip:+31705550100@gw.example.net>;tag=a1b2\r\n" +
	"To: <sip:+31612345678@gw.example.net>\r\n" +
	"Call-ID: call-1@192.0.2.10\r\n" +
	"CSeq: 314 INVITE\r\n" +
	"Route: <sip:p1.example;lr>,<sip:p2.example;lr>\r\n" +
	"Contact: <sip:+31705550100@192.0.2.10:5060>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 5\r\n\r\nv=0\r\n"

func mustParse(t testing.TB, s string) *Message {
	t.Helper()
	m := new(Message)
	if err := m.Parse([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseInvite(t *testing.T) {
	m := mustParse(t, invite)
	n, cm, ok := m.CSeq()
	mf, _ := m.MaxForwards()
	cl, _ := m.ContentLength()
	v, _ := m.TopVia()
	for i, c := range []struct{ got, want any }{
		{m.IsRequest(), true},
		{m.Method(), INVITE},
		{string(m.MethodName()), "INVITE"},
		{string(m.Get(m.RequestURI())), "sip:+31612345678@gw.example.net;user=phone"},
		{string(m.FromTag()), "a1b2"},
		{m.ToTag() == nil, true},
		{string(m.CallID()), "call-1@192.0.2.10"},
		{n, uint32(314)}, {cm, INVITE}, {ok, true}, {mf, 70}, {cl, 5},
		{string(m.Get(m.Body())), "v=0\r\n"},
		{string(v.Branch), "z9hG4bKnashds8"}, {v.RPort, true}, {v.Port, uint16(5060)},
		{string(m.Get(v.Host)), "192.0.2.10"}, {string(m.Get(v.Transport)), "UDP"},
		{m.Answerable(), true},
	} {
		if c.got != c.want {
			t.Errorf("%d: got %v, want %v", i, c.got, c.want)
		}
	}
	var vias []string
	for _, s := range m.ValuesOf(HVia) {
		via, ok := m.ParseVia(s)
		if !ok {
			t.Error("via")
		}
		vias = append(vias, string(via.Branch))
	}
	if got := strings.Join(vias, " "); got != "z9hG4bKnashds8 z9hG4bKx z9hG4bKy" {
		t.Error(got)
	}
	na, ok := m.NameAddr(m.First(HFrom).Value)
	if !ok || string(m.Get(na.URI)) != "sip:+31705550100@gw.example.net" || string(m.Get(na.Params)) != ";tag=a1b2" {
		t.Error(na, ok)
	}
}

func TestAppendResponse(t *testing.T) {
	m := mustParse(t, invite)
	got := string(m.AppendResponse(nil, 404, "", []byte("tt"), nil, netip.MustParseAddrPort("192.0.2.99:6000")))
	want := "SIP/2.0 404 Not Found\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnashds8;received=192.0.2.99;rport=6000, SIP/2.0/TCP a.example;branch=z9hG4bKx\r\n" +
		"v: SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bKy\r\n" +
		"From: \"A, \\\"B\\\" <sip:x@y>\" <sip:+31705550100@gw.example.net>;tag=a1b2\r\n" +
		"To: <sip:+31612345678@gw.example.net>;tag=tt\r\n" +
		"Call-ID: call-1@192.0.2.10\r\nCSeq: 314 INVITE\r\nContent-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	mustParse(t, got)
}

func TestApply(t *testing.T) {
	m := mustParse(t, invite)
	var e Edits
	e.Reset(m)
	e.RemoveAll(HVia)
	e.Top([]byte("Via: second\r\n"))
	e.Top([]byte("Via: first\r\n"))
	e.Bottom([]byte("X: y\r\n"))
	e.ReplaceString(m.First(HMaxForwards).Value, "69")
	e.ReplaceString(m.RequestURI(), "sip:x@y")
	e.RemoveAll(HContact)
	e.ReplaceString(m.First(HContact).Value, "dropped")
	e.RemoveValues(m.First(HRoute), func(s Span) bool { return strings.Contains(string(m.Get(s)), "p1") })
	e.Body([]byte("v=0\r\no=x\r\nmore"))
	got, err := e.Apply(nil)
	want := "INVITE sip:x@y SIP/2.0\r\nVia: first\r\nVia: second\r\nMax-Forwards: 69\r\n" +
		"From: \"A, \\\"B\\\" <sip:x@y>\" <sip:+31705550100@gw.example.net>;tag=a1b2\r\n" +
		"To: <sip:+31612345678@gw.example.net>\r\nCall-ID: call-1@192.0.2.10\r\nCSeq: 314 INVITE\r\n" +
		"Route: <sip:p2.example;lr>\r\nContent-Type: application/sdp\r\nContent-Length: 14\r\nX: y\r\n\r\nv=0\r\no=x\r\nmore"
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, want)
	}
}

func TestFaultIs(t *testing.T) {
	m := new(Message)
	err := m.Parse([]byte(strings.Replace(invite, "SIP/2.0\r\n", "SIP/7.0\r\n", 1)))
	var pe ParseError
	if !errors.Is(err, BadVersion) || !errors.As(err, &pe) || pe.Status() != 505 || !m.Answerable() {
		t.Error(err)
	}
}

func TestNoAllocations(t *testing.T) {
	b := []byte(invite)
	m, e := new(Message), new(Edits)
	out := make([]byte, 0, 4096)
	source := netip.MustParseAddrPort("192.0.2.99:6000")
	v6, V6 := []byte("[2001:db8::1]"), []byte("2001:DB8:0::1")
	n := testing.AllocsPerRun(100, func() {
		if m.Parse(b) != nil {
			t.Fatal("parse")
		}
		for _, s := range m.ValuesOf(HVia) {
			m.ParseVia(s)
		}
		for na := range m.NameAddrs(HRoute) {
			m.ParseURI(na.URI)
			for p := range m.Params(na.Params) {
				m.URIParam(p.Whole, "lr")
			}
		}
		for s := range m.Values(m.First(HRoute)) {
			m.NameAddr(s)
		}
		e.Reset(m)
		e.RemoveAll(HVia)
		e.TopString("Via: first\r\n")
		e.ReplaceString(m.First(HMaxForwards).Value, "69")
		e.RemoveValues(m.First(HRoute), func(s Span) bool { return s.Off == m.First(HRoute).Value.Off })
		e.Body(b[:20])
		if _, err := e.Apply(out); err != nil {
			t.Fatal(err)
		}
		m.AppendResponse(out, 404, "", b[:3], nil, source)
		if _, ok := m.ContentType(); !ok || !EqualHost(v6, V6) {
			t.Fatal("accessors")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
