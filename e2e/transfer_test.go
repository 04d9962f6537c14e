package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// A withheld caller transfers one callee to another: Replaces names the other call as the
// callees know it, inside a REFER and in an INVITE of the caller's own.
func TestWithheldCallerTransfers(t *testing.T) {
	r := newRig(t, "U1", "")
	other, c := r.withheld(t, "2"), r.withheld(t, "1")
	replaces := other.a.callID + ";to-tag=" + tag(other.a.remote) + ";from-tag=" + tag(other.a.local)
	want := other.b.callID + ";to-tag=" + tag(other.b.local) + ";from-tag=" + tag(other.b.remote)

	c.ua.send(c.a.hop(), c.a.request("REFER", "refer", "Contact: "+c.sent.get("Contact"),
		"Refer-To: <"+other.a.target+"?Replaces="+url.QueryEscape(replaces)+">"))
	refer := c.u1.request("REFER")
	c.sameWithheldDialog(refer, "2 REFER")
	if got := replacesOf(t, refer); got != want {
		t.Errorf("Replaces %q, the callee knows that call as %q", got, want)
	}
	c.u1.send(r.gw, answer(refer, "202 Accepted", "", "Contact: <sip:b@"+c.u1.host()+">"))

	invite := strings.NewReplacer("z9hG4bKa1", "z9hG4bKr", "c1@", "r@", "Content-Length", "Replaces: "+replaces+"\r\nContent-Length")
	c.ua.send(r.gw, invite.Replace(c.sent.raw))
	got := c.u1.request("INVITE")
	if got.get("Replaces") != want {
		t.Errorf("Replaces %q, the callee knows that call as %q", got.get("Replaces"), want)
	}
}

// The callee transfers a withheld caller to somebody it has a call with: that call is
// none of the caller's, and keeps its name.
func TestWithheldCallerIsTransferred(t *testing.T) {
	r := newRig(t, "U1", "")
	c := r.withheld(t, "1")
	const consultation = "consult-77@ix.example;to-tag=t7;from-tag=f7"
	c.u1.send(c.b.hop(), c.b.request("REFER", "refer", "Contact: <sip:b@"+c.u1.host()+">",
		"Refer-To: <sip:0705550198@gw.example.net?Replaces="+url.QueryEscape(consultation)+">"))
	refer := c.ua.request("REFER")
	if got := replacesOf(t, refer); got != consultation {
		t.Errorf("Replaces at the caller: %q", got)
	}
	c.ua.send(r.gw, answer(refer, "202 Accepted", "", "Contact: "+c.sent.get("Contact")))
	invite := strings.NewReplacer("z9hG4bKa1", "z9hG4bKr", "c1@", "r@", "Content-Length", "Replaces: "+consultation+"\r\nContent-Length")
	c.ua.send(r.gw, invite.Replace(c.sent.raw))
	got := c.u1.request("INVITE")
	if got.get("Replaces") != consultation {
		t.Errorf("Replaces at the target: %q", got.get("Replaces"))
	}

	// But the other side cannot have a call of the caller's named in clear.
	own := c.a.callID + ";to-tag=x;from-tag=" + tag(c.a.local)
	c.u1.send(c.b.hop(), c.b.request("REFER", "refer2", "Contact: <sip:b@"+c.u1.host()+">",
		"Refer-To: <sip:0705550198@gw.example.net?Replaces="+url.QueryEscape(own)+">"))
	c.ua.request("REFER")
	invite = strings.NewReplacer("z9hG4bKa1", "z9hG4bKs", "c1@", "s@", "Content-Length", "Replaces: "+own+"\r\nContent-Length")
	c.ua.send(r.gw, invite.Replace(c.sent.raw))
	got = c.u1.request("INVITE")
	if strings.Contains(got.get("Replaces"), c.a.callID) || strings.Contains(got.get("Replaces"), "from-tag="+tag(c.a.local)) {
		t.Errorf("Replaces %q names the caller's call as the caller does", got.get("Replaces"))
	}
}

// replacesOf reads Replaces out of a Refer-To.
func replacesOf(t *testing.T, refer sipMsg) string {
	t.Helper()
	_, escaped, _ := strings.Cut(target(refer.get("Refer-To")), "?Replaces=")
	plain, err := url.QueryUnescape(escaped)
	must(t, err)
	return plain
}
