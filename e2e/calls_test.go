package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// call is a call from one user agent through the gateway to another.
type call struct {
	t      *testing.T
	r      *rig
	ua, u1 *ua
	line   line
	hidden bool
	sent   sipMsg // the INVITE as the caller sent it
	got    sipMsg // as the callee got it
	a, b   *dialog
}

// ringingCall is TV02 as far as 180.
func ringingCall(t *testing.T) *call {
	t.Helper()
	r := newRig(t, "U1", "")
	return r.ringing(t, "TV02", "1")
}

// ringing is the call that a vector begins, as far as 180. Nothing that the callee ever
// gets of it may show the caller. Calls of one rig differ in their number.
func (r *rig) ringing(t *testing.T, name, number string, subs ...string) *call {
	t.Helper()
	c := &call{t: t, r: r, ua: r.ua("A"), u1: r.ua("U1"), line: r.line("A")}
	v := vectorNamed(t, name)
	c.hidden = slices.Contains(v.expect, "withheld")
	t.Cleanup(func() {
		for _, m := range c.u1.got() {
			c.noLeak(m)
		}
	})
	subs = append(subs, "z9hG4bKa1", "z9hG4bKa"+number, "tag=a1", "tag=a"+number, "c1@pc11.lan", "c"+number+"@pc11.lan")
	c.sent = mustParse(t, strings.NewReplacer(subs...).Replace(r.local(v.msg)))
	c.ua.send(r.gw, c.sent.raw)
	c.got = c.u1.request("INVITE")
	c.noLeak(c.got)
	c.u1.send(r.gw, answer(c.got, "180 Ringing", "b9", "Contact: <sip:b@"+c.u1.host()+">"))
	c.restored(c.ua.response(180))
	return c
}

func vectorNamed(t *testing.T, name string) vector {
	t.Helper()
	for _, v := range loadVectors(t) {
		if v.name == name {
			return v
		}
	}
	t.Fatalf("no vector %s", name)
	panic("unreachable")
}

// withheldCall is TV02 answered and acknowledged.
func withheldCall(t *testing.T) *call {
	t.Helper()
	return newRig(t, "U1", "").withheld(t, "1")
}

func (r *rig) withheld(t *testing.T, number string) *call {
	t.Helper()
	return r.established(t, "TV02", number)
}

// established is the call that a vector begins, answered and acknowledged.
func (r *rig) established(t *testing.T, name, number string) *call {
	t.Helper()
	c := r.ringing(t, name, number)
	c.answer()
	c.ack()
	return c
}

func (c *call) ack() {
	c.t.Helper()
	c.ua.send(c.a.hop(), c.a.request("ACK", "ack"+tag(c.a.local)))
	if got := c.u1.request("ACK"); tag(got.get("To")) != tag(c.b.local) {
		c.t.Errorf("ACK for %q, the callee is %q", got.get("To"), c.b.local)
	}
}

// byeFromCaller ends the call, sent to any gateway.
func (c *call) byeFromCaller(to string) {
	c.t.Helper()
	c.ua.send(to, c.a.request("BYE", "bye"+tag(c.a.local)))
	bye := c.u1.request("BYE")
	if tag(bye.get("From")) != tag(c.b.remote) || tag(bye.get("To")) != tag(c.b.local) || bye.get("Call-ID") != c.b.callID {
		c.t.Errorf("BYE at the callee is of another dialog:\n%s", bye.raw)
	}
	c.u1.send(to, answer(bye, "200 OK", ""))
	if ok := c.ua.response(200); ok.get("Call-ID") != c.a.callID || ok.get("From") != c.a.local {
		c.t.Errorf("not the caller's own dialog:\n%s", ok.raw)
	}
}

// byeFromCallee ends the call, sent to any gateway.
func (c *call) byeFromCallee(to string) {
	c.t.Helper()
	c.u1.send(to, c.b.request("BYE", "eyb"+tag(c.b.remote)))
	bye := c.ua.request("BYE")
	if bye.get("To") != c.a.local || bye.get("From") != c.a.remote || bye.get("Call-ID") != c.a.callID {
		c.t.Errorf("BYE at the caller is of another dialog:\n%s", bye.raw)
	}
	c.ua.send(to, answer(bye, "200 OK", ""))
	c.u1.response(200)
}

// eachKind runs a test with an ordinary and with a withheld call.
func eachKind(t *testing.T, f func(t *testing.T, vector string)) {
	for name, vector := range map[string]string{"ordinary": "TV01", "withheld": "TV02"} {
		t.Run(name, func(t *testing.T) { f(t, vector) })
	}
}

func (c *call) answer() {
	c.t.Helper()
	c.u1.send(c.r.gw, answer(c.got, "200 OK", "b9", "Contact: <sip:b@"+c.u1.host()+">"))
	c.b = asCallee(c.got, "b9", c.u1.addr())
	ok := c.ua.response(200)
	c.restored(ok)
	c.a = asCaller(ok, c.ua.addr())
}

func (c *call) noLeak(m sipMsg) {
	c.t.Helper()
	if w := c.line.leak(m.raw); c.hidden && w != "" {
		c.t.Errorf("leak (%s) in\n%s", w, m.raw)
	}
}

// restored: a response to the caller is one to the INVITE it sent.
func (c *call) restored(m sipMsg) {
	c.t.Helper()
	restored(c.t, c.sent, m)
}

func restored(t *testing.T, sent, m sipMsg) {
	t.Helper()
	same := map[string][2]string{
		"From":    {m.get("From"), sent.get("From")},
		"To":      {withoutTag(m.get("To")), sent.get("To")},
		"Call-ID": {m.get("Call-ID"), sent.get("Call-ID")},
		"CSeq":    {m.get("CSeq"), sent.get("CSeq")},
	}
	for h, v := range same {
		if v[0] != v[1] {
			t.Errorf("%s not restored: %q, sent %q", h, v[0], v[1])
		}
	}
	got, want := m.values("Via"), sent.values("Via")
	if len(got) != len(want) {
		t.Errorf("Via: got %d values, sent %d", len(got), len(want))
		return
	}
	for i := range want {
		if sentBranch := viaBranch(want[i]); viaBranch(got[i]) != sentBranch {
			t.Errorf("Via %d: %q, sent %q", i, got[i], want[i])
		}
	}
}

func viaBranch(via string) string {
	_, b, _ := strings.Cut(via, "branch=")
	b, _, _ = strings.Cut(b, ";")
	return strings.TrimSpace(b)
}

// sameWithheldDialog: a request of the withheld caller reached the callee as one of the
// dialog it knows.
func (c *call) sameWithheldDialog(m sipMsg, cseq string) {
	c.t.Helper()
	c.noLeak(m)
	if m.get("From") != c.got.get("From") {
		c.t.Errorf("From %q, the dialog's is %q", m.get("From"), c.got.get("From"))
	}
	if m.get("Call-ID") != c.got.get("Call-ID") || m.get("CSeq") != cseq {
		c.t.Errorf("Call-ID %q CSeq %q", m.get("Call-ID"), m.get("CSeq"))
	}
	if ct := m.get("Contact"); ct != "" && !strings.Contains(target(ct), "@"+c.r.gw) {
		c.t.Errorf("Contact %q is not on the gateway", ct)
	}
	absent(c.t, m, "P-Asserted-Identity")
	if p := strings.Join(m.all("Privacy"), ","); p != "id" && p != "" {
		c.t.Errorf("Privacy %q", p)
	}
}

func absent(t *testing.T, m sipMsg, headers ...string) {
	t.Helper()
	for _, h := range headers {
		if len(m.all(h)) > 0 {
			t.Errorf("%s is there: %q", h, m.get(h))
		}
	}
}

func mustParse(t *testing.T, raw string) sipMsg {
	t.Helper()
	m, err := parseSIP(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// take waits for the next value of a channel.
func take[T any](t *testing.T, c chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}
