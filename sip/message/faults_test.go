package message

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// edited is invite with the first old replaced.
func edited(t *testing.T, old, new string) string {
	t.Helper()
	if !strings.Contains(invite, old) {
		t.Fatalf("no %q in the message", old)
	}
	return strings.Replace(invite, old, new, 1)
}

func TestFaults(t *testing.T) {
	const (
		answer = true
		drop   = false
	)
	from := "\"A, \\\"B\\\" <sip:x@y>\" <sip:+31705550100@gw.example.net>;tag=a1b2"
	for _, c := range []struct {
		old, new string
		fault    Fault
		header   HeaderID
		answer   bool
	}{
		{"", "", NoFault, HOther, answer},
		{"", "\r\n\r\n\n", NoFault, HOther, answer}, // RFC 3261 7.5
		{"\r\n", "\n", NoFault, HOther, answer},
		{"INVITE sip:", "GET /sip:", BadRequestURI, HOther, answer},
		{"SIP/2.0\r\n", "sip/2.0\r\n", NoFault, HOther, answer},
		{"SIP/2.0\r\n", "HTTP/1.1\r\n", BadStartLine, HOther, drop},
		{"SIP/2.0\r\n", "SIP/2.1\r\n", BadVersion, HOther, answer},
		{"SIP/2.0\r\n", "SIP/2.00\r\n", BadVersion, HOther, answer},
		{" SIP/2.0\r\n", "\r\n", BadStartLine, HOther, drop},
		{"INVITE sip:+31612345678@gw.example.net;user=phone ", "INVITE ", BadRequestURI, HOther, answer},
		{"INVITE sip:", "INV(ITE sip:", BadStartLine, HOther, drop},
		{"INVITE sip:", " INVITE sip:", BadStartLine, HOther, drop},
		{"INVITE sip:", "INVITE\tsip:", BadStartLine, HOther, drop},
		{"INVITE sip:", "INVITE  sip:", BadStartLine, HOther, answer},
		{"INVITE sip:+31612345678@gw.example.net;user=phone", "INVITE tel:+31612345678", NoFault, HOther, answer},
		{"INVITE sip:+31612345678@gw.example.net;user=phone", "INVITE urn:service:sos", NoFault, HOther, answer},
		{"INVITE sip:+31612345678@gw.example.net;user=phone", "INVITE x:y", NoFault, HOther, answer},
		{"INVITE sip:+31612345678@", "INVITE sip:#31#0612345678@", NoFault, HOther, answer},
		{"gw.example.net;user=phone", "gw.example.net;user=phone?a=b", NoFault, HOther, answer},
		{"gw.example.net;user=phone", "gw.example.net:x", BadRequestURI, HOther, answer},

		{"Max-Forwards: 70\r\n", "", NoFault, HOther, answer},
		{"Max-Forwards: 70", "Max-Forwards: -1", BadMaxForwards, HMaxForwards, answer},
		{"Max-Forwards: 70", "Max-Forwards:", BadMaxForwards, HMaxForwards, answer},
		{"Max-Forwards: 70", "Max-Forwards: 300", NoFault, HOther, answer},
		{"Max-Forwards: 70", "Max-Forwards: 70\r\nMAX-FORWARDS: 70", RepeatedHeader, HMaxForwards, answer},
		{"Max-Forwards: 70", "no colon", BadHeader, HOther, answer},
		{"Max-Forwards: 70", ": x", BadHeader, HOther, answer},
		{"Max-Forwards: 70", "a b: x", BadHeader, HOther, answer},
		{"Max-Forwards: 70", "Subject: a\rPrivacy: none", BadHeader, HOther, answer},
		{"Max-Forwards: 70", "Subject: \x00 \x7f <\"", NoFault, HOther, answer},
		{"Max-Forwards: 70", "Contact: <<<\"", NoFault, HOther, answer},
		{"Via: SIP/2.0/UDP 192.0.2.10:5060", " Via: SIP/2.0/UDP 192.0.2.10:5060", BadHeader, HOther, answer},

		{"From: ", "X: ", MissingHeader, HFrom, answer},
		{"To: ", "X: ", MissingHeader, HTo, answer},
		{"Call-ID: ", "X: ", MissingHeader, HCallID, answer},
		{"CSeq: ", "X: ", MissingHeader, HCSeq, answer},
		{"To: ", "F: <sip:a@b>\r\nTo: ", RepeatedHeader, HFrom, answer},
		{"To: ", "i: x\r\nTo: ", RepeatedHeader, HCallID, answer},
		{from, "<sip:a@b>", NoFault, HOther, answer}, // no tag: RFC 2543
		{from, "<nonsense>;tag=x", NoFault, HOther, answer},
		{from, "<sip:a@b>;tag=x;TAG=y", BadAddress, HFrom, answer},
		{from, "<sip:a@b>;tag=x y", BadAddress, HFrom, answer},
		{from, "<sip:a@b>;;tag=x;", NoFault, HOther, answer},
		{from, "<sip:a@b>;=;tag=x", BadAddress, HFrom, answer},
		{from, "<sip:a@b> x;tag=x", BadAddress, HFrom, answer},
		{from, "<sip:a@b>;tag=x, <sip:c@d>", BadAddress, HFrom, answer},
		{from, "<sip:a@b>;tag=\"x", BadAddress, HFrom, answer},
		{from, "<sip:a@b>;x=\"\\\",;\";tag=y", NoFault, HOther, answer},
		{"To: <sip:+31612345678@gw.example.net>", "To: *", BadAddress, HTo, answer},
		{"call-1@192.0.2.10", "", BadCallID, HCallID, answer},
		{"call-1@192.0.2.10", "a b", BadCallID, HCallID, answer},
		{"314 INVITE", "314", BadCSeq, HCSeq, answer},
		{"314 INVITE", "INVITE", BadCSeq, HCSeq, answer},
		{"314 INVITE", "314INVITE", BadCSeq, HCSeq, answer},
		{"314 INVITE", "4294967296 INVITE", BadCSeq, HCSeq, answer},
		{"314 INVITE", "4294967295\r\n\tINVITE", NoFault, HOther, answer},
		{"314 INVITE", "314 INVITE x", BadCSeq, HCSeq, answer},
		{"314 INVITE", "314 invite", WrongCSeqMethod, HCSeq, answer},
		{"INVITE sip:", "OTHER sip:", UnknownMethod, HCSeq, answer},
		{"INVITE sip:", "ACK sip:", WrongCSeqMethod, HCSeq, drop},

		{"SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnashds8;rport, ", "", NoFault, HOther, answer},
		{"192.0.2.10:5060;branch=z9hG4bKnashds8;rport", "192.0.2.10 : 5060 ; branch = x (c, d)", BadVia, HVia, answer},
		{"192.0.2.10:5060;branch=z9hG4bKnashds8;rport", "192.0.2.10 (c, d)", NoFault, HOther, answer},
		{";rport", ";rport;branch=other", BadVia, HVia, answer},
		{";rport", ";;rport", BadVia, HVia, answer},
		{";rport, ", ";rport,, ", BadVia, HVia, answer},
		{";rport, SIP/2.0/TCP a.example;branch=z9hG4bKx", ";rport, ", BadVia, HVia, answer},
		{"SIP/2.0/UDP", ",SIP/2.0/UDP", BadVia, HVia, answer},
		{";rport", ";rport;x=\"", BadVia, HVia, answer},
		{"SIP/2.0/UDP 192.0.2.10:5060", "SIP/2.0/UDP", BadVia, HVia, drop},
		{"SIP/2.0/UDP 192.0.2.10:5060", "SIP/2.0 192.0.2.10", BadVia, HVia, drop},
		{"SIP/2.0/UDP 192.0.2.10:5060", "SIP/2.0/UDP 192.0.2.10:0", BadVia, HVia, drop},
		{"SIP/2.0/UDP 192.0.2.10:5060", "SIP/2.0/UDP 2001:db8::1", BadVia, HVia, drop},
		{"SIP/2.0/UDP 192.0.2.10:5060", "SIP//UDP x", BadVia, HVia, drop},

		{"<sip:p1.example;lr>", "sip:p1.example", NoFault, HOther, answer},
		{"<sip:p1.example;lr>", "<sip:p1 example;lr>", BadRoute, HRoute, answer},
		{"<sip:p1.example;lr>", "<sip:;lr>", BadRoute, HRoute, answer},
		{"<sip:p1.example;lr>,<sip:p2.example;lr>", "", BadRoute, HRoute, answer},

		{"Content-Length: 5", "", NoFault, HOther, answer},
		{"Content-Length: 5", "l:\t0000005", NoFault, HOther, answer},
		{"Content-Length: 5", "Content-Length: 4", NoFault, HOther, answer},
		{"Content-Length: 5", "Content-Length: 6", ShortBody, HContentLength, answer},
		{"Content-Length: 5", "Content-Length: +5", BadContentLength, HContentLength, answer},
		{"Content-Length: 5", "Content-Length: five", BadContentLength, HContentLength, answer},
		{"Content-Length: 5", "Content-Length: 5, 5", BadContentLength, HContentLength, answer},
		{"Content-Length: 5", "Content-Length:", BadContentLength, HContentLength, answer},
		{"Content-Length: 5", "Content-Length: 18446744073709551621", BadContentLength, HContentLength, answer},
		{"Content-Length: 5", "Content-Length: 5\r\nl: 5", NoFault, HOther, answer},
		{"Content-Length: 5", "Content-Length: 5\r\nl: 4", BadContentLength, HContentLength, answer},
		{"Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n", Unfinished, HOther, answer},
	} {
		name := fmt.Sprintf("%.20q to %.30q", c.old, c.new)
		var m Message
		err := m.Parse([]byte(edited(t, c.old, c.new)))
		var pe ParseError
		if err != nil && !errors.As(err, &pe) {
			t.Fatalf("%s: %T", name, err)
		}
		if pe.Fault != c.fault || pe.Header != c.header || m.Answerable() != c.answer {
			t.Errorf("%s: got %v %q answerable %v, want %v %q %v", name, pe.Fault, pe.Header, m.Answerable(), c.fault, c.header, c.answer)
		}
		if err != nil && (!errors.Is(err, c.fault) || strings.Contains(err.Error(), "31612345678")) {
			t.Errorf("%s: error text %v", name, err)
		}
	}
}

func TestResponseFaults(t *testing.T) {
	const ok = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 7 PRACK\r\n\r\n"
	for _, c := range []struct {
		old, new string
		fault    Fault
	}{
		{"", "", NoFault}, {"180 Ringing", "180 ", NoFault}, {"180 Ringing", "180", NoFault}, {"SIP/2.0", "sIp/2.0", NoFault},
		{"180", "99", BadStatus}, {"180", "700", BadStatus}, {"180", "0180", BadStatus}, {"180", "-18", BadStatus}, {"180", "18a", BadStatus},
		{"SIP/2.0 ", "SIP/3.0 ", BadVersion}, {"SIP/2.0 180 Ringing", "SIP/2.0", BadVersion}, {" Ringing", " Ring\ring", BadStartLine},
		{"Call-ID: x\r\n", "", MissingHeader}, {"7 PRACK", "x", BadCSeq}, {"Via: SIP/2.0/UDP a", "Via: x", BadVia},
		{"CSeq", "Max-Forwards: x\r\nRoute: y\r\nCSeq", NoFault},
	} {
		var m Message
		err := m.Parse([]byte(strings.Replace(ok, c.old, c.new, 1)))
		if (c.fault == NoFault) != (err == nil) || err != nil && !errors.Is(err, c.fault) || m.Answerable() || m.IsRequest() {
			t.Errorf("%q: got %v, want %v", c.new, err, c.fault)
		}
		if err == nil && (m.Method() != PRACK || string(m.MethodName()) != "PRACK" || m.Status() != 180) {
			t.Errorf("%q: %v %d", c.new, m.Method(), m.Status())
		}
	}
}

func TestSizes(t *testing.T) {
	var m Message
	if err := m.Parse([]byte("\r\n\r\n")); !errors.Is(err, Empty) || m.Answerable() {
		t.Error(err)
	}
	if err := m.Parse(nil); !errors.Is(err, Empty) {
		t.Error(err)
	}
	long := edited(t, "Call-ID", strings.Repeat("X: y\r\n", MaxHeaders-11)+"Call-ID")
	if err := m.Parse([]byte(long)); err != nil || len(m.Headers()) != MaxHeaders || m.First(HContentLength) == nil {
		t.Error(err, len(m.Headers()))
	}
	err := m.Parse([]byte(strings.Replace(long, "X: y\r\n", "X: y\r\nX: y\r\n", 1)))
	if !errors.Is(err, TooManyHeaders) || TooManyHeaders.Status() != 513 || !m.Answerable() {
		t.Error(err, len(m.Headers()))
	}
	big := edited(t, "Content-Length: 5\r\n\r\n", "Content-Length: 70000\r\n\r\n"+strings.Repeat("x", 70000))
	if err = m.Parse([]byte(big)); !errors.Is(err, TooLarge) || !m.Answerable() {
		t.Error(err)
	}
	full := strings.Replace(big[:MaxSize], "70000", fmt.Sprint(MaxSize-strings.Index(big, "\r\n\r\n")-4), 1)
	if err = m.Parse([]byte(full)); err != nil || int(m.Body().End) != MaxSize {
		t.Error(err, m.Body())
	}
}

func TestFaultTexts(t *testing.T) {
	seen := map[string]bool{}
	for f := range faultCount + 1 {
		s := f.Status()
		if f.String() == "" || seen[f.String()] || s != 400 && s != 501 && s != 505 && s != 513 {
			t.Errorf("%d: %q %d", f, f, s)
		}
		seen[f.String()] = true
	}
}

func TestHeaderNames(t *testing.T) {
	for id := HOther + 1; id < headerCount; id++ {
		n := headerNames[id]
		names := []string{n.long, strings.ToUpper(n.long), strings.ToLower(n.long)}
		if n.compact != 0 {
			names = append(names, string(n.compact), strings.ToUpper(string(n.compact)))
		}
		for _, name := range names {
			if got := LookupHeader([]byte(name)); got != id {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
	for _, name := range []string{"", "z", "\x00", "Vi", "Viaa", "C%6Fntact", "V\x49A"} {
		if got := LookupHeader([]byte(name)); got != HOther && name != "V\x49A" {
			t.Errorf("%q: %q", name, got)
		}
	}
	if headerCount.String() != "" || HOther.String() != "" {
		t.Error("names of nothing")
	}
}

func TestMethodNames(t *testing.T) {
	for m := INVITE; m < MethodOther; m++ {
		if LookupMethod([]byte(m.String())) != m || m.String() == "" {
			t.Error(m)
		}
	}
	if LookupMethod([]byte("Invite")) != MethodOther || LookupMethod(nil) != MethodNone || MethodOther.String() != "" {
		t.Error("methods are case-sensitive")
	}
}
