package message

import (
	"strings"
	"testing"
)

func TestReadNameAddr(t *testing.T) {
	for _, c := range []struct{ in, want string }{ // display|uri|params|brackets
		{`<sip:a@b>`, `|sip:a@b||<>`},
		{`"A \"B\", <x>; sip:y" <sip:a@b;lr> ; tag = 1 ;x`, `"A \"B\", <x>; sip:y"|sip:a@b;lr|; tag = 1 ;x|<>`},
		{`"A"<sip:a@b>;tag=1`, `"A"|sip:a@b|;tag=1|<>`},
		{`caller<sip:a@b>;tag=1`, `caller|sip:a@b|;tag=1|<>`},
		{"Mr. J\r\n Doe\r\n <sip:a@b>\r\n ;tag=1", "Mr. J\r\n Doe|sip:a@b|;tag=1|<>"},
		{`J. Müller @ home <sip:a@b>`, `J. Müller @ home|sip:a@b||<>`},
		{`sip:a@b`, `|sip:a@b||`},
		{`sip:a@b;tag=1;user=phone`, `|sip:a@b|;tag=1;user=phone|`},
		{"sip:a@b \t;\r\n tag=1", "|sip:a@b|;\r\n tag=1|"},
		{`tel:+31705550100;tag=1`, `|tel:+31705550100|;tag=1|`},
		{`sip:a@b?x=y`, `|sip:a@b?x=y||`},
		{`<sip:*31*0612345678@b;user=phone>;x="a;b,c>"`, `|sip:*31*0612345678@b;user=phone|;x="a;b,c>"|<>`},
		{`isbn:2983792873`, `|isbn:2983792873||`},
		{`""<sip:a@b>`, `""|sip:a@b||<>`},

		{``, `no`}, {`*`, `no`}, {`Alice`, `no`}, {`<sip:a@b`, `no`}, {`"Mr. J. User <sip:j@b>`, `no`},
		{`"A" sip:a@b`, `no`}, {`Bell, Alexander <sip:a@b>`, `no`}, {`A "B" <sip:a@b>`, `no`}, {`A;b <sip:a@b>`, `no`},
		{`< sip:a@b >`, `no`}, {`<>`, `no`}, {`<sip:a@b> tag=1`, `no`}, {`<sip:a@b>, <sip:c@d>`, `no`}, {`<sip:a@b>x`, `no`},
		{`sip:a@b, sip:c@d`, `no`}, {`sip:a@b x`, `no`}, {`sip:a <sip:a@b>`, `no`}, {`"A\"<sip:a@b>`, `no`},
	} {
		na, ok := ReadNameAddr([]byte(c.in))
		got := "no"
		if ok {
			part := func(s Span) string { return c.in[s.Off:s.End] }
			brackets := map[bool]string{true: "<>"}[na.Brackets]
			got = strings.Join([]string{part(na.Display), part(na.URI), part(na.Params), brackets}, "|")
		}
		if got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
	if _, ok := ReadNameAddr(make([]byte, MaxSize+1)); ok {
		t.Error("too large accepted")
	}
}

// view makes a message of bytes that are none, to read parts of.
func view(s string) (*Message, *Header) {
	return &Message{buf: []byte(s)}, &Header{Value: span(0, len(s))}
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a, b ,c`, `a|b|c`},
		{``, ``}, {`,`, ``}, {`;;,,;;,;`, `;;|;;|;`},
		{`"x, y" <sip:a,b@c>;p="1,2", <sip:d@e?x=1,2>`, `"x, y" <sip:a,b@c>;p="1,2"|<sip:d@e?x=1,2>`},
		{`"a\",b", c`, `"a\",b"|c`},
		{`SIP/2.0/UDP a (x, (y) \) ,z), SIP/2.0/UDP b`, `SIP/2.0/UDP a (x, (y) \) ,z)|SIP/2.0/UDP b`},
		{`sip:a(b@c, sip:d@e`, `sip:a(b@c|sip:d@e`},
		{`"open, a`, `"open, a`}, {`<open, a`, `<open|a`}, {`<a"b>, "c"`, `<a"b>|"c"`},
		{"a,\r\n b", `a|b`},
	} {
		m, h := view(c.in)
		var got []string
		for s := range m.Values(h) {
			got = append(got, string(m.Get(s)))
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		for range m.Values(h) {
			break // must not go on
		}
	}
	for range new(Message).Values(nil) {
		t.Error("values of no header")
	}
}

func TestParams(t *testing.T) {
	const in = ` ; TAG = x ;flag; q="a;\"b" ; e= ;;=v; last=[2001:db8::1]:5 `
	m, h := view(in)
	var got []string
	for p := range m.Params(h.Value) {
		got = append(got, string(m.Get(p.Name))+"="+string(m.Get(p.Value))+"@"+string(m.Get(p.Whole)))
	}
	want := `TAG=x@; TAG = x|flag=@;flag|q="a;\"b"@; q="a;\"b"|e=@; e=|last=[2001:db8::1]:5@; last=[2001:db8::1]:5`
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	for _, c := range []struct {
		name, value, whole string
		ok                 bool
	}{
		{"tag", "x", "; TAG = x", true}, {"FLAG", "", ";flag", true}, {"e", "", "; e=", true}, {"q", `"a;\"b"`, `; q="a;\"b"`, true}, {"b", "", "", false},
	} {
		value, whole, ok := m.Param(h.Value, c.name)
		if ok != c.ok || string(m.Get(value)) != c.value || string(m.Get(whole)) != c.whole {
			t.Errorf("%s: %q %q %v", c.name, m.Get(value), m.Get(whole), ok)
		}
	}
	m, h = view(`;%6C%72;lrx;%6`)
	if _, whole, ok := m.URIParam(h.Value, "LR"); !ok || string(m.Get(whole)) != ";%6C%72" {
		t.Error("escaped name not found")
	}
	if _, _, ok := m.Param(h.Value, "lr"); ok {
		t.Error("a header parameter knows no escapes")
	}
}

func TestMediaType(t *testing.T) {
	for _, c := range []struct {
		in            string
		ok            bool
		typ, boundary string
	}{
		{"application/sdp", true, "application/sdp", ""},
		{`Multipart / Mixed ; charset=x; boundary="a b\"`, true, "Multipart/Mixed", `a b\`},
		{"multipart/mixed;BOUNDARY=7a9cbec02ceef655", true, "multipart/mixed", "7a9cbec02ceef655"},
		{`multipart/mixed;boundary=""`, true, "multipart/mixed", ""},
		{"application", false, "", ""}, {"/sdp", false, "", ""}, {"a/", false, "", ""}, {"a/b c", false, "", ""}, {"", false, "", ""},
	} {
		m, h := view(c.in)
		mt, ok := m.MediaType(h.Value)
		if ok != c.ok {
			t.Errorf("%q: %v", c.in, ok)
			continue
		}
		if !ok {
			continue
		}
		if got := string(m.Get(mt.Type)) + "/" + string(m.Get(mt.Subtype)); got != c.typ || string(m.Get(mt.Boundary(m))) != c.boundary {
			t.Errorf("%q: %s, boundary %q", c.in, got, m.Get(mt.Boundary(m)))
		}
		typ, subtype, _ := strings.Cut(strings.ToUpper(c.typ), "/")
		if !mt.Is(m, typ, subtype) || !mt.Is(m, typ, "*") || mt.Is(m, "x", "*") || mt.Is(m, typ, "x") {
			t.Errorf("%q: Is", c.in)
		}
	}
	if _, ok := new(Message).ContentType(); ok {
		t.Error("type of no header")
	}
}
