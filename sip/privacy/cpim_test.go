package privacy

import (
	"strings"
	"testing"
)

func TestCPIM(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "MESSAGE", "Content-Type: message/cpim\r\n", onWire(body)), colUW)
		switch {
		case want == "" && err != ErrUnsupportedBody:
			t.Errorf("%q: %v", body, err)
		case want != "" && (err != nil || bodyOfMessage(m) != onWire(want)):
			t.Errorf("%q becomes %q, want %q; %v", body, bodyOfMessage(m), want, err)
		}
	}
	const anon = "From: <sip:anonymous@anonymous.invalid>\n"
	// TV43
	f("From: Jan Jansen <sip:+31205550101@gw.example.net>\nTo: <sip:+31705550199@gw.example.net>\nDateTime: 2026-11-23T10:00:00Z\n\nContent-Type: text/plain\n\nhallo\n",
		anon+"To: <sip:+31705550199@gw.example.net>\nDateTime: 2026-11-23T10:00:00Z\n\nContent-Type: text/plain\n\nhallo\n")
	f("to: <sip:x>\nfrom: <sip:jan>\ncc: Jan <sip:jan>\nSubject: Jan\nNS: imdn <urn:ietf:params:imdn>\nimdn.Message-ID: jan@x\n\nContent-type: text/plain; name=jan\n\nhallo",
		anon+"to: <sip:x>\n\nContent-Type: text/plain\n\nhallo")
	f("From: <sip:jan>\n\nContent-Type: message/imdn+xml\nContent-Disposition: notification\nContent-Length: 60\n\n<imdn><recipient-uri>im:jan@x</recipient-uri></imdn>",
		anon+"\nContent-Type: message/imdn+xml\nContent-Disposition: notification\n\n<imdn><recipient-uri>sip:anonymous@anonymous.invalid</recipient-uri></imdn>")
	f("To: <sip:0205550101@x>\n\n\nhallo", anon+"\nContent-Type: text/plain\n\nhallo")
	f("From: <sip:jan>\n\nContent-Type: application/pidf+xml\n\n<jan/>", "")
	f("From: <sip:jan>\n\nContent-Type: message/cpim\n\nFrom: <sip:jan>\n\n\nhallo", anon+"\nContent-Type: message/cpim\n\n"+anon+"\nContent-Type: text/plain\n\nhallo")
	f("From: <sip:jan>", "")
	f("From: <sip:jan>\n", "")
	f(strings.Repeat("From: <sip:jan>\n\nContent-Type: message/cpim\n\n", 20)+"From: <x>\n\n\nx", "")
}

func TestIMDN(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		m, err := plannedBody(t, bodyTransit(t, "NOTIFY", "Content-Type: message/imdn+xml\r\n", body), colUW)
		if err != nil || bodyOfMessage(m) != want {
			t.Errorf("%q becomes %q, want %q; %v", body, bodyOfMessage(m), want, err)
		}
	}
	const anon = "sip:anonymous@anonymous.invalid"
	f(`<?xml version="1.0"?><imdn xmlns="urn:x"><message-id>34jk</message-id><original-recipient-uri>im:jan@x</original-recipient-uri><subject>Jan</subject><delivery-notification/></imdn>`,
		`<?xml version="1.0"?><imdn xmlns="urn:x"><message-id>34jk</message-id><original-recipient-uri>`+anon+`</original-recipient-uri><subject></subject><delivery-notification/></imdn>`)
	f(`<i:imdn><i:recipient-uri a="b">jan</i:recipient-uri></i:imdn>`, `<i:imdn><i:recipient-uri a="b">`+anon+`</i:recipient-uri></i:imdn>`)
	f(`<recipient-uri/>`, `<recipient-uri/>`)
	f(`<recipient-uri>jan`, ``)
	f(`<recipient-uri><b>jan</b></recipient-uri>`, ``)
	f(`<recipient-uri`, ``)
	f(`<imdn>0205550101</imdn>`, ``)
}

func FuzzCPIM(f *testing.F) {
	f.Add([]byte("From: <sip:jan>\r\nTo: <sip:x>\r\n\r\nContent-Type: text/plain\r\n\r\nhallo"))
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("From: <sip:jan>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<recipient-uri>x</recipient-uri>"))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzBody(t, "message/cpim", body) })
}
