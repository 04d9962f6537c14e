package proxy

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// spelled is A's number as people, devices and attackers write it.
var spelled = []string{
	"+31205550101", "0205550101", "0031205550101", "020-555 01 01", "(020) 555.01.01", "020/5550101", "+31 (0)20 555 01 01", "0.2.0.5.5.5.0.1.0.1",
	"%30%32%305550101", "02055501%301", "%2B31205550101", "%2530205550101", `0\2\0\5550101`, "30323035353530313031", "MDIwNTU1MDEwMQ==",
	"eyJvcmlnIjp7InRuIjoiMzEyMDU1NTAxMDEifX0", "０２０５５５０１０１", "%EF%BC%90205550101", "٠٢٠٥٥٥٠١٠١", "020\u200b555\u20110101", "020\u00a0555\u00ad0101",
}

// telling is what tells who A is without its number.
var telling = []string{"Jan Jansen", "JANSEN", "pc11.lan", "192.0.2.11", "00155d112233", "urn:gsma:imei:35693803-564380-0"}

// anyHeader is a header field's name, long or compact, in any case.
var anyHeader = strings.Fields(`Subject s Organization User-Agent Server Call-Info Alert-Info Error-Info Warning Reason Retry-After Timestamp
	Reply-To In-Reply-To History-Info Diversion CC-Diversion Referred-By b Refer-To r Replaces Join Target-Dialog Identity y Identity-Info n
	P-Asserted-Identity P-Preferred-Identity Remote-Party-ID P-Served-User P-Charge-Info P-Charging-Vector P-Access-Network-Info P-Called-Party-ID
	P-Associated-URI Geolocation Geolocation-Routing Geolocation-Error User-to-User Session-ID Priority Accept-Language Content-Language Accept
	Allow Supported k Require Unsupported Allow-Events u Event o Subscription-State Expires Session-Expires x Min-SE RSeq RAck Date
	Accept-Contact a Reject-Contact j Request-Disposition d Feature-Caps Resource-Priority Answer-Mode P-Early-Media Info-Package Recv-Info
	SIP-ETag SIP-If-Match Content-ID Content-Disposition Content-Description Content-Location Content-Encoding e MIME-Version Via v Record-Route
	Path Service-Route Authorization Proxy-Authorization WWW-Authenticate Authentication-Info X-Caller X-Asterisk-Extra P-CID Attestation-Info
	Origination-Id Contribution-ID Conversation-ID Refer-Sub Max-Breadth Accept-Encoding Security-Client Flow-Timer P-Answer-State Cellular-Network-Info`)

var anyForm = []string{
	"%s", "<sip:%s@gw.example.net>", "<tel:%s>", `"%s" <sip:bob@far.example>;reason=x`, "<sip:bob@far.example;x=%s>;index=1", "<sip:bob@%s;user=phone>",
	`SIP;cause=480;text="%s"`, `399 %s "%s"`, "<https://host/%s.png>;purpose=icon", "<cid:%s>", "token, %s", "x;y=%s", "id;%s", "dialog;call-id=%s;from-tag=%s",
	"%s;to-tag=1;from-tag=%s", "<sip:bob@far.example?Replaces=%s%%3Bfrom-tag%%3D1>", "1800;refresher=%s", "1 %s INVITE", "<urn:alert:%s>", `"unclosed %s`, "<unclosed %s",
	"SIP/2.0/UDP %s;branch=z9hG4bK%s", "active;reason=%s", "info;%s=1", "(%s)", "eyJ.%s.sig;info=<https://c/%s>;ppt=shaken", "session;handling=optional;filename=%s", "",
}

// drawSecret is something of A.
func drawSecret(t *rapid.T) string {
	if rapid.IntRange(0, 2).Draw(t, "word") == 0 {
		return rapid.SampledFrom(telling).Draw(t, "secret")
	}
	return rapid.SampledFrom(spelled).Draw(t, "secret")
}

func drawHeader(t *rapid.T) string {
	name := rapid.SampledFrom(anyHeader).Draw(t, "name")
	switch rapid.IntRange(0, 3).Draw(t, "case") {
	case 0:
		name = strings.ToUpper(name)
	case 1:
		name = strings.ToLower(name)
	}
	secret := drawSecret(t)
	value := strings.ReplaceAll(strings.ReplaceAll(rapid.SampledFrom(anyForm).Draw(t, "form"), "%s", secret), "%%", "%")
	if rapid.IntRange(0, 4).Draw(t, "folded") == 0 {
		value = strings.ReplaceAll(value, " ", "\n\t ")
	}
	return name + rapid.SampledFrom([]string{": ", ":", " :  ", "\t:\n "}).Draw(t, "colon") + value
}

// anyBody is a media type and a body in which %s is something of A.
var anyBody = [][2]string{
	{"application/sdp", "v=0\r\no=%s 1 1 IN IP4 192.0.2.11\r\ns=%s\r\ni=%s\r\nu=http://pc11.lan/%s\r\ne=%s\r\np=%s\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\nk=prompt\r\na=tool:%s\r\nm=audio 4000 RTP/AVP 8\r\ni=%s\r\na=ssrc:1 cname:%s\r\na=x-own:%s\r\n"},
	{"application/pidf+xml", `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:%s@gw"><tuple id="%s"/></presence>`},
	{"application/vnd.etsi.mcid+xml", `<mcid><response><OrigPartyIdentity>%s</OrigPartyIdentity></response></mcid>`},
	{"application/resource-lists+xml", `<resource-lists><list><entry uri="sip:%s@gw"/></list></resource-lists>`},
	{"application/dialog-info+xml", `<dialog-info entity="%s"/>`},
	{"application/vnd.oma.xcap-directory+xml", "<x>%s</x>"},
	{"message/sipfrag;version=2.0", "SIP/2.0 200 %s\r\nFrom: %s\r\nContact: <sip:%s@pc11.lan>\r\n"},
	{"message/sip", "INVITE sip:b@c SIP/2.0\r\nFrom: <sip:%s@gw>\r\n\r\n"},
	{"message/cpim", "From: %s <sip:%s@gw.example.net>\r\nTo: <sip:b@c>\r\nSubject: %s\r\nNS: x <%s>\r\n\r\nContent-Type: text/plain\r\n\r\nhallo"},
	{"application/isup;version=itu-t92+;base=%s", "\x01\x00\x20\x01\x0a\x00\x02\x08\x06\x02\x10\x02\x55\x05\x01\x01\x0a\x08\x84\x13\x13\x02\x55\x05\x01\x01\x00"},
	{"application/octet-stream;name=%s", "%s"},
	{"text/vcard", "BEGIN:VCARD\r\nTEL:%s\r\nEND:VCARD\r\n"},
	{"text/plain;charset=utf-8;name=%s", "hallo"},
	{"application/dtmf-relay;x=%s", "Signal=5\r\nDuration=160\r\n"},
	{"application/im-iscomposing+xml", "<isComposing><state>active</state><contact>%s</contact></isComposing>"},
	{"%s/plain", "%s"},
	{"multipart/alternative;boundary=%s", "--%s\r\nContent-Type: application/pidf+xml\r\n\r\n%s\r\n--%s--\r\n"},
}

func drawBody(t *rapid.T, depth int) (kind, body string) {
	if depth < 6 && rapid.IntRange(0, 3).Draw(t, "multipart") == 0 {
		var b strings.Builder
		boundary := rapid.SampledFrom([]string{"b", "0205550101", "Jansen", "b b"}).Draw(t, "boundary")
		b.WriteString("preamble " + drawSecret(t) + "\r\n")
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			kind, body := drawBody(t, depth+1)
			fmt.Fprintf(&b, "--%s\r\nContent-Type: %s\r\nContent-ID: <%s@pc11.lan>\r\nContent-Description: %s\r\nX-Part: %s\r\n\r\n%s\r\n", boundary, kind, drawSecret(t), drawSecret(t), drawSecret(t), body)
		}
		fmt.Fprintf(&b, "--%s--\r\nepilogue %s", boundary, drawSecret(t))
		return "multipart/" + rapid.SampledFrom([]string{"mixed", "signed", "related", "digest"}).Draw(t, "subtype") + ";boundary=\"" + boundary + "\";start=\"<" + drawSecret(t) + ">\"", b.String()
	}
	pair := rapid.SampledFrom(anyBody).Draw(t, "body")
	secret := drawSecret(t)
	return strings.ReplaceAll(pair[0], "%s", secret), strings.ReplaceAll(pair[1], "%s", secret)
}

// drawExtra is header lines and a body for a message of A.
func drawExtra(t *rapid.T) (extra []string) {
	for range rapid.IntRange(0, 6).Draw(t, "headers") {
		extra = append(extra, drawHeader(t))
	}
	if rapid.Bool().Draw(t, "with body") {
		kind, body := drawBody(t, 0)
		extra = append(extra, rapid.SampledFrom([]string{"Content-Type", "c", "CONTENT-TYPE"}).Draw(t, "ctype")+": "+kind, "body:"+body)
	}
	return extra
}

var anyMethod = []string{"INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY", "INFO", "UPDATE", "PRACK", "FOO", "BYE"}

// drawFrom is how A shows itself.
func drawFrom(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		fromA, `"Jan \"020\" 5550101" <sip:+31205550101@pc11.lan;x=Jansen?Subject=Jansen>`, "sip:+31205550101@gw.example.net", "<tel:+31-20-555-01-01;x=Jansen>",
		"Jan Jansen <SIP:%2B3120%355550101@gw.example.net;user=phone>;x=Jansen", "<sip:0205550101@192.0.2.11>", `"Ｊａｎ ０２０５５５０１０１" <sip:+31205550101@gw.example.net>`,
	}).Draw(t, "from")
}

// TestAttackOutsideDialogs: whatever a caller that withholds its number sends, of any method,
// what leaves towards U tells nothing of it.
func TestAttackOutsideDialogs(t *testing.T) {
	r := newRig(t)
	left := 0
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom(anyMethod).Draw(t, "method")
		dialled := rapid.SampledFrom([]string{"*31*0705550199", "%2A31%2a0705550199", "1310705550199", "%2331%23+31705550199", "0705550199"}).Draw(t, "dialled")
		extra := drawExtra(t)
		if dialled == "0705550199" {
			extra = append(extra, rapid.SampledFrom([]string{"Privacy: id", "privacy:\n HEADER", "Privacy: foo", "Privacy: none\nPrivacy: user", "Privacy:"}).Draw(t, "privacy"))
		}
		text := crlf(r.a.initial(method, dialled, drawFrom(t), extra...))
		from, _ := r.gw.proxy.SourceOf("A")
		e, err := r.gw.proxy.Explain(context.Background(), []byte(text), from, nil)
		if err != nil || e.After == nil {
			return // no message, or refused
		}
		left++
		if what := revealed(string(e.After)); what != "" {
			t.Fatalf("%s in\n%s\nwhich was\n%s", what, e.After, text)
		}
	})
	if left == 0 {
		t.Error("nothing was let through")
	}
}

// until waits for a message to one of two agents that ends an exchange, and looks at all that
// come to B meanwhile.
func (r *rig) until(t *rapid.T, ends func(to *agent, m msg) bool) {
	for limit := time.After(patience); ; {
		to := r.a
		var m msg
		select {
		case m = <-r.a.in:
		case m = <-r.b.in:
			to = r.b
			if what := revealed(m.raw); what != "" {
				t.Fatalf("%s in\n%s", what, m.raw)
			}
		case <-limit:
			t.Fatal("nothing came of it")
		}
		if ends(to, m) {
			return
		}
	}
}

// TestAttackInDialog: nor does anything that it sends in a dialog, its answers to the other
// side's requests included.
func TestAttackInDialog(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	arrived := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom(anyMethod).Draw(t, "method")
		extra := drawExtra(t)
		if rapid.Bool().Draw(t, "with contact") {
			extra = append([]string{`Contact: "Jan Jansen" <sip:+31205550101@192.0.2.11;x=pc11>;+sip.instance="<urn:uuid:00155d112233>"`}, extra...)
		}
		answers := rapid.Bool().Draw(t, "answers")
		request := crlf(c.caller.request(method, extra...))
		from, to := r.a, r.b
		if answers {
			request, from, to = crlf(c.callee.request(method)), r.b, r.a
		}
		status := rapid.SampledFrom([]string{"488 Jan Jansen", "480 %30205550101", "606 pc11.lan", "401 Jansen"}).Draw(t, "status")
		if method != "INVITE" && rapid.Bool().Draw(t, "accepted") {
			status = "200 Jan Jansen"
		}
		from.send(r.gw.addr, request)
		branch := branchOf(request)
		r.until(t, func(at *agent, m msg) bool {
			if at == to && strings.HasPrefix(m.start, method+" ") {
				reply := m.response(status, "", extra...)
				if !answers {
					reply = m.response(strings.Fields(status)[0]+" No", "")
				}
				to.send(r.gw.addr, reply)
				arrived[answers]++
			}
			return at == from && strings.HasPrefix(m.start, "SIP/2.0 ") && !strings.HasPrefix(m.start, "SIP/2.0 1") && strings.Contains(m.raw, branch)
		})
	})
	if arrived[false] == 0 || arrived[true] == 0 {
		t.Errorf("arrived: %v", arrived)
	}
}
