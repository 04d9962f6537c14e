package privacy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clirgate/rules"
	"clirgate/sip/message"
)

// allowed is STANDARDS 6.9: what may leave towards U on W.
var allowed = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(`Via Route Record-Route Max-Forwards Max-Breadth From To Call-ID CSeq Contact
		Privacy Content-Type Content-Length Content-Encoding Content-Disposition Content-ID MIME-Version Allow Supported
		Require Proxy-Require Unsupported Accept Accept-Encoding Allow-Events Event Subscription-State Expires
		Min-Expires Session-Expires Min-SE RSeq RAck Reason Retry-After Refer-To Referred-By Refer-Sub Replaces Join
		Target-Dialog Priority Warning Alert-Info History-Info P-Early-Media Info-Package Recv-Info Session-ID Date
		SIP-ETag SIP-If-Match`) {
		set[strings.ToLower(name)] = true
	}
	return set
}()

// secrets are the number in spellings that people and devices use.
var secrets = []string{
	"+31205550101", "0205550101", "0031205550101", "020-555 01 01", "(020) 555.0101", "%2B31205550101",
	"02055501%301", "31205550101", "30323035353530313031", "MDIwNTU1MDEwMQ==",
}

// drawText is a header value that may hold the number anywhere.
func drawText(t *rapid.T) string {
	s := rapid.SampledFrom(secrets).Draw(t, "secret")
	form := rapid.SampledFrom([]string{
		"<sip:%s@gw.example.net>", "<sip:%s@far.example>;index=1", `"Jan %s" <sip:bob@far.example>;tag=x;reason=%s`,
		"<tel:%s>", "%s", "x;y=%s", `399 host "%s"`, `SIP;cause=200;text="%s"`, "1, %s, 2", "<sip:bob@far.example?Replaces=%s%%3Bfrom-tag%%3D1>",
		"dialog;id=%s", "timer, %s", "application/sdp, x/%s", "<urn:alert:%s>", `"unclosed %s`, "<sip:unclosed %s", ";%s;,", "sip:bob@%s.example",
		"bob (%s)", "1800;x=%s", "session;handling=required;filename=%s", "<sip:bob@far.example;x=%s>", "refer", "1800", "",
	}).Draw(t, "form")
	return strings.ReplaceAll(strings.ReplaceAll(form, "%s", s), "%%", "%")
}

// drawLine is a header line of any name.
func drawLine(t *rapid.T) string {
	name := ""
	if rapid.IntRange(0, 9).Draw(t, "known") > 0 {
		name = message.HeaderID(rapid.IntRange(int(message.HContact), len(table)-1).Draw(t, "id")).String()
	} else {
		name = rapid.SampledFrom([]string{"X-Caller", "P-Caller-UUID", "Foo", "b", "r", "y", "s", "x", "o", "x-CID"}).Draw(t, "name")
	}
	switch name {
	case "Content-Length", "Max-Forwards", "Route":
		name = "Subject" // the parser's and the proxy's matter
	}
	return name + ": " + drawText(t)
}

// drawInvite is an INVITE of A with any mix of headers.
func drawInvite(t *rapid.T) string {
	display := rapid.SampledFrom([]string{"", `"Jan Jansen" `, "Jan ", `"020 \"555\" 01 01" `}).Draw(t, "display")
	tag := rapid.SampledFrom([]string{"a1", "0205550101-7", "31205550101"}).Draw(t, "tag")
	head := []string{
		"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK0205550101;rport",
		"Max-Forwards: 70",
		rapid.SampledFrom([]string{"From", "f", "FROM"}).Draw(t, "from") + ": " + display + "<sip:+31205550101@gw.example.net>;tag=" + tag + ";x=0205550101",
		rapid.SampledFrom([]string{"To: <sip:0705550199@gw.example.net>", `t: "voor 0205550101" <sip:0705550199@gw.example.net>`, "To: sip:0705550199@gw.example.net;x=0205550101"}).Draw(t, "to"),
		rapid.SampledFrom([]string{"Call-ID", "i"}).Draw(t, "callid") + ": 0205550101-17@192.0.2.11",
		"CSeq: 1 INVITE",
		"Contact: " + display + "<sip:+31205550101@192.0.2.11:5060>;+sip.instance=\"<urn:gsma:imei:1>\"",
		"Content-Length: 0",
	}
	for range rapid.IntRange(0, 8).Draw(t, "extra") {
		at := rapid.IntRange(0, len(head)).Draw(t, "at")
		head = append(head[:at], append([]string{drawLine(t)}, head[at:]...)...)
	}
	return "INVITE sip:0705550199@gw.example.net SIP/2.0\n" + strings.Join(head, "\n") + "\n\n"
}

// drawn parses, or gives the draw up: what the parser refuses never gets here.
func drawn(t *rapid.T) *message.Message {
	m := new(message.Message)
	if err := m.Parse([]byte(crlf(drawInvite(t)))); err != nil {
		t.SkipNow()
	}
	return m
}

func planned(t *rapid.T, tr *Transit) string {
	var e message.Edits
	e.Reset(tr.M)
	if err := Plan(&e, tr); err != nil {
		if _, ok := err.(*ErrCritical); !ok {
			t.Fatal(err)
		}
		t.SkipNow()
	}
	out, err := e.Apply(nil)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	line, rest, _ := strings.Cut(string(out), "\r\n")
	if err := new(message.Message).Parse([]byte(line + "\r\n" + gatewayVia + rest)); err != nil {
		t.Fatalf("what leaves does not parse: %v\n%s", err, out)
	}
	return string(out)
}

// TestWithheldLeaksNothing: any INVITE, W towards U.
func TestWithheldLeaksNothing(t *testing.T) {
	var n Needles
	n.Set(homePlan(), number(numberA))
	rapid.Check(t, func(t *rapid.T) {
		tr := initial(drawn(t), rules.W, toU1)
		out := planned(t, tr)
		head := out[strings.Index(out, "\n")+1:]
		if leak, ok := n.Find([]byte(head)); ok {
			t.Fatalf("%s at %q in\n%s", leak.Vector, head[leak.Off:leak.End], out)
		}
		var digits strings.Builder
		for _, c := range head {
			switch {
			case c >= '0' && c <= '9':
				digits.WriteRune(c)
			case !strings.ContainsRune("-. ()/", c):
				digits.WriteByte('\n')
			}
		}
		for _, leak := range []string{"205550101", "5550101"} {
			if strings.Contains(digits.String(), leak) || strings.Contains(head, "192.0.2.11") {
				t.Fatalf("%s in\n%s", leak, out)
			}
		}
		for _, line := range strings.Split(strings.TrimRight(head, "\r\n"), "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			if long := message.LookupHeader([]byte(name)); !allowed[strings.ToLower(long.String())] {
				t.Fatalf("%q is not on the list of STANDARDS 6.9", line)
			}
		}
	})
}

// TestEmergencyAlwaysShows: any INVITE to the PSAP carries the number, and no privacy.
func TestEmergencyAlwaysShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := initial(drawn(t), rules.E, toPS)
		tr.Asserts = rapid.Bool().Draw(t, "asserts")
		var e message.Edits
		e.Reset(tr.M)
		if err := Plan(&e, tr); err != nil {
			t.Fatal(err)
		}
		b, err := e.Apply(nil)
		if err != nil {
			t.Fatal(err)
		}
		out := string(b)
		from := append(lines(out, "From"), lines(out, "f")...)
		want := "<sip:+31205550101@gw.example.net;user=phone>;tag=" + string(tr.M.FromTag())
		if len(from) != 1 || !strings.HasSuffix(from[0], ": "+want) {
			t.Fatalf("From %q, want %q", from, want)
		}
		if len(lines(out, "P-Asserted-Identity")) == 0 || len(lines(out, "Privacy")) != 0 {
			t.Fatalf("%s", out)
		}
	})
}

// TestShownIsUntouched: on N every line the table keeps leaves byte for byte, in order.
func TestShownIsUntouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		next := rapid.SampledFrom([]Hop{toU1, toT1}).Draw(t, "next")
		m := drawn(t)
		if Raises(m) {
			t.SkipNow()
		}
		tr := initial(m, rules.N, next)
		var kept []string
		tr.Row = func(h *message.Header, a Action, why string) {
			if a == Keep || h.ID == message.HMaxForwards {
				kept = append(kept, string(m.Get(h.Line)))
			}
		}
		out := planned(t, tr)
		rest := out
		for _, line := range kept {
			i := strings.Index(rest, line)
			if i < 0 {
				t.Fatalf("%q is gone or moved in\n%s", line, out)
			}
			rest = rest[i+len(line):]
		}
		if len(kept) < 6 {
			t.Fatalf("only %d lines kept", len(kept))
		}
	})
}

// TestResponseRestores: what the gateway did to a request, its response undoes.
func TestResponseRestores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		class := rapid.SampledFrom([]rules.Class{rules.N, rules.W, rules.E}).Draw(t, "class")
		next := rapid.SampledFrom([]Hop{toU1, toT1}).Draw(t, "next")
		tr := initial(drawn(t), class, next)
		tr.Screen = rapid.Bool().Draw(t, "screen")
		tr.ToSkip = rapid.SampledFrom([]int{0, 4}).Draw(t, "skip")
		tr.Call.CalleeWithheld = rapid.Bool().Draw(t, "tir")
		line, rest, _ := strings.Cut(planned(t, tr), "\r\n")
		sent := new(message.Message)
		if err := sent.Parse([]byte(line + "\r\n" + gatewayVia + rest)); err != nil {
			t.Fatal(err)
		}
		answer := new(message.Message)
		if err := answer.Parse(sent.AppendResponse(nil, 486, "", []byte("b9"), []byte("Contact: <sip:b@203.0.113.50>\r\n"), netip.AddrPort{})); err != nil {
			t.Fatal(err)
		}
		back := *tr
		back.M, back.Request, back.Source, back.Sender, back.Next = answer, tr.M, sourceA, Callee, toA
		out := planned(t, &back)
		got := new(message.Message)
		if err := got.Parse([]byte(out)); err != nil {
			t.Fatal(err)
		}
		for _, id := range []message.HeaderID{message.HFrom, message.HCallID, message.HCSeq} {
			if string(got.Value(id)) != string(tr.M.Value(id)) {
				t.Fatalf("%v: %q, want %q", id, got.Value(id), tr.M.Value(id))
			}
		}
		if want := string(tr.M.Value(message.HTo)) + ";tag="; !strings.HasPrefix(string(got.Value(message.HTo)), want) {
			t.Fatalf("To: %q, want %q", got.Value(message.HTo), want)
		}
		via, ok := got.TopVia()
		if !ok || string(via.Branch) != "z9hG4bK0205550101" {
			t.Fatalf("Via: %s", out)
		}
	})
}

// TestDialogRestores: what the other side sends in the dialog reaches A as its own.
func TestDialogRestores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := initial(drawn(t), rules.W, toU1)
		out := planned(t, tr)
		sent := new(message.Message)
		if err := sent.Parse([]byte(strings.Replace(out, "\r\n", "\r\n"+gatewayVia, 1))); err != nil {
			t.Fatal(err)
		}
		if !sent.Has(message.HContact) {
			t.SkipNow() // two Contacts, the first unreadable
		}
		na, _ := sent.NameAddr(sent.First(message.HContact).Value)
		u, _ := sent.ParseURI(na.URI)
		d := new(Dialog)
		if err := testRing().Open(d, sent.Get(u.User), epoch); err != nil {
			t.Fatal(err)
		}
		bye := new(message.Message)
		text := fmt.Sprintf("BYE sip:x SIP/2.0\r\n%sMax-Forwards: 70\r\nFrom: <sip:b@u.example>;tag=b9\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n",
			gatewayVia, sent.Value(message.HFrom), sent.CallID())
		if err := bye.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		got := planned(t, &Transit{M: bye, Dialog: d, Sender: Callee, From: toU1, Next: toA, Domain: domain, Plan: homePlan(), Keys: testRing()})
		m := new(message.Message)
		if err := m.Parse([]byte(strings.Replace(got, "\r\n", "\r\n"+gatewayVia, 1))); err != nil {
			t.Fatal(err)
		}
		if string(m.CallID()) != string(tr.M.CallID()) || string(m.ToTag()) != string(tr.M.FromTag()) {
			t.Fatalf("Call-ID %q, tag %q\n%s", m.CallID(), m.ToTag(), got)
		}
		from, _ := tr.M.NameAddr(tr.M.First(message.HFrom).Value)
		to, _ := m.NameAddr(m.First(message.HTo).Value)
		if string(tr.M.Get(from.URI)) != string(m.Get(to.URI)) || string(tr.M.Get(from.Display)) != string(m.Get(to.Display)) {
			t.Fatalf("To %q, was %q", m.Value(message.HTo), tr.M.Value(message.HFrom))
		}
	})
}
