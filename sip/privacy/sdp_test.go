package privacy

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const tv28SDP = `v=0
o=jansen 3890844526 1 IN IP4 pc11.lan
s=Gesprek met Jan Jansen
i=0205550101
u=http://jansen.example/
e=jan@jansen.example (Jan Jansen)
p=+31 20 555 0101
c=IN IP4 203.0.113.9
t=0 0
a=tool:SIPPER 00155d112233
m=audio 4000 RTP/AVP 8
a=candidate:1 1 UDP 2130706431 192.0.2.11 4000 typ host
a=ssrc:12345 cname:jansen@192.0.2.11
a=sendrecv
`

// sdpTransit is an INVITE of A with that SDP, its first.
func sdpTransit(t testing.TB, sdp string) *Transit {
	tr := bodyTransit(t, "INVITE", "Content-Type: application/sdp\r\n", sdp)
	tr.Dialog.SDPVersion, tr.Dialog.HasSDP = 1, true
	return tr
}

func scrubbed(t testing.TB, tr *Transit, col column) string {
	t.Helper()
	m, err := plannedBody(t, tr, col)
	if err != nil {
		t.Fatal(err)
	}
	return bodyOfMessage(m)
}

// One line of SDP each: what a withheld caller's becomes towards U; "" when it goes.
func TestSDPLines(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := scrubbed(t, sdpTransit(t, line+"\r\n"), colUW); got != want+strings.Repeat("\r\n", min(1, len(want))) {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
	stays := func(lines ...string) {
		t.Helper()
		for _, l := range lines {
			f(l, l)
		}
	}
	goes := func(lines ...string) {
		t.Helper()
		for _, l := range lines {
			f("v=0\r\n"+l, "v=0")
		}
	}
	stays("v=0", "s=-", "c=IN IP4 203.0.113.9", "c=IN IP4 224.2.1.1/127/3", "c=IN IP6 2001:db8::1", "c=IN IP4 media.example.net",
		"b=AS:64", "t=0 0", "r=7d 1h 0 25h", "z=2882844526 -1h", "m=audio 4000 RTP/AVP 8 0 101", "m=audio 4000/2 RTP/SAVPF 8",
		"m=image 4000 udptl t38", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
		"a=sendrecv", "a=inactive", "a=rtpmap:8 PCMA/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=RTPMAP:8 PCMA/8000", "a=rtcp:4001",
		"a=rtcp:4001 IN IP4 203.0.113.9", "a=rtcp-mux", "a=mid:audio", "a=group:BUNDLE audio", "a=setup:actpass",
		"a=fingerprint:SHA-256 AA:BB", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "a=tls-id:abc",
		"a=msid:-", "a=T38FaxVersion:0", "a=curr:qos local none")
	goes("i=0205550101", "u=http://jansen.example/", "e=jan@jansen.example", "p=+31 20 555 0101", "k=clear:jan", "y=0100000001", "f=v/////a/1/8/1",
		"a=tool:SIPPER", "a=keywds:jan", "a=cat:jan", "a=lang:nl", "a=sdplang:nl", "a=charset:x", "a=identity:x", "a=key-mgmt:mikey AQ==",
		"a=candidate:1 1 UDP 2130706431 192.0.2.11 4000 typ host", "a=remote-candidates:1 192.0.2.11 4000", "a=end-of-candidates",
		"a=ice-ufrag:8hhY", "a=ice-pwd:asd88fgpdd777uzjYhagZg", "a=ice-options:trickle", "a=ice-lite", "a=path:msrp://192.0.2.11:2855/jan;tcp",
		"a=msrp-cname:jan@192.0.2.11", "a=X-nat:1 Symmetric", "a=unknown", "a=", "a=rtcp:jansen", "a=rtcp:205550101",
		"", "=", "x", "jansen", "V=0", "v =0", "s=a\rp=b", "b=a\x00", "\xff=x")
	f("v=1", "v=0")
	f("s=Gesprek met Jan", "s=-")
	f("c=IN IP4 203.0.113.9 jansen", "c=IN IP4 203.0.113.9")
	f("c=jansen", "c="+noAddress)
	f("c=IN IP4 0205550101.example", "c="+noAddress)
	f("m=message 2855 TCP/MSRP *", "m=message 0 TCP/MSRP *")
	f("m=message 2855 TCP/TLS/MSRP *", "m=message 0 TCP/TLS/MSRP *")
	f("m=audio 4000 RTP/AVP 0205550101", "m=audio 0 RTP/AVP 0")
	f("m=0205550101 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0")
	f("m=audio", "m=audio 0 RTP/AVP 0")
	f("m=audio 4000 RTP/AVP 20 55 50 101", "m=audio 4000 RTP/AVP 20 55 50 101")
	f("a=rtcp:4001 IN IP4 0205550101.example", "a=rtcp:4001 "+noAddress)
	f("v=0\r\na=fmtp:101 0205550101", "v=0")
	f("v=0\r\nb=0205550101", "v=0")
	f("t=205550101 0", "t=0 0")
	mapped := func(id string) string { return string(bodyKeys.MapID(nil, bornAt(epoch, 1), []byte(id))) }
	f("a=ssrc:1 cname:jan@192.0.2.11", "a=ssrc:1 cname:"+mapped("jan@192.0.2.11"))
	f("a=ssrc:1 msid:jan jan1", "a=ssrc:1 msid:"+mapped("jan")+" "+mapped("jan1"))
	f("a=ssrc:1 label:jan1", "a=ssrc:1 label:"+mapped("jan1"))
	f("a=msid:jan", "a=msid:"+mapped("jan"))
	f("a=msid:- jan1", "a=msid:- "+mapped("jan1"))
	f("a=msid-semantic: WMS jan", "a=msid-semantic:WMS "+mapped("jan"))
	f("a=label:jan", "a=label:"+mapped("jan"))
	f("a=floorid:1 mstrm:jan 11", "a=floorid:1 mstrm:"+mapped("jan")+" "+mapped("11"))
}

// TV28 with its re-INVITE: same session, next version.
func TestSDPOrigin(t *testing.T) {
	origin := regexp.MustCompile(`(?m)^o=- ([0-9]{1,8}) ([0-9]+) IN IP4 198\.51\.100\.2\r$`)
	read := func(tr *Transit) (session, version string) {
		t.Helper()
		text := scrubbed(t, tr, colUW)
		hit := origin.FindStringSubmatch(text)
		if hit == nil || strings.Contains(strings.ToLower(text), "jansen") {
			t.Fatalf("%s", text)
		}
		return hit[1], hit[2]
	}
	session, version := read(sdpTransit(t, onWire(tv28SDP)))
	if version != "1" {
		t.Errorf("first version %s", version)
	}
	next := onWire(strings.Replace(tv28SDP, "3890844526 1 ", "3890844526 2 ", 1))
	s2, v2 := read(sdpTransit(t, next))
	if s2 != session || v2 != "2" {
		t.Errorf("re-INVITE: session %s, version %s; was %s", s2, v2, session)
	}
	other := sdpTransit(t, onWire(tv28SDP))
	other.Dialog.ID[15]++
	if s, _ := read(other); s == session {
		t.Error("another call has the same session")
	}
	// Without a first version a number of the dialog's own is added.
	late := sdpTransit(t, onWire(tv28SDP))
	late.Dialog.HasSDP = false
	_, a := read(late)
	late = sdpTransit(t, next)
	late.Dialog.HasSDP = false
	_, b := read(late)
	var x, y int
	fmt.Sscan(a, &x)
	fmt.Sscan(b, &y)
	if x <= 1 || y != x+1 {
		t.Errorf("versions %s, %s", a, b)
	}
	f := func(line, want string) {
		t.Helper()
		if _, v := read(sdpTransit(t, line+"\r\n")); v != want {
			t.Errorf("%q: version %s, want %s", line, v, want)
		}
	}
	f("o=- 1 0 IN IP4 x", "1")
	f("o=- 1 x IN IP4 x", "1")
	f("o=- 1", "1")
	f("o=", "1")
	f("o=- 1 99999999999999999999 IN IP4 x", "1")
	f("o=-  1   3 IN IP4 x", "3")
}

func TestSDPAddress(t *testing.T) {
	f := func(contact, want string) {
		t.Helper()
		tr := sdpTransit(t, "o=- 1 1 IN IP4 192.0.2.11\r\n")
		tr.Next.Contact = contact
		if got := scrubbed(t, tr, colUW); !strings.HasSuffix(got, " 1 IN "+want+"\r\n") {
			t.Errorf("%s: %q", contact, got)
		}
	}
	f("198.51.100.1:5060", "IP4 198.51.100.1")
	f("198.51.100.1", "IP4 198.51.100.1")
	f("[2001:db8::1]:5060", "IP6 2001:db8::1")
	f("[2001:db8::1]", "IP6 2001:db8::1")
	f("gw.example.net:5060", "IP4 gw.example.net")
	f("gw.example.net", "IP4 gw.example.net")
}

func TestSDPKeepsLineEnds(t *testing.T) {
	if got := scrubbed(t, sdpTransit(t, "v=0\ns=x\r\nt=0 0"), colTW); got != "v=0\ns=-\r\nt=0 0" {
		t.Errorf("%q", got)
	}
}

// Privacy: session on a call that shows its caller.
func TestSDPScrubbedOnRequest(t *testing.T) {
	for _, col := range []column{colTN, colUN} {
		tr := sdpTransit(t, onWire(tv28SDP))
		tr.Call.ScrubMedia = true
		if got := scrubbed(t, tr, col); strings.Contains(strings.ToLower(got), "jansen") {
			t.Errorf("column %d: %s", col, got)
		}
		tr = sdpTransit(t, onWire(tv28SDP))
		tr.Dialog.ScrubMedia = true
		if got := scrubbed(t, tr, col); strings.Contains(strings.ToLower(got), "jansen") {
			t.Errorf("column %d, later: %s", col, got)
		}
	}
	tr := sdpTransit(t, onWire(tv28SDP))
	tr.Call.ScrubMedia = true
	if got := scrubbed(t, tr, colE); got != onWire(tv28SDP) {
		t.Errorf("emergency: %s", got)
	}
}

func FuzzSDP(f *testing.F) {
	f.Add([]byte(tv28SDP))
	f.Add([]byte(onWire(tv28SDP)))
	f.Add([]byte("o=\r\nm=\r\nc=\r\na=ssrc:\r\na=rtcp:\r\n=\r\nx"))
	n := needles(f, "31205550101")
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 8000 {
			return
		}
		tr := sdpTransit(t, string(body))
		got := []byte(scrubbed(t, tr, colUW))
		if leak, ok := n.Find(append([]byte("\r\n"), got...)); ok {
			t.Errorf("%+v in %q", leak, got)
		}
		for line := range bytes.Lines(got) {
			if len(line) < 2 || line[1] != '=' || strings.IndexByte("vostrzbcma", line[0]) < 0 {
				t.Errorf("line %q in %q", line, got)
			}
		}
		// What was scrubbed once has nothing left to scrub but what is counted.
		if again := scrubbed(t, sdpTransit(t, string(got)), colUW); len(again) > 0 && bytes.Count(got, []byte("\n")) != strings.Count(again, "\n") {
			t.Errorf("%q becomes %q", got, again)
		}
	})
}
