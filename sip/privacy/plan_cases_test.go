package privacy

import (
	"strings"
	"testing"

	"clirgate/rules"
	"clirgate/sip/message"
)

// out plans a transit that is not refused.
func out(t *testing.T, tr *Transit) string {
	t.Helper()
	s, err := run(t, tr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one is the only line of that name.
func one(t *testing.T, msg, name string) string {
	t.Helper()
	found := lines(msg, name)
	if len(found) != 1 {
		t.Fatalf("%d lines of %s in\n%s", len(found), name, msg)
	}
	return found[0]
}

// TestScreen: a number that is not the sender's is not shown as its own.
func TestScreen(t *testing.T) {
	for _, c := range []struct {
		from, want string
		next       Hop
	}{
		{`"Jan" <sip:+31201234567@gw.example.net>;tag=a1`, `"Jan" <sip:+31205550101@gw.example.net;user=phone>;tag=a1`, toU1},
		{`"Jan" <sip:+31201234567@gw.example.net>;tag=a1`, `"Jan" <sip:+31205550101@gw.example.net;user=phone>;tag=a1`, toT1},
		{`<tel:+31201234567>;tag=a1`, `<sip:+31205550101@gw.example.net;user=phone>;tag=a1`, toU1},
		{`sip:+31201234567@gw.example.net;tag=a1`, `<sip:+31205550101@gw.example.net;user=phone>;tag=a1`, toU1},
	} {
		m := parse(t, strings.Replace(inviteA, `"Jan Jansen" <sip:+31205550101@gw.example.net>;tag=a1`, c.from, 1))
		tr := initial(m, rules.N, c.next)
		tr.Screen = true
		if got := one(t, out(t, tr), "From"); got != "From: "+c.want {
			t.Errorf("%s: %q, want %q", c.from, got, c.want)
		}
		tr.Network = 0 // then nobody knows who calls, and it says so
		if got := one(t, out(t, tr), "From"); got != "From: <sip:unavailable@unknown.invalid>;tag=a1" {
			t.Errorf("%s: %q with no number known", c.from, got)
		}
	}
}

// TestFromIsNotAsserted: what a neighbour that is believed does not assert, the gateway does
// not either, but to the PSAP (RFC 3325 5).
func TestFromIsNotAsserted(t *testing.T) {
	for _, c := range []struct {
		class rules.Class
		next  Hop
		want  bool
	}{{rules.N, toU1, false}, {rules.N, toT1, false}, {rules.W, toT1, false}, {rules.E, toPS, true}} {
		tr := initial(parse(t, inviteA), c.class, c.next)
		tr.Asserts = true
		if got := len(lines(out(t, tr), "P-Asserted-Identity")) > 0; got != c.want {
			t.Errorf("class %v to %+v: asserted %t", c.class, c.next, got)
		}
	}
}

// TestAssertedIdentityAdded: which messages get one where none came.
func TestAssertedIdentityAdded(t *testing.T) {
	quiet := toU1
	quiet.SendPAI = false
	for _, c := range []struct {
		method string
		class  rules.Class
		next   Hop
		want   bool
	}{
		{"INVITE", rules.N, toU1, true},
		{"INVITE", rules.N, quiet, false},
		{"INVITE", rules.N, toT1, true},
		{"INVITE", rules.W, toU1, false},
		{"INVITE", rules.W, toT1, true},
		{"INVITE", rules.E, toPS, true},
		{"MESSAGE", rules.W, toT1, true},
		{"BYE", rules.N, toT1, true},
		{"BYE", rules.W, toU1, false},
		{"ACK", rules.N, toT1, false},
		{"ACK", rules.E, toPS, false},
		{"CANCEL", rules.W, toT1, false},
	} {
		m := parse(t, strings.ReplaceAll(inviteA, "INVITE", c.method))
		got := len(lines(out(t, initial(m, c.class, c.next)), "P-Asserted-Identity")) == 1
		if got != c.want {
			t.Errorf("%s class %d: added %v", c.method, c.class, got)
		}
	}
}

// TestPeerWithoutPrivacy: what cannot be signalled is not delivered (TS 23.081 2.1.1).
func TestPeerWithoutPrivacy(t *testing.T) {
	deaf := toT1
	deaf.SupportsPrivacy = false
	got := out(t, initial(parse(t, inviteA), rules.W, deaf))
	if lines(got, "P-Asserted-Identity") != nil || lines(got, "Privacy") != nil || strings.Contains(got[20:], "5550101") {
		t.Error(got)
	}
	if got := out(t, initial(parse(t, inviteA), rules.N, deaf)); lines(got, "P-Asserted-Identity") == nil {
		t.Error("N is T still:", got)
	}
	strip := toU1
	strip.StripMarker = true
	if got := out(t, initial(parse(t, inviteA), rules.W, strip)); lines(got, "Privacy") != nil {
		t.Error("marker not stripped:", got)
	}
}

// TestCLIPOff: nothing of the caller, and no sign that he withheld it; to T and U alike.
func TestCLIPOff(t *testing.T) {
	for _, next := range []Hop{toA, toT1} {
		tr := initial(parse(t, inviteA), rules.N, next)
		tr.Call.HideFromCallee = true
		got := out(t, tr)
		if lines(got, "Privacy") != nil || lines(got, "P-Asserted-Identity") != nil || strings.Contains(got, "5550101") {
			t.Error(got)
		}
	}
}

// TestTIR: what the called party withholds, by the rules or by its own response.
func TestTIR(t *testing.T) {
	ringing := `SIP/2.0 200 Z is er
Via: SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKg1
Record-Route: <sip:p9.z.example;lr>
From: "Jan Jansen" <sip:+31205550101@gw.example.net>;tag=a1
To: <sip:0705550199@gw.example.net>;tag=z4
Call-ID: c1@pc11.lan
CSeq: 1 INVITE
Contact: <sip:+31705550188@192.0.2.88>
P-Asserted-Identity: <sip:+31705550188@gw.example.net>
Server: Z-phone
Content-Length: 0

`
	asked := strings.Replace(ringing, "Server", "Privacy: id\nServer", 1)
	for _, c := range []struct {
		name, text    string
		rules         bool
		withheld, tag bool
	}{
		{"nothing", ringing, false, false, false},
		{"rules", ringing, true, true, true},
		{"rules and response", asked, true, true, true},
		{"response alone", asked, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := initial(parse(t, c.text), rules.N, toA)
			tr.Sender, tr.Request, tr.Source, tr.Network = Callee, parse(t, inviteA), sourceA, 0
			tr.Call.CalleeWithheld, tr.Dialog.CalleeWithheld = c.rules, c.rules
			tr.Routes = []byte("<sip:p9.z.example;lr>")
			got := out(t, tr)
			if shown := strings.Contains(got, "5550188") || lines(got, "Server") != nil; shown == c.withheld {
				t.Errorf("shown %v:\n%s", shown, got)
			}
			if mapped := !strings.HasSuffix(one(t, got, "To"), ";tag=z4"); mapped != c.tag {
				t.Errorf("tag mapped %v:\n%s", mapped, got)
			}
			if !strings.HasPrefix(one(t, got, "To"), "To: <sip:*31*0705550199@gw.example.net>;tag=") {
				t.Errorf("To is not the caller's:\n%s", got)
			}
			if c.withheld {
				d := tokenOf(t, parse(t, got))
				if d.Holder != Caller || !d.CalleeWithheld || string(d.Target) != "sip:+31705550188@192.0.2.88" ||
					string(d.Routes) != "<sip:p9.z.example;lr>" || string(d.Self) != "<sip:0705550199@gw.example.net>" {
					t.Errorf("token %+v", d)
				}
				if lines(got, "Record-Route") != nil || one(t, got, "Privacy") != "Privacy: id" {
					t.Error(got)
				}
			}
		})
	}
}

// TestSessionIDBack: the W-party's own half comes back, the mapped one never.
func TestSessionIDBack(t *testing.T) {
	const mine, theirs = "ab30317f1a784dc48ff824d0d3715d86", "47755a9de7794ba387653f2099600ef2"
	with := func(text, id string) *message.Message {
		return parse(t, strings.Replace(text, "Contact:", "Session-ID: "+id+"\nContact:", 1))
	}
	invite := initial(with(inviteA, mine+";remote="+nobody), rules.W, toU1)
	sent := asSent(t, out(t, invite))
	half, _, _ := strings.Cut(string(sent.Value(message.HSessionID)), ";")
	if half == mine || !isSessionHalf([]byte(half)) {
		t.Fatalf("mapped half %q", half)
	}
	ok := answered(t, sent, 200, "", "b9", "Session-ID: "+theirs+";remote="+half+"\r\n")
	back := *invite
	back.M, back.Request, back.Source, back.Sender, back.From, back.Next = ok, invite.M, sourceA, Callee, toU1, toA
	if got, want := one(t, out(t, &back), "Session-ID"), "Session-ID: "+theirs+";remote="+mine; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	info := with(strings.ReplaceAll(inviteA, "INVITE", "INFO"), theirs+";remote="+half)
	tr := &Transit{M: info, Dialog: invite.Dialog, Sender: Callee, From: toU1, Next: toA, Domain: domain, Plan: homePlan(), Keys: testRing()}
	if got, want := one(t, out(t, tr), "Session-ID"), "Session-ID: "+theirs+";remote="+nobody; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRowTellsEveryLine: explain shows the fate of every header line and why.
func TestRowTellsEveryLine(t *testing.T) {
	tr := initial(parse(t, inviteA), rules.W, toU1)
	n := 0
	tr.Row = func(h *message.Header, a Action, why string) {
		if a < Keep || a > Rewrite || why == "" {
			t.Errorf("%v: %d %q", h.ID, a, why)
		}
		n++
	}
	out(t, tr)
	if n != len(tr.M.Headers()) {
		t.Errorf("%d of %d lines", n, len(tr.M.Headers()))
	}
}

// TestStatusLine: only the code of a withheld party's response is its own.
func TestStatusLine(t *testing.T) {
	for _, c := range []struct{ status, want string }{
		{"486 Jan is in de vergadering", "486 Busy Here"},
		{"486 Busy Here", "486 Busy Here"},
		{"486 ", "486 Busy Here"},
		{"499 x", "499 Bad Request"},
	} {
		tr := cellTransit(t, "@resp ", "Foo: bar", colUW)
		tr.M = parse(t, strings.Replace(string(tr.M.Bytes()), "200 x", c.status, 1))
		got, _, _ := strings.Cut(out(t, tr), "\r\n")
		if got != "SIP/2.0 "+c.want {
			t.Errorf("%q: %q", c.status, got)
		}
	}
}
