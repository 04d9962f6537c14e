package proxy

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"clirgate/rules"
	"clirgate/sip/privacy"
	"clirgate/sip/transport"
)

func (r *rig) explain(from *agent, text string) (*Explanation, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.gw.proxy.Explain(ctx, []byte(crlf(text)), transport.Flow{Net: transport.UDP, Remote: from.addrPort()}, nil)
}

func (r *rig) explained(from *agent, text string) *Explanation {
	r.t.Helper()
	e, err := r.explain(from, text)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// made are identifiers of the gateway's own, which are new every time.
var made = regexp.MustCompile(`[a-zA-F]{13,}`)

// What is explained is what is sent, byte for byte.
func TestExplainIsTheWire(t *testing.T) {
	r := newRig(t)
	for name, text := range map[string]struct {
		from, to *agent
		text     string
	}{
		"N":          {r.a, r.b, r.a.invite("0705550199", fromA, "Subject: hallo", "body:v=0\r\no=jan 1 1 IN IP4 10.0.0.1\r\ns=-\r\n")},
		"W code":     {r.a, r.b, r.a.invite("*31*0705550199", fromA, "User-Agent: Phone 5550101")},
		"W Privacy":  {r.a, r.b, r.a.invite("0705550199", fromA, "Privacy: id", "Call-Info: <http://a.lan/me>", "X-Vendor: y")},
		"W trusted":  {r.a, r.core, r.a.invite("0611000001", fromA, "Privacy: id")},
		"W line":     {r.p, r.b, r.p.invite("0705550199", fromP)},
		"E":          {r.p, r.psap, r.p.invite("112", fromP, "Privacy: id")},
		"own Route":  {r.a, r.b, r.a.invite("0705550199", fromA, "Route: <sip:"+r.gw.addr+";lr>")},
		"no INVITE":  {r.a, r.b, r.a.initial("MESSAGE", "*31*0705550199", fromA, "Content-Type: text/plain", "body:hallo")},
		"screened":   {r.a, r.b, r.a.invite("0705550199", `<sip:+31205559999@gw.example.net>`)},
		"with topic": {r.a, r.b, r.a.invite("0705550199", fromA, "Topic: one", "Topic: two", "P-Preferred-Identity: "+fromA)},
	} {
		t.Run(name, func(t *testing.T) {
			e := r.explained(text.from, text.text)
			text.from.send(r.gw.addr, text.text)
			got := text.to.get(strings.Fields(text.text)[0])
			if want := made.ReplaceAllString(got.raw, "#"); made.ReplaceAllString(string(e.After), "#") != want {
				t.Errorf("explained\n%s\nsent\n%s", e.After, got.raw)
			}
			if e.Next == nil || e.Next.Addr != text.to.addrPort() {
				t.Errorf("next hop %+v", e.Next)
			}
			checkHeaders(t, e)
			text.to.answer(r.gw.addr, got, "486 Busy Here", "t")
			text.from.final()
		})
	}
}

// Every line is accounted for, once on either side.
func checkHeaders(t *testing.T, e *Explanation) {
	t.Helper()
	var before, after int
	for _, h := range e.Headers {
		if h.Before != "" {
			before++
		}
		if h.After != "" {
			after++
		}
		changed := h.Before != h.After
		if (h.Action == privacy.Keep) == changed || (h.Action == privacy.Remove) != (h.After == "") || h.Why == "" {
			t.Errorf("%+v", h)
		}
		if h.After != "" && !strings.Contains(string(e.After), h.After) {
			t.Errorf("%s: %q is not in the message", h.Name, h.After)
		}
	}
	if before != len(readMsg(string(e.Before)).lines) || after != len(readMsg(string(e.After)).lines) {
		t.Errorf("%d lines before, %d after: %+v", before, after, e.Headers)
	}
}

func TestExplainRefusals(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		text   string
		status int
		event  string
	}{
		{r.a.invite("0705550133", fromA, "Privacy: id"), 433, "anonymous"},
		{strings.Replace(r.a.invite("0705550199", fromA), "Max-Forwards: 70", "Max-Forwards: 0", 1), 483, "too_many_hops"},
		{strings.Replace(r.a.invite("0705550199", fromA), "INVITE sip:", "INVITE http:", 1), 416, "bad_scheme"},
	} {
		e := r.explained(r.a, c.text)
		if e.Status != c.status || e.After != nil || e.Next != nil || !reflect.DeepEqual(e.Events, []string{c.event}) {
			t.Errorf("status %d, want %d; events %q", e.Status, c.status, e.Events)
		}
	}
	if e := r.explained(newAgent(t, "nobody"), r.a.invite("0705550199", fromA)); e.Status != 403 || e.From != "" || e.Decided {
		t.Errorf("a stranger: %+v", e)
	}
}

func TestExplainSteps(t *testing.T) {
	r := newRig(t)
	e := r.explained(r.p, r.p.invite("0705550199", fromP))
	var fired []string
	for _, s := range e.Steps {
		if s.Fired {
			fired = append(fired, s.Rule)
		}
	}
	if !e.Decided || e.From != "P" || e.Treatment.Rule != rules.D2 || !reflect.DeepEqual(fired, []string{"D2"}) {
		t.Errorf("%q decided, rule %v, fired %q", e.From, e.Treatment.Rule, fired)
	}
}

// A dry run leaves no trace: nothing is sent, counted, recorded or remembered.
func TestExplainHasNoConsequences(t *testing.T) {
	r := newRig(t, func(s *settings) { s.record = true })
	before := r.gw.proxy.Stats()
	r.explained(r.a, r.a.invite("*31*0705550199", fromA))
	r.explained(r.a, r.a.invite("0705550133", fromA, "Privacy: id"))
	r.b.nothing()
	r.a.nothing()
	after := r.gw.proxy.Stats()
	if !reflect.DeepEqual(before.Events, after.Events) || !reflect.DeepEqual(before.Classes, after.Classes) {
		t.Errorf("counted: %v", after)
	}
	if n := len(r.gw.records()); n != 0 {
		t.Errorf("%d records", n)
	}
}

// What a call on the wire hid stays hidden: its tokens do not open in an explanation.
func TestExplainOpensNoToken(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("*31*0705550199", fromA))
	token := addrOf(c.got.get("Contact"))
	invite := strings.Replace(r.b.invite("x", "<sip:b@ix.example>"), "sip:x@gw.example.net SIP", token+" SIP", 1)
	e := r.explained(r.b, invite)
	if e.Status != 403 || e.After != nil {
		t.Errorf("status %d\n%s", e.Status, e.After)
	}
	invite = r.b.invite("0611000001", "<sip:b@ix.example>", "Replaces: "+c.got.get("Call-ID")+";to-tag=x;from-tag="+tagOf(c.got.get("From")))
	if e := r.explained(r.b, invite); strings.Contains(string(e.After), c.sent.get("Call-ID")) {
		t.Errorf("the Call-ID is back:\n%s", e.After)
	}
	if _, err := r.explain(r.b, c.callee.request("INFO")); !errors.Is(err, ErrInDialog) {
		t.Errorf("%v", err)
	}
}

func TestExplainProposedRules(t *testing.T) {
	r := newRig(t)
	proposed := r.gw.rules.Snapshot().With(rules.Subscriber{Number: r.number(numberA), CLIR: rules.CLIRPermanent})
	text := crlf(r.a.invite("0705550199", fromA))
	e, err := r.gw.proxy.Explain(context.Background(), []byte(text), transport.Flow{Net: transport.UDP, Remote: r.a.addrPort()}, proposed)
	if err != nil || e.Treatment.Class != rules.W || strings.Contains(string(e.After), "5550101") {
		t.Errorf("%v, class %v", err, e.Treatment.Class)
	}
	if e := r.explained(r.a, text); e.Treatment.Class != rules.N {
		t.Errorf("the proposal is in force: %v", e.Treatment.Class)
	}
}

func TestExplainUnreadable(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{"hallo\r\n\r\n", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\n\r\n", strings.ReplaceAll(r.a.invite("1", fromA), "INVITE", "ACK")} {
		if _, err := r.explain(r.a, text); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%v", err)
		}
	}
}

func TestSourceOf(t *testing.T) {
	r := newRig(t)
	if from, ok := r.gw.proxy.SourceOf("A"); !ok || from.Remote != r.a.addrPort() {
		t.Errorf("%v %v", from, ok)
	}
	if from, ok := r.gw.proxy.SourceOf("psap"); !ok || from.Remote != r.psap.addrPort() {
		t.Errorf("%v %v", from, ok)
	}
	if _, ok := r.gw.proxy.SourceOf("nobody"); ok {
		t.Error("a source of nobody")
	}
}

// New calls do not go to a drained peer; emergency calls and dialogs do.
func TestDrainPeer(t *testing.T) {
	r := newRig(t)
	c := r.establish(r.a, r.b, r.a.invite("0705550199", fromA))
	if err := r.gw.proxy.DrainPeer("U1", true); err != nil {
		t.Fatal(err)
	}
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	if no := r.a.final(); !strings.HasPrefix(no.start, "SIP/2.0 503") || no.get("Retry-After") == "" {
		t.Errorf("%s", no.raw)
	}
	if e := r.explained(r.a, r.a.invite("0705550199", fromA)); e.Status != 503 {
		t.Errorf("explained as %d", e.Status)
	}
	r.a.send(r.gw.addr, c.caller.request("INFO"))
	r.b.get("INFO")
	if err := r.gw.proxy.Reconfigure(r.config); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.gw.proxy.Peers() {
		if p.Drained != (p.Name == "U1") || len(p.Targets) != 1 || !p.Targets[0].Up {
			t.Errorf("%+v", p)
		}
	}
	if err := r.gw.proxy.DrainPeer("U1", false); err != nil {
		t.Fatal(err)
	}
	r.a.send(r.gw.addr, r.a.invite("0705550199", fromA))
	r.b.get("INVITE")
	if err := r.gw.proxy.DrainPeer("psap", true); err != nil {
		t.Fatal(err)
	}
	r.a.send(r.gw.addr, r.a.invite("112", fromA))
	r.psap.get("INVITE")
	if err := r.gw.proxy.DrainPeer("nobody", true); !errors.Is(err, ErrNoPeer) {
		t.Errorf("%v", err)
	}
}
