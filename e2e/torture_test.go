package e2e

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clirgate/sip/message/torture"
	"clirgate/sip/transport"
)

// nextHops puts a next hop that is there in the place of one that a message names and that
// is not: a Route, or the Request-URI of a request inside a dialog. NEXT is the neighbour.
var nextHops = map[string][2]string{
	"wsinv":                         {"sip:services.example.com;lr", "sip:NEXT;lr"},
	"mpart01":                       {"<sip:127.0.0.1:5080>", "<sip:NEXT>"},
	"via-received-param-with-delim": {"BYE sip:[2001:db8::10] ", "BYE sip:NEXT "},
	"mult-ip-in-header":             {"BYE sip:user@host.example.net ", "BYE sip:user@NEXT "},
}

// Every torture message, sent to a gateway between two trusted carriers, which owes it what
// any proxy does; and the gateway goes on working.
func TestTorture(t *testing.T) {
	for _, c := range torture.Cases {
		t.Run(c.Name, func(t *testing.T) {
			r := newRig(t, "T2", "")
			from, to := r.ua("T1"), r.ua("T2")
			msg := r.tortureMessage(t, c, to.host())
			hears := r.sentBy(t, c, from)
			from.send(r.gw, msg)
			r.owed(t, c, msg, hears, to)
			r.stillWorks(t, from, to)
		})
	}
}

func (r *rig) tortureMessage(t *testing.T, c torture.Case, next string) string {
	t.Helper()
	msg := string(c.Data())
	if sub, ok := nextHops[c.Name]; ok {
		if !strings.Contains(msg, sub[0]) {
			t.Fatalf("%q is not in the message", sub[0])
		}
		msg = strings.Replace(msg, sub[0], strings.ReplaceAll(sub[1], "NEXT", next), 1)
	}
	return msg
}

// owed checks what became of the message. That nothing else was sent is seen by what
// arrives next: stillWorks reads it.
func (r *rig) owed(t *testing.T, c torture.Case, msg string, hears, to *ua) {
	t.Helper()
	switch c.Outcome {
	case torture.Forward:
		got := to.next("the message", sipMsg.isRequest)
		forwardedWhole(t, msg, got)
		if got.method() != "ACK" {
			to.send(r.gw, answer(got, "200 OK", "tt"))
			hears.response(200)
		}
	case torture.Reject:
		if reply := hears.final(); !slices.Contains(c.Status, reply.status()) {
			t.Errorf("answered %q, want one of %d", reply.start, c.Status)
		} else if c.Name == "bext01" && reply.get("Unsupported") != "noProxiesSupportThis, norDoAnyProxiesSupportThis" {
			t.Errorf("Unsupported: %q", reply.get("Unsupported"))
		}
	}
}

// sentBy is where responses go (RFC 3261 18.2.2, RFC 3581 4): the sender's own port when
// the topmost Via has rport, else the port it names.
func (r *rig) sentBy(t *testing.T, c torture.Case, from *ua) *ua {
	t.Helper()
	if c.Outcome == torture.Discard {
		return from
	}
	via := mustParse(t, string(c.Data())).values("Via")[0]
	if strings.Contains(via, ";rport") {
		return from
	}
	proto := strings.SplitN(via, "/", 3)[2]
	sentBy, _, _ := strings.Cut(strings.Fields(proto)[1], ";")
	_, port, err := net.SplitHostPort(sentBy)
	switch {
	case err != nil && strings.HasPrefix(proto, "TLS"):
		port = "5061"
	case err != nil || port == "5060":
		return from
	}
	return newUA(t, from.name+":"+port, net.JoinHostPort(from.host(), port))
}

// forwardedWhole: the request left as it came but for what a proxy has to write, every
// byte of every other line, and the body.
func forwardedWhole(t *testing.T, msg string, got sipMsg) {
	t.Helper()
	sent := mustParse(t, msg)
	if n, err := strconv.Atoi(sent.get("Content-Length")); err == nil {
		sent.body = sent.body[:n] // RFC 4475 3.1.1.8
	}
	if got.body != sent.body {
		t.Errorf("body changed: %q, was %q", got.body, sent.body)
	}
	if w, g := otherLines(msg), otherLines(got.raw); !slices.Equal(w, g) {
		t.Errorf("lines changed:\n%q\nwere\n%q", g, w)
	}
	if g, w := len(got.values("Via")), len(sent.values("Via"))+1; g != w {
		t.Errorf("%d Via values, want %d", g, w)
	}
	hops, err := strconv.Atoi(sent.get("Max-Forwards"))
	if err != nil {
		hops = 71 // there was none: 70 is added
	}
	if got.get("Max-Forwards") != strconv.Itoa(hops-1) {
		t.Errorf("Max-Forwards %q, was %q", got.get("Max-Forwards"), sent.get("Max-Forwards"))
	}
	if strings.Contains(got.uri(), "?Route=") {
		t.Errorf("the Request-URI keeps its headers: %q", got.uri())
	}
}

// otherLines are the header lines, unfolded as they stand, that a proxy has no business with.
func otherLines(msg string) []string {
	head, _, _ := strings.Cut(msg, "\r\n\r\n")
	head = strings.NewReplacer("\r\n ", "\x00 ", "\r\n\t", "\x00\t").Replace(head)
	var out []string
	for _, l := range strings.Split(head, "\r\n")[1:] {
		name, _, _ := strings.Cut(l, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "via", "v", "route", "record-route", "max-forwards", "content-length", "l":
		case "p-asserted-identity": // added where From shows a number (RFC 3325 5)
		default:
			out = append(out, l)
		}
	}
	return out
}

var ordinaryInvite = crlf(`INVITE sip:+31705550199@gw.example.net SIP/2.0
Via: SIP/2.0/UDP HOST;branch=z9hG4bKordinary;rport
Max-Forwards: 70
From: <sip:+31205550177@carrier.example>;tag=o1
To: <sip:+31705550199@gw.example.net>
Call-ID: ordinary
CSeq: 1 INVITE
Contact: <sip:o@HOST>
Content-Length: 0
`)

// stillWorks places an ordinary call. It must be the next that either side hears of.
func (r *rig) stillWorks(t *testing.T, from, to *ua) {
	t.Helper()
	from.send(r.gw, strings.ReplaceAll(ordinaryInvite, "HOST", from.addr()))
	inv := to.next("request", sipMsg.isRequest)
	if inv.get("Call-ID") != "ordinary" {
		t.Fatalf("forwarded although it was not to be:\n%s", inv.raw)
	}
	to.send(r.gw, answer(inv, "200 OK", "o2", "Contact: <sip:o@"+to.host()+">"))
	ok := from.response(200)
	if ok.get("Call-ID") != "ordinary" {
		t.Fatalf("answered although it was not to be:\n%s", ok.raw)
	}
	d := asCaller(ok, from.addr())
	from.send(d.hop(), d.request("ACK", "o3"))
	to.request("ACK")
	from.send(d.hop(), d.request("BYE", "o4"))
	to.send(r.gw, answer(to.request("BYE"), "200 OK", ""))
	from.response(200)
}

// All of them to one gateway, by UDP over IPv6 and by TCP, one connection each.
func TestTortureTogether(t *testing.T) {
	r := newRig(t, "T2", "streams")
	from, to := r.ua("T1"), r.ua("T2")
	six := r.overIPv6(t)
	for _, c := range torture.Cases {
		msg := r.tortureMessage(t, c, to.host())
		if six != nil {
			_, err := six.Write([]byte(msg))
			must(t, err)
		}
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from.host())}}
		conn, err := dialer.Dial("tcp", r.addr(transport.TCP))
		must(t, err)
		_, err = conn.Write([]byte(msg))
		must(t, err)
		must(t, conn.Close())
	}
	from.drain()
	to.drain()
	from.send(r.gw, strings.ReplaceAll(ordinaryInvite, "HOST", from.addr()))
	for to.request("INVITE").get("Call-ID") != "ordinary" {
	}
}

// overIPv6 is a socket of T1's on ::1; nil where the machine has no IPv6.
func (r *rig) overIPv6(t *testing.T) net.Conn {
	t.Helper()
	if r.gw6 == "" {
		t.Log("no IPv6 here: over IPv4 alone")
		return nil
	}
	conn, err := net.Dial("udp6", r.gw6)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}
