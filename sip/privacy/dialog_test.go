package privacy

import (
	"net/netip"
	"strings"
	"testing"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
)

const (
	gatewayVia = "Via: SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKgate\r\n"
	calleeLeak = "Server: Phone 00155d112233\r\nContact: <sip:b@203.0.113.50>\r\n"
)

var sourceA = netip.MustParseAddrPort("192.0.2.11:5060")

// asSent is out with the gateway's own Via on top, as the next hop gets it.
func asSent(t testing.TB, out string) *message.Message {
	t.Helper()
	line, rest, _ := strings.Cut(out, "\r\n")
	return parse(t, line+"\r\n"+gatewayVia+rest)
}

// answered is what the receiver of req answers.
func answered(t testing.TB, req *message.Message, status int, reason, tag, extra string) *message.Message {
	t.Helper()
	return parse(t, string(req.AppendResponse(nil, status, reason, []byte(tag), []byte(extra), netip.AddrPort{})))
}

// tokenOf opens the token in a Contact of ours.
func tokenOf(t testing.TB, m *message.Message) *Dialog {
	t.Helper()
	na, ok := m.NameAddr(m.First(message.HContact).Value)
	if !ok {
		t.Fatalf("Contact %q", m.Value(message.HContact))
	}
	u, _ := m.ParseURI(na.URI)
	d := new(Dialog)
	if err := testRing().Open(d, m.Get(u.User), epoch); err != nil {
		t.Fatalf("token in Contact: %v", err)
	}
	return d
}

const inviteA = `INVITE sip:*31*0705550199@gw.example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKa1;rport
Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa0
Record-Route: <sip:p2.a.example;lr>, <sip:p1.a.example;lr>
Max-Forwards: 70
From: "Jan Jansen" <sip:+31205550101@gw.example.net>;tag=a1
To: <sip:*31*0705550199@gw.example.net>
Call-ID: c1@pc11.lan
CSeq: 1 INVITE
Contact: <sip:+31205550101@192.0.2.11:5060>
Content-Length: 0

`

func TestWithheldDialog(t *testing.T) {
	invite := initial(parse(t, inviteA), rules.W, toU1)
	invite.Skip, invite.ToSkip = 4, 4
	out, err := run(t, invite)
	if err != nil {
		t.Fatal(err)
	}
	sent := asSent(t, out)

	t.Run("token", func(t *testing.T) {
		d := tokenOf(t, sent)
		for _, c := range []struct{ what, got, want string }{
			{"self", string(d.Self), `"Jan Jansen" <sip:+31205550101@gw.example.net>`},
			{"peer", string(d.Peer), `<sip:*31*0705550199@gw.example.net>`},
			{"target", string(d.Target), `sip:+31205550101@192.0.2.11:5060`},
			{"routes", string(d.Routes), `<sip:p2.a.example;lr>, <sip:p1.a.example;lr>`},
		} {
			if c.got != c.want {
				t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
			}
		}
		if d.Holder != Callee || !d.CallerWithheld || d.CallerNumbers[0] != number(numberA) {
			t.Errorf("token %+v", d)
		}
	})

	t.Run("response to the caller", func(t *testing.T) {
		ok := answered(t, sent, 200, "Jawel", "b9", calleeLeak)
		back := &Transit{M: ok, Request: invite.M, Source: sourceA, Dialog: invite.Dialog, Sender: Callee,
			Initial: true, Call: invite.Call, From: toU1, Next: toA, Domain: domain, Plan: homePlan(), Keys: testRing()}
		out, err := run(t, back)
		if err != nil {
			t.Fatal(err)
		}
		want := crlf(`SIP/2.0 200 Jawel
Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKa1;received=192.0.2.11;rport=5060
Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa0
From: "Jan Jansen" <sip:+31205550101@gw.example.net>;tag=a1
To: <sip:*31*0705550199@gw.example.net>;tag=b9
Call-ID: c1@pc11.lan
CSeq: 1 INVITE
Server: Phone 00155d112233
Contact: <sip:b@203.0.113.50>
Content-Length: 0

`)
		if out != want {
			t.Errorf("%s\nwant\n%s", out, want)
		}
	})

	bye := parse(t, "BYE sip:x@198.51.100.2 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.50;branch=z9hG4bKu5\r\nMax-Forwards: 70\r\n"+
		"From: <sip:0705550199@gw.example.net>;tag=b9\r\n"+
		strings.Replace(lines(out, "From")[0], "From", "To", 1)+"\r\n"+lines(out, "Call-ID")[0]+"\r\nCSeq: 31 BYE\r\nContent-Length: 0\r\n\r\n")
	byeIn := &Transit{M: bye, Dialog: tokenOf(t, sent), Sender: Callee, From: toU1, Next: toA,
		Domain: domain, Plan: homePlan(), Keys: testRing()}
	t.Run("request to the caller", func(t *testing.T) {
		out, err := run(t, byeIn)
		if err != nil {
			t.Fatal(err)
		}
		want := crlf(`BYE sip:x@198.51.100.2 SIP/2.0
Max-Forwards: 70
From: <sip:*31*0705550199@gw.example.net>;tag=b9
To: "Jan Jansen" <sip:+31205550101@gw.example.net>;tag=a1
Call-ID: c1@pc11.lan
CSeq: 31 BYE
Content-Length: 0

`)
		if out != want {
			t.Errorf("%s\nwant\n%s", out, want)
		}
	})

	t.Run("response of the caller", func(t *testing.T) {
		toCaller, err := run(t, byeIn)
		if err != nil {
			t.Fatal(err)
		}
		ok := answered(t, asSent(t, toCaller), 200, "Jan hangt op", "", "Server: Phone 00155d112233\r\nContact: <sip:+31205550101@192.0.2.11>\r\n")
		tr := &Transit{M: ok, Request: bye, Source: netip.MustParseAddrPort("203.0.113.50:5060"), Dialog: byeIn.Dialog,
			Sender: Caller, From: toA, Next: toU1, Network: number(numberA), Domain: domain, Plan: homePlan(), Keys: testRing()}
		out, err := run(t, tr)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
			if got, want := lines(out, name)[0], lines(string(bye.Bytes()), name)[0]; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if !strings.HasPrefix(out, "SIP/2.0 200 OK\r\n") || lines(out, "Server") != nil || strings.Contains(out, "5550101") {
			t.Errorf("%s", out)
		}
		if d := tokenOf(t, parse(t, out)); string(d.Routes) != "<sip:p2.a.example;lr>, <sip:p1.a.example;lr>" || d.Holder != Callee {
			t.Errorf("refreshed token %+v", d)
		}
	})

	t.Run("later request of the caller", func(t *testing.T) {
		again := strings.Replace(crlf(inviteA), "Contact:", "Privacy: none\r\nContact:", 1)
		again = strings.Replace(again, "To: <sip:*31*0705550199@gw.example.net>", "To: <sip:*31*0705550199@gw.example.net>;tag=b9", 1)
		tr := *invite
		tr.M, tr.Initial = parse(t, again), false
		out2, err := run(t, &tr)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"From", "Call-ID", "Privacy"} {
			if got, want := lines(out2, name)[0], lines(out, name)[0]; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// TestChallengeOfWithheldParty: its realm would name the PBX.
func TestChallengeOfWithheldParty(t *testing.T) {
	tr := cellTransit(t, "@resp status=401 ", `WWW-Authenticate: Digest realm="pbx.jansen.example"`, colUW)
	out, err := run(t, tr)
	if err != nil || !strings.HasPrefix(out, "SIP/2.0 403 Forbidden\r\n") || tr.Status != 403 {
		t.Errorf("status %d, %v\n%s", tr.Status, err, out)
	}
}

// TestReplacesOfTheOtherSide: the callee names our dialog as it knows it; only the
// withheld party of that very dialog is told what it is.
func TestReplacesOfTheOtherSide(t *testing.T) {
	d := newDialog()
	d.CallerWithheld, d.Class = true, rules.W
	keys := testRing()
	ref := string(keys.MapID(nil, d, []byte("c1@pc11.lan"))) + ";to-tag=" + string(keys.MapID(nil, d, []byte("a1"))) + ";from-tag=b9"
	text := strings.Replace(crlf(inviteA), "Contact:", "Replaces: "+ref+"\r\nContact:", 1)
	other := newDialog()
	other.CallerWithheld = true
	plain := newDialog()
	for _, c := range []struct {
		name string
		d    *Dialog
		want string
	}{
		{"the same dialog", d, "Replaces: c1@pc11.lan;to-tag=a1;from-tag=b9"},
		{"another withheld party's", other, "Replaces: " + ref},
		{"nobody withheld", plain, "Replaces: " + ref},
	} {
		tr := &Transit{M: parse(t, text), Dialog: c.d, Sender: Callee, Next: toA, Domain: domain, Plan: homePlan(), Keys: keys}
		out, err := run(t, tr)
		if err != nil || len(lines(out, "Replaces")) != 1 || lines(out, "Replaces")[0] != c.want {
			t.Errorf("%s: %q, want %q, %v", c.name, lines(out, "Replaces"), c.want, err)
		}
	}
}

// TestBothWithheld: each side sees the other's mapping and its own words.
func TestBothWithheld(t *testing.T) {
	d := newDialog()
	d.CallerWithheld, d.CalleeWithheld, d.Class = true, true, rules.W
	d.CalleeNumbers = [2]numbering.Number{number("31705550188")}
	keys := testRing()
	d.Self = []byte(`"Jan" <sip:+31205550101@gw.example.net>`)
	d.Peer = []byte("<sip:0705550199@gw.example.net>")
	mapped := func(id string) string { return string(keys.MapID(nil, d, []byte(id))) }
	m := parse(t, "BYE sip:x@y.example SIP/2.0\nVia: SIP/2.0/UDP 203.0.113.50;branch=z9hG4bKu5\nMax-Forwards: 70\n"+
		"From: <sip:+31705550188@z.example>;tag=z4\nTo: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="+mapped("a1")+
		"\nCall-ID: "+mapped("c1@pc11.lan")+"\nCSeq: 2 BYE\nContent-Length: 0\n\n")
	tr := &Transit{M: m, Dialog: d, Sender: Callee, Next: toA, Domain: domain, Plan: homePlan(), Keys: keys}
	out, err := run(t, tr)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=` + mapped("z4"),
		`To: "Jan" <sip:+31205550101@gw.example.net>;tag=a1`, "Call-ID: c1@pc11.lan", "Privacy: id",
	} {
		if !strings.Contains(out, want+"\r\n") {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "Via:") || strings.Contains(out, "5550188") {
		t.Errorf("%s", out)
	}
}
