package message

import (
	"strings"
	"testing"
)

// uriText writes the parts of a URI one after the other.
func uriText(b []byte, u URI) string {
	part := func(s Span) string { return string(b[s.Off:s.End]) }
	schemes := [...]string{SchemeOther: "other", SIP: "sip", SIPS: "sips", Tel: "tel", URN: "urn"}
	port := ""
	if u.Port != 0 {
		port = string(b[u.Host.End:][:1]) // a colon
	}
	return strings.Join([]string{schemes[u.Scheme], part(u.User), part(u.Password), part(u.Host), port, part(u.Params), part(u.Headers)}, "|")
}

func TestReadURI(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"sip:example.com", "sip|||example.com|||"},
		{"SIP:alice@example.com", "sip|alice||example.com|||"},
		{"sips:alice:secret@example.com:5061;transport=tls?subject=x&y=z", "sips|alice|secret|example.com|:|;transport=tls|?subject=x&y=z"},
		{"sip:+31705550100;phone-context=+31@gw.example.net;user=phone", "sip|+31705550100;phone-context=+31||gw.example.net||;user=phone|"},
		{"sip:*31*0612345678@gw.example.net", "sip|*31*0612345678||gw.example.net|||"},
		{"sip:#31#0612345678@gw.example.net", "sip|#31#0612345678||gw.example.net|||"},
		{"sip:%2331%23061234@gw", "sip|%2331%23061234||gw|||"},
		{"sip:user@[2001:db8::1]:5070;lr", "sip|user||[2001:db8::1]|:|;lr|"},
		{"sip:[2001:db8::10:5070]", "sip|||[2001:db8::10:5070]|||"},
		{"sip:a?b;c@host", "sip|a?b;c||host|||"},
		{"sip:@host", "sip|||host|||"},
		{"sip:host;maddr=192.0.2.1;lr", "sip|||host||;maddr=192.0.2.1;lr|"},
		{"sip:host?Route=%3Csip:x%3E", "sip|||host|||?Route=%3Csip:x%3E"},
		{"tel:+31705550100;phone-context=x", "tel|+31705550100||||;phone-context=x|"},
		{"TEL:112", "tel|112|||||"},
		{"urn:service:sos.police", "urn|service:sos.police|||||"},
		{"soap.beep://192.0.2.103:3002", "other||||||"},
		{"isbn:2983792873", "other||||||"},

		{"", "no"}, {"sip", "no"}, {"sip:", "no"}, {":x", "no"}, {"tel:", "no"}, {"tel:;x", "no"}, {"urn:", "no"},
		{"sip:alice@", "no"}, {"sip:host:", "no"}, {"sip:host:0", "no"}, {"sip:host:65536", "no"}, {"sip:host:5060x", "no"},
		{"sip:2001:db8::10", "no"}, {"sip:[2001:db8::10", "no"}, {"sip:[]", "no"}, {"sip:[g::1]", "no"},
		{"sip:a@b@c", "no"}, {"sip::x@b", "no"}, {"sip:a@ho st", "no"}, {"sip:a@host,b", "no"}, {"<sip:a@host>", "no"}, {"sip:a@h%6Fst", "no"},
	} {
		u, ok := ReadURI([]byte(c.in))
		got := "no"
		if ok {
			got = uriText([]byte(c.in), u)
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
	if _, ok := ReadURI(make([]byte, MaxSize+1)); ok {
		t.Error("too large accepted")
	}
}

func TestEscapes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"%2331%23", "#31#"}, {"%2A31%2a", "*31*"}, {"100%", "100%"}, {"%4", "%4"}, {"%zz", "%zz"}, {"%25%34%31", "%41"}, {"", ""},
	} {
		if got := string(AppendUnescaped(nil, []byte(c.in))); got != c.want {
			t.Errorf("%q: got %q", c.in, got)
		}
	}
	for _, c := range []struct{ in, want string }{
		{`"a \"b\" \\"`, `a "b" \`}, {`plain`, `plain`}, {`"`, `"`}, {`""`, ``}, {`"a\"`, `a\`},
	} {
		if got := string(AppendUnquoted(nil, []byte(c.in))); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestEqualHost(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Example.COM", "example.com.", true}, {"example.com", "example.net", false},
		{"[2001:db8::1]", "2001:DB8:0:0::1", true}, {"[2001:db8::1]", "[2001:db8::2]", false},
		{"[::ffff:192.0.2.1]", "[::ffff:c000:201]", true},
		{"[2001:db8:::192.0.2.1]", "2001:db8::192.0.2.1", true}, {"[2001:db8:::1]", "[2001:db8::1]", false},
		{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.10", false}, {".", ".", true}, {".", "", false}, {"a", "", false},
	} {
		if got := EqualHost([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s, %s: %v", c.a, c.b, got)
		}
	}
	if _, ok := HostAddr([]byte("fe80::1%eth0")); ok {
		t.Error("zone accepted")
	}
	if _, ok := HostAddr(nil); ok {
		t.Error("nothing accepted")
	}
}
