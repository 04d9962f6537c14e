package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/store/postgres/pgtest"
)

// Malicious communication identification (TS 24.616): B is +31705550199, reached by U1;
// on its line, B, it dials the code.

const (
	numberB = "+31705550199"
	mcid    = "application/vnd.etsi.mcid+xml"
)

var markCode = []string{`present: ["*31#"]}`, `present: ["*31#"], mark: ["*39#"]}`}

// markRig has the code configured; mode is B's.
func markRig(t *testing.T, mode string, edits ...string) *rig {
	t.Helper()
	r := newRig(t, "U1", "", append(append(edits, markCode...), fixedPort...)...)
	r.put(numberB, `{"mcid":"`+mode+`"}`)
	return r
}

// markBody is a body that marks the call.
func markBody(extra ...string) []string {
	return append([]string{"Content-Type: " + mcid, "body:<mcid><request/></mcid>"}, extra...)
}

// waitFor waits for what is done behind the calls' back.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

var investigator = casework.Actor{Name: "ivo", Role: "investigator"}

// cases are the cases there are, opened.
func (r *running) cases() (list []*casework.Case) {
	r.t.Helper()
	ctx := context.Background()
	s := casework.New(r.g.Cases(), r.g.Search(), casetest.Book{}, new(casetest.Audit), r.g.Ring(), casework.Options{})
	summaries, err := s.List(ctx, investigator, "", 0)
	if errors.Is(err, casework.ErrUnavailable) {
		return nil // two nodes have not exchanged their keys yet
	}
	must(r.t, err)
	for _, x := range summaries {
		c, err := s.Get(ctx, investigator, x.ID)
		must(r.t, err)
		list = append(list, c)
	}
	return list
}

// marked waits until the newest record has that mark, and tells of it.
func (r *running) marked(how string) record {
	r.t.Helper()
	var rec record
	waitFor(r.t, "the record marked "+how, func() bool {
		rec = r.record()
		return strings.Contains(rec.Text, `"mark":"`+how+`"`) && strings.Contains(rec.Text, `"marked":"`)
	})
	return rec
}

// draft waits for the only case, one mark in it.
func (r *running) draft(how string) {
	r.t.Helper()
	waitFor(r.t, "the draft of a case", func() bool { return len(r.cases()) > 0 })
	list := r.cases()
	if len(list) != 1 || list[0].State != casework.Draft || list[0].Claim.Number.E164() != numberB {
		r.t.Fatalf("%d cases", len(list))
	}
	in := list[0].Incidents
	if len(in) != 1 || in[0].Mark != how || len(in[0].Frozen) == 0 || time.Since(in[0].Reported) > time.Hour {
		r.t.Errorf("%d incidents, marked %q", len(in), in[0].Mark)
	}
}

// unmarked: nothing was marked, and nobody's case was opened.
func (r *running) unmarked() {
	r.t.Helper()
	if n := r.g.Stats().Events["marked"]; n != 0 {
		r.t.Errorf("%d calls were marked", n)
	}
	if list := r.cases(); len(list) != 0 {
		r.t.Errorf("%d cases", len(list))
	}
}

// dialCode has B dial the code on its line, and answers what its phone is told.
func (r *rig) dialCode(to, branch string) sipMsg {
	r.t.Helper()
	b := r.ua("B")
	b.send(to, r.local(crlf(`INVITE sip:*39%23@gw.example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK`+branch+`
Max-Forwards: 70
From: <sip:+31705550199@gw.example.net>;tag=`+branch+`
To: <sip:*39%23@gw.example.net>
Call-ID: `+branch+`@b.lan
CSeq: 1 INVITE
Contact: <sip:b@192.0.2.99>
Content-Length: 0

`)))
	return b.final()
}

// shownCall is a call from Z, whose number is shown, to B, who is busy.
func (r *rig) shownCall(branch string) {
	r.t.Helper()
	z, u1 := r.ua("Z"), r.ua("U1")
	z.send(r.gw, r.local(crlf(`INVITE sip:0705550199@gw.example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.88:5060;branch=z9hG4bKz`+branch+`
Max-Forwards: 70
From: <sip:+31705550188@gw.example.net>;tag=z`+branch+`
To: <sip:0705550199@gw.example.net>
Call-ID: z`+branch+`@z.lan
CSeq: 1 INVITE
Contact: <sip:z@192.0.2.88>
Content-Length: 0

`)))
	got := u1.request("INVITE")
	if !strings.Contains(got.get("From"), "31705550188") {
		r.t.Errorf("From %q", got.get("From"))
	}
	u1.send(r.gw, answer(got, "486 Busy Here", "b"+branch))
	z.response(486)
}

func TestTV54MarkDuringTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		extra  []string
		goes   bool
	}{
		"INFO":                   {"INFO", markBody(), false},
		"INFO, other spelling":   {"INFO", []string{"c: Application/VND.etsi.MCID+xml ; charset=utf-8", "body:?"}, false},
		"re-INVITE":              {"INVITE", markBody("Contact: <sip:b@203.0.113.50>"), true},
		"re-INVITE with more":    {"INVITE", []string{"Contact: <sip:b@203.0.113.50>", "Content-Type: multipart/mixed;boundary=x", "body:--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x\r\nContent-Type: " + mcid + "\r\n\r\n<mcid/>\r\n--x--\r\n"}, true},
		"UPDATE":                 {"UPDATE", markBody("Contact: <sip:b@203.0.113.50>"), true},
		"INFO without a content": {"INFO", []string{"Content-Type: " + mcid}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := markRig(t, "temporary")
			call := r.withheld(t, "1")
			for i := range c.extra {
				c.extra[i] = r.local(c.extra[i])
			}
			call.u1.send(call.b.hop(), call.b.request(c.method, "mark", c.extra...))
			if c.goes {
				got := call.ua.request(c.method)
				if strings.Contains(strings.ToLower(made.ReplaceAllString(got.raw, "#")), "mcid") || got.get("To") != call.a.local {
					t.Errorf("the caller got\n%s", got.raw)
				}
				call.ua.send(r.gw, answer(got, "200 OK", "", "Contact: <sip:+31205550101@"+call.ua.host()+">"))
			}
			ok := call.u1.response(200)
			call.noLeak(ok)
			if !c.goes {
				call.ua.silent()
			}
			if rec := r.marked("message"); rec.Calling != "+31205550101" || rec.Called != numberB {
				t.Errorf("%v", rec)
			}
			r.draft("message")
			call.byeFromCallee(call.b.hop())
		})
	}
}

// The same again is the same mark: one incident.
func TestMarkTwice(t *testing.T) {
	r := markRig(t, "temporary")
	call := r.withheld(t, "1")
	for _, branch := range []string{"mark1", "mark2"} {
		call.u1.send(call.b.hop(), call.b.request("INFO", branch, markBody()...))
		call.u1.response(200)
	}
	call.byeFromCaller(call.a.hop())
	if reply := r.dialCode(r.gw, "code"); reply.status() != 603 {
		t.Errorf("%q", reply.start)
	}
	r.marked("message")
	r.draft("message")
}

func TestMarkByCode(t *testing.T) {
	r := markRig(t, "temporary")
	if reply := r.dialCode(r.gw, "none"); reply.start != "SIP/2.0 404 No Call To Mark" {
		t.Errorf("before any call: %q", reply.start)
	}
	r.unmarked()
	r.withheld(t, "1").byeFromCaller(r.gw)
	r.shownCall("2") // not the one that is meant
	reply := r.dialCode(r.gw, "code")
	if reply.start != "SIP/2.0 603 Call Marked" || strings.Contains(reply.raw, "205550101") {
		t.Errorf("%s", reply.raw)
	}
	r.draft("code")
	waitFor(t, "the mark in the record of the withheld call", func() bool {
		rs := r.records()
		return len(rs) == 2 && strings.Contains(rs[0].Text, `"mark":"code"`) && !strings.Contains(rs[1].Text, `"mark"`)
	})
}

// Explain tells of the code what the gateway does with it, marks nothing, and does not tell
// whether a call came.
func TestExplainOfTheMarkCode(t *testing.T) {
	r := markRig(t, "temporary")
	explained := func(dialled string) (a struct {
		Answer struct {
			Status       int
			Reason, Note string
		}
	}) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"peer": "B", "call": map[string]any{"from": numberB, "to": dialled}})
		must(t, err)
		r.ask("POST", "/v1/explain", body, &a)
		return a
	}
	before := explained("*39#")
	r.withheld(t, "1").byeFromCaller(r.gw)
	after := explained("*39#")
	if a := after.Answer; before != after || a.Status != 603 || a.Reason != "Call Marked" || !strings.Contains(a.Note, "404 No Call To Mark") {
		t.Errorf("before a call %+v, after it %+v", before, after)
	}
	r.unmarked()
	r.put(numberB, `{"mcid":"none"}`)
	if a := explained("*39#").Answer; a.Status != 403 || a.Note != "" {
		t.Errorf("without the service: %+v", a)
	}
}

// Whoever has no such arrangement is refused, the caller as well; no body gets through.
func TestMarkIsRefused(t *testing.T) {
	r := markRig(t, "none")
	call := r.withheld(t, "1")
	call.u1.send(call.b.hop(), call.b.request("INFO", "m1", markBody()...))
	if reply := call.u1.final(); reply.status() != 403 {
		t.Errorf("INFO without the service: %q", reply.start)
	}
	call.ua.silent()
	call.u1.send(call.b.hop(), call.b.request("INVITE", "m2", markBody("Contact: <sip:b@"+call.u1.host()+">")...))
	got := call.ua.request("INVITE")
	if strings.Contains(made.ReplaceAllString(got.raw, "#"), "mcid") {
		t.Errorf("the body reached the caller:\n%s", got.raw)
	}
	call.ua.send(r.gw, answer(got, "200 OK", "", "Contact: <sip:+31205550101@"+call.ua.host()+">"))
	call.u1.response(200)
	if reply := r.dialCode(r.gw, "code"); reply.status() != 403 {
		t.Errorf("code without the service: %q", reply.start)
	}
	r.put(numberB, `{"mcid":"permanent"}`)
	call.ua.send(call.a.hop(), call.a.request("INFO", "m3", markBody()...))
	if reply := call.ua.final(); reply.status() != 403 {
		t.Errorf("INFO of the caller: %q", reply.start)
	}
	for _, m := range call.u1.got() {
		if strings.Contains(m.raw, "<mcid>") && m.isRequest() {
			t.Errorf("the caller's body reached the called party:\n%s", m.raw)
		}
	}
	r.unmarked()
}

// LAW-07: a call whose number was shown is marked, and is no case.
func TestMarkOfAShownCall(t *testing.T) {
	r := markRig(t, "permanent")
	call := r.established(t, "TV01", "1")
	call.u1.send(call.b.hop(), call.b.request("INFO", "mark", markBody()...))
	call.u1.response(200)
	call.ua.silent()
	r.marked("message")
	waitFor(t, "the mark filed", func() bool { return metric(t, r.running, "clirgate_marks_filed_total") == "1" })
	if list := r.cases(); len(list) != 0 {
		t.Errorf("%d cases", len(list))
	}
}

// metric reads one from /metrics.
func metric(t *testing.T, r *running, name string) string {
	t.Helper()
	req, err := http.NewRequest("GET", r.admin+"/metrics", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+r.nocToken())
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	for _, l := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(l, name+" "); ok {
			return rest
		}
	}
	return ""
}

func TestMarkAlways(t *testing.T) {
	r := markRig(t, "permanent")
	r.withheld(t, "1").byeFromCaller(r.gw)
	r.marked("always")
	r.draft("always")
	r.shownCall("2")
	if n := r.g.Stats().Events["marked"]; n != 1 {
		t.Errorf("%d marked", n)
	}
}

func TestMarkUnanswered(t *testing.T) {
	r := markRig(t, "unanswered")
	r.withheld(t, "1").byeFromCaller(r.gw)
	r.unmarked()
	call := r.ringing(t, "TV02", "2")
	call.ua.send(r.gw, strings.NewReplacer("c1@pc11", "c2@pc11", "z9hG4bKa1", "z9hG4bKa2", "tag=a1", "tag=a2").Replace(call.sample(t, "TV38")))
	call.ua.response(200)
	cancel := call.u1.request("CANCEL")
	call.u1.send(r.gw, answer(cancel, "200 OK", "b9"))
	call.u1.send(r.gw, answer(call.got, "487 Request Terminated", "b9"))
	call.ua.response(487)
	r.marked("unanswered")
	r.draft("unanswered")
}

// The mark needs nothing that a restart loses: the token tells the call, the records tell
// the last one.
func TestMarkAfterARestart(t *testing.T) {
	for name, code := range map[string]bool{"message": false, "code": true} {
		t.Run(name, func(t *testing.T) {
			r := markRig(t, "temporary")
			call := r.withheld(t, "1")
			if code {
				call.byeFromCaller(r.gw)
			}
			r.stop()
			r.running = startGateway(t, r.yaml, r.dir)
			if code {
				if reply := r.dialCode(r.gw, "code"); reply.status() != 603 {
					t.Fatalf("%q", reply.start)
				}
			} else {
				call.u1.send(call.b.hop(), call.b.request("INFO", "mark", markBody()...))
				call.u1.response(200)
			}
			r.marked(name)
			r.draft(name)
		})
	}
}

// A mark that was acknowledged is filed by the process that comes after.
func TestMarkIsFiledAfterARestart(t *testing.T) {
	r := markRig(t, "temporary")
	call := r.withheld(t, "1")
	call.u1.send(call.b.hop(), call.b.request("INFO", "mark", markBody()...))
	call.u1.response(200)
	r.stop() // before the mark was seen in the record
	r.running = startGateway(t, r.yaml, r.dir)
	r.marked("message")
	r.draft("message")
	if left, err := os.ReadFile(filepath.Join(r.dataDir(), gateway.MarksFile)); err != nil || strings.Contains(string(left), "705550199") {
		t.Errorf("%v, or a number in the file", err)
	}
}

// Any node takes the mark of a call that went through another.
func TestMarkOnAnotherNode(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	master := filepath.Join(t.TempDir(), "master")
	r := markRig(t, "temporary", "data: ", "store: \""+url+"\"\ntrace: {master_key: \""+master+"\"}\ndata: ")
	first, second := r.withheld(t, "1"), r.withheld(t, "2")
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	ring, err := os.ReadFile(filepath.Join(r.dataDir(), gateway.KeysFile))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "data", gateway.KeysFile), ring, 0o600))
	other := startGateway(t, strings.NewReplacer(
		r.local("198.51.100.1:5060"), r.local("198.51.100.2:5060"), r.dataDir(), filepath.Join(dir, "data"), "node: gw1", "node: gw2",
	).Replace(r.yaml), dir)
	waitFor(t, "the rules on the other node", func() bool {
		return other.g.Rules().Table().Snapshot().Revision() == r.g.Rules().Table().Snapshot().Revision()
	})
	first.u1.send(other.gw, first.b.request("INFO", "mark", markBody()...))
	first.u1.response(200)
	other.draft("message")
	second.byeFromCaller(other.gw)
	waitFor(t, "the last call found on the other node", func() bool {
		reply := r.dialCode(other.gw, "code"+time.Now().Format("150405.000"))
		return reply.status() == 603
	})
	waitFor(t, "both in the draft", func() bool {
		list := r.cases()
		return len(list) == 1 && len(list[0].Incidents) == 2
	})
}

// While the shared store is away, a node finds the last call in its own records; the mark is
// filed when the store is back.
func TestMarkByCodeWhileStoreIsAway(t *testing.T) {
	server := pgtest.Start(t)
	master := filepath.Join(t.TempDir(), "master")
	r := markRig(t, "temporary", "data: ", "store: \""+server.Database(t)+"\"\ntrace: {master_key: \""+master+"\"}\ndata: ")
	server.Stop(t)
	r.withheld(t, "1").byeFromCaller(r.gw)
	if reply := r.dialCode(r.gw, "code"); reply.start != "SIP/2.0 603 Call Marked" {
		t.Errorf("while the store is away: %q", reply.start)
	}
	server.Restart(t)
	r.draft("code")
}

// Emergency calls know nothing of it: the body is the PSAP's and the caller's own matter.
func TestMarkCodeInFrontOf112(t *testing.T) {
	r := markRig(t, "temporary")
	b, ps := r.ua("B"), r.ua("PS")
	b.send(r.gw, r.local(crlf(`INVITE sip:*39%23112@gw.example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKsos
Max-Forwards: 70
From: <sip:+31705550199@gw.example.net>;tag=sos
To: <sip:*39%23112@gw.example.net>
Call-ID: sos@b.lan
CSeq: 1 INVITE
Contact: <sip:b@192.0.2.99>
Content-Length: 0

`)))
	if got := ps.request("INVITE"); !strings.Contains(got.get("From"), "31705550199") {
		t.Errorf("From %q", got.get("From"))
	}
}
