package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// whole is every field of a record, as it is printed.
type whole struct {
	Method, Called, Calling, Shown, Identity, Class, Rule, Ingress, Egress, Source string
	Start, Expires                                                                 time.Time
	Answer, End                                                                    *time.Time
	Withheld                                                                       bool
	Revision                                                                       uint64
	Status                                                                         int
	Bases                                                                          []string
	CalledClass                                                                    string `json:"called_class"`
	Code                                                                           bool   `json:"withhold_code"`
	CallIDIn                                                                       string `json:"call_id_in"`
	CallIDOut                                                                      string `json:"call_id_out"`
}

// finished waits until the newest record is as the call ended.
func (r *rig) finished(ok func(whole) bool) (w whole) {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if rs := r.records(); len(rs) > 0 {
			w = whole{}
			must(r.t, json.Unmarshal([]byte(rs[len(rs)-1].Text), &w))
			if ok(w) {
				return w
			}
		}
	}
	r.t.Errorf("the record never became as it must be: %+v", w)
	return w
}

// What the record says is what the two sides saw, on both sides of the trust boundary.
func TestRecordTellsBothLegs(t *testing.T) {
	for _, c := range []struct {
		name, vector, callee, called, class, rule string
		withheld                                  bool
	}{
		{"ordinary, to another network", "TV01", "U1", "+31705550199", "N", "D8", false},
		{"withheld, to another network", "TV02", "U1", "+31705550199", "W", "D3", true},
		{"ordinary, inside", "TV01", "T2", "+31705550199", "N", "D8", false},
		{"withheld, inside", "TV02", "T2", "+31705550199", "W", "D3", true},
		{"emergency", "TV10", "PS", "112", "E", "D1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.callee, "")
			sent := mustParse(t, r.local(vectorNamed(t, c.vector).msg))
			caller, callee := r.ua("A"), r.ua(c.callee)
			caller.send(r.gw, sent.raw)
			got := callee.request("INVITE")
			callee.send(r.gw, answer(got, "486 Busy Here", "b9"))
			callee.request("ACK")
			w := r.finished(func(w whole) bool { return w.Status == 486 && w.End != nil })
			if w.CallIDIn != sent.get("Call-ID") || w.CallIDOut != got.get("Call-ID") {
				t.Errorf("Call-IDs %q and %q, the wire had %q and %q", w.CallIDIn, w.CallIDOut, sent.get("Call-ID"), got.get("Call-ID"))
			}
			if w.Source != caller.addr() || w.Ingress != "A" || w.Egress != c.callee {
				t.Errorf("from %s by %s to %s", w.Source, w.Ingress, w.Egress)
			}
			if w.Calling != "+31205550101" || w.Identity != "screened" || w.Called != c.called || w.Method != "INVITE" {
				t.Errorf("%s (%s) calls %s by %s", w.Calling, w.Identity, w.Called, w.Method)
			}
			if w.Class != c.class || w.Rule != c.rule || w.Withheld != c.withheld || w.Code != (c.class != "N") || w.Revision == 0 {
				t.Errorf("class %s by rule %s at revision %d, withheld %v, code %v", w.Class, w.Rule, w.Revision, w.Withheld, w.Code)
			}
			if emergency := strings.Contains(strings.Join(w.Bases, " "), "emergency"); emergency != (c.class == "E") || (w.CalledClass == "emergency") != emergency {
				t.Errorf("bases %v, called class %s", w.Bases, w.CalledClass)
			}
			if months := w.Expires.Sub(w.Start); months < 365*24*time.Hour || months > 366*24*time.Hour {
				t.Errorf("kept from %s until %s", w.Start, w.Expires)
			}
			if w.Answer != nil {
				t.Error("answered, says the record of a call that was not")
			}
		})
	}
}

// However a call ends, the record says when and how; an end that nobody told of stays
// unknown.
func TestRecordTellsTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		flow            func(*call)
		status          int
		answered, ended bool
	}{
		"hung up by the caller": {func(c *call) { c.answer(); c.ack(); c.byeFromCaller(c.a.hop()) }, 200, true, true},
		"hung up by the callee": {func(c *call) { c.answer(); c.ack(); c.byeFromCallee(c.b.hop()) }, 200, true, true},
		"never hung up":         {func(c *call) { c.answer(); c.ack() }, 200, true, false},
		"hung up after a restart": {func(c *call) {
			c.answer()
			c.ack()
			c.r.stop()
			c.r.running = startGateway(c.t, c.r.yaml, c.r.dir)
			c.byeFromCaller(c.a.hop())
		}, 200, true, true},
		"cancelled": {func(c *call) { c.cancel() }, 487, false, true},
		"declined": {func(c *call) {
			c.u1.send(c.r.gw, answer(c.got, "603 Decline", "b9"))
			c.ua.final()
		}, 603, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "U1", "", fixedPort...)
			c.flow(r.ringing(t, "TV02", "1"))
			w := r.finished(func(w whole) bool {
				return w.Status == c.status && (w.Answer != nil) == c.answered && (w.End != nil) == c.ended
			})
			if w.Answer != nil && w.Answer.Before(w.Start) || w.End != nil && w.Answer != nil && w.End.Before(*w.Answer) {
				t.Errorf("start %s, answer %s, end %s", w.Start, w.Answer, w.End)
			}
		})
	}
}

// cancel hangs up while it rings.
func (c *call) cancel() {
	c.t.Helper()
	head, _, _ := strings.Cut(c.sent.raw, "\r\n\r\n")
	var lines []string
	for i, line := range strings.Split(head, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch {
		case i == 0:
			lines = append(lines, strings.Replace(line, "INVITE", "CANCEL", 1))
		case strings.EqualFold(name, "CSeq"):
			lines = append(lines, strings.Replace(line, "INVITE", "CANCEL", 1))
		case strings.EqualFold(name, "Via"), strings.EqualFold(name, "From"), strings.EqualFold(name, "To"),
			strings.EqualFold(name, "Call-ID"), strings.EqualFold(name, "Max-Forwards"):
			lines = append(lines, line)
		}
	}
	c.ua.send(c.r.gw, strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n"))
	got := c.u1.request("CANCEL")
	c.u1.send(c.r.gw, answer(got, "200 OK", "b9"))
	c.u1.send(c.r.gw, answer(c.got, "487 Request Terminated", "b9"))
	c.ua.response(487)
}

// A request that is sent again, or tried at a second target, is one call and has one
// record.
func TestOneRecordACall(t *testing.T) {
	r := newRig(t, "U1", "", `to: ["sip:203.0.113.50"], send_pai`, `to: ["sip:203.0.113.51", "sip:203.0.113.50"], send_pai`)
	sent := mustParse(t, r.local(vectorNamed(t, "TV02").msg))
	caller, callee := r.ua("A"), r.ua("U1")
	for range 3 {
		caller.send(r.gw, sent.raw)
	}
	got := callee.request("INVITE") // the first target is silent
	callee.send(r.gw, answer(got, "486 Busy Here", "b9"))
	callee.request("ACK")
	caller.send(r.gw, sent.raw)
	r.finished(func(w whole) bool { return w.Status == 486 })
	if rs := r.records(); len(rs) != 1 {
		t.Errorf("%d records of one call", len(rs))
	}
}

// Of a forwarded call the record tells who forwarded it last, and whether that is whom the
// caller dialled.
func TestRecordTellsForwarding(t *testing.T) {
	const b, c = "+31301111111", "+31302222222"
	diversion := func(n string) string { return "Diversion: <sip:" + n + "@example.net>;reason=unconditional\r\n" }
	history := func(list ...string) (text string) {
		for i, n := range list {
			text += fmt.Sprintf("History-Info: <sip:%s@example.net>;index=1%s\r\n", n, strings.Repeat(".1", i))
		}
		return text
	}
	r := newRig(t, "U1", "")
	caller, callee := r.ua("A"), r.ua("U1")
	for i, x := range []struct {
		headers, from string
		chain         bool
	}{
		{"", "", false},
		{diversion(b), b, false},
		{diversion(c) + diversion(b), c, true},
		{history(b, "+31705550199"), b, false},
		{history(b, c, "+31705550199"), c, true},
	} {
		text := strings.Replace(r.local(vectorNamed(t, "TV01").msg), "Max-Forwards", x.headers+"Max-Forwards", 1)
		text = strings.NewReplacer("Call-ID: ", fmt.Sprintf("Call-ID: f%d-", i), "branch=z9hG4bK", fmt.Sprintf("branch=z9hG4bKf%d", i)).Replace(text)
		caller.send(r.gw, mustParse(t, text).raw)
		got := callee.request("INVITE")
		callee.send(r.gw, answer(got, "486 Busy Here", "b9"))
		callee.request("ACK")
		r.finished(func(w whole) bool { return w.Status == 486 && strings.HasPrefix(w.CallIDIn, fmt.Sprintf("f%d-", i)) })
		var w struct {
			From  string `json:"diverted_from"`
			Chain bool   `json:"diverted_before"`
		}
		all := r.records()
		must(t, json.Unmarshal([]byte(all[len(all)-1].Text), &w))
		if w.From != x.from || w.Chain != x.chain {
			t.Errorf("%d: from %q, chain %v", i, w.From, w.Chain)
		}
	}
}
