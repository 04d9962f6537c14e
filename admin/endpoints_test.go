package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/rules"
)

func TestPeers(t *testing.T) {
	a := newAPI(t)
	if r := a.do("GET", "/v1/peers", ""); r.status != 200 || !strings.Contains(r.body, `"state":"up"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("POST", "/v1/peers/core%20x:drain?reason=works", ""); r.status != 200 || r.field("state") != "drained" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("POST", "/v1/peers/core%20x:resume", ""); r.status != 200 || r.field("state") != "up" {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("POST", "/v1/peers/nobody:drain", ""), 404, "")
	a.want(a.do("POST", "/v1/peers/core%20x:explode", ""), 404, "")
	a.want(a.do("GET", "/v1/peers/core%20x:drain", ""), 405, "")
}

func TestStatusAndNodes(t *testing.T) {
	a := newAPI(t)
	if r := a.do("GET", "/v1/status", ""); r.status != 200 || r.field("state") != "serving" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("GET", "/v1/nodes", ""); r.status != 200 || !strings.Contains(r.body, `"name":"gw1"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.parts.fails = rules.ErrUnavailable
	a.want(a.do("GET", "/v1/nodes", ""), 503, "")
}

// wait=all answers when every live node has the change.
func TestWaitForAllNodes(t *testing.T) {
	a := newAPI(t)
	a.parts.nodes = append(a.parts.nodes, rules.Node{Name: "gw2"}, rules.Node{Name: "gone", Age: time.Hour})
	go func() {
		time.Sleep(20 * time.Millisecond)
		a.parts.mu.Lock()
		defer a.parts.mu.Unlock()
		a.parts.nodes[1].Revision = 1
	}()
	if r := a.do("PUT", one+"?wait=all", `{}`); r.status != 201 {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("PUT", one+"?wait=some", `{}`), 400, "wait")
}

func TestExplainEndpoint(t *testing.T) {
	a := newAPI(t)
	if r := a.do("POST", "/v1/explain", `{"peer":"phones","message":"INVITE 31612345678","name":"n"}`); r.status != 200 || r.field("name") != "n" {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("POST", "/v1/explain", `{}`), 400, "peer")
	a.want(a.do("POST", "/v1/explain", `{"message":7}`), 400, "message")
	a.want(a.do("POST", "/v1/explain", `{"messag1":7}`), 400, "messag?")
	a.want(a.do("POST", "/v1/explain", `{}`, "Content-Type: text/plain"), 415, "Content-Type")
	r := a.do("POST", "/v1/explain:change", `{"subscribers":[{"number":"06-12345678"}],"calls":[{"peer":"p"}]}`)
	if r.status != 200 || !strings.Contains(r.body, `"differences":["class: N, then W","rule: D8, then D2","effects: none, then x","answer: forwarded, then 433 Anonymity Disallowed"]`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("POST", "/v1/explain:change", `{"subscribers":[{"number":"06-12345678"}],"calls":[{}]}`), 400, "calls[0].peer")
	a.want(a.do("POST", "/v1/explain:change", `{"subscribers":[{"number":"06-12345678"}]}`), 400, "calls")
	a.want(a.do("POST", "/v1/explain:change", `{"subscribers":[{"clip":1}],"calls":[{}]}`), 400, "subscribers[0].clip")
	a.parts.fails = errors.New("+31612345678 cannot be resolved")
	a.want(a.do("POST", "/v1/explain", `{"peer":"phones"}`), 503, "")
}

// twelve makes 12 changes by two actors, of which the last is of many subscribers.
func (a *api) twelve() {
	a.t.Helper()
	ctx := context.Background()
	for i := range 11 {
		actor := "noc:alice"
		if i%2 == 1 {
			actor = "noc:bob"
		}
		sub := rules.Subscriber{Number: number(fmt.Sprintf("3161234567%d", i%3)), Note: fmt.Sprint(i)}
		if _, err := a.rules.Put(ctx, sub, rules.Whatever(), rules.By{Actor: actor, Reason: "r"}); err != nil {
			a.t.Fatal(err)
		}
	}
	writes := []rules.Write{
		{Number: number("31612345671"), After: &rules.Subscriber{Number: number("31612345671"), ACR: true}, Match: rules.Whatever()},
		{Number: number("31612345679"), After: &rules.Subscriber{Number: number("31612345679"), ACR: true}, Match: rules.Whatever()},
	}
	if _, err := a.rules.Write(ctx, writes, rules.By{Actor: "noc:carol", Job: "j"}); err != nil {
		a.t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	a := newAPI(t)
	begun := time.Now().Add(-time.Second)
	a.twelve()
	revisions := func(query string) (list []int) {
		t.Helper()
		for next := ""; ; {
			r := a.do("GET", "/v1/changes?"+query+next, "")
			if r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			for _, c := range r.json["changes"].([]any) {
				list = append(list, int(c.(map[string]any)["revision"].(float64)))
			}
			if r.json["next"] == nil {
				return list
			}
			next = "&cursor=" + r.field("next")
		}
	}
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	for query, want := range map[string]string{
		"limit=5":                               "[12 11 10 9 8 7 6 5 4 3 2 1]",
		"actor=noc:bob&number=0612345670":       "[10 4]",
		"number=%2B31612345671":                 "[12 11 8 5 2]",
		"job=j":                                 "[12]",
		"actor=noc:carol&since=" + stamp(begun): "[12]",
		"until=" + stamp(begun):                 "[]",
	} {
		if got := fmt.Sprint(revisions(query)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	r := a.do("GET", "/v1/changes?limit=1", "")
	if batch := r.json["changes"].([]any)[0].(map[string]any); batch["number"] != nil || batch["rows"] != 2.0 || batch["action"] != "subscribers.import" || batch["job"] != "j" {
		t.Errorf("%v", batch)
	}
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=x": "limit", "limit=501": "limit", "cursor=-": "cursor", "since=yesterday": "since", "until=1": "until",
		"number=alice": "number", "before=3": "before", "actor=" + strings.Repeat("x", 201): "actor",
	} {
		a.want(a.do("GET", "/v1/changes?"+query, ""), 400, field)
	}
}

func TestRevert(t *testing.T) {
	a := newAPI(t)
	a.twelve()
	r := a.do("POST", "/v1/changes/10:revert?reason=oops&wait=all", "")
	if before, _ := r.json["after"].(map[string]any); r.status != 200 || r.header.Get("ETag") != `"13"` || r.field("actor") != "noc:alice" || r.json["reverts"] != 10.0 || before["note"] != "6" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("GET", "/v1/subscribers/+31612345670", ""); r.field("note") != "6" {
		t.Errorf("%s", r.body)
	}
	a.want(a.do("POST", "/v1/changes/7:revert", ""), 409, "")
	a.want(a.do("POST", "/v1/changes/700:revert", ""), 404, "")
	a.want(a.do("POST", "/v1/changes/x:revert", ""), 400, "revision")
	if r := a.do("POST", "/v1/changes/12:revert", ""); r.status != 200 || r.json["number"] != nil || r.json["rows"] != 2.0 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if err := a.db.Close(); err != nil {
		t.Fatal(err)
	}
	a.want(a.do("GET", "/v1/changes", ""), 503, "")
	a.want(a.do("POST", "/v1/changes/11:revert", ""), 503, "")
}

// job waits until a job has ended.
func (a *api) job(path string) answer {
	a.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if r := a.do("GET", path, ""); r.field("state") != "running" {
			return r
		}
	}
	a.t.Fatal("the job does not end")
	panic("unreachable")
}

func TestImport(t *testing.T) {
	a := newAPI(t)
	rows := "number,clir\nnobody,permanent\n" + strings.Repeat("+31612345678,permanent\n", 10_000) // more than a body may be elsewhere
	r := a.do("POST", "/v1/subscribers:import?reason=move&dry_run=true", rows, "Content-Type: text/csv")
	if r.status != 202 || r.field("state") != "running" || r.json["dry_run"] != true {
		t.Fatalf("%d %s", r.status, r.body)
	}
	j := a.job(r.header.Get("Location"))
	if j.field("state") != "done" || j.json["rows"] != 10_001.0 || j.json["done"] != 1.0 || j.json["bad"] != 1.0 || j.json["changed"] != 1.0 || !strings.Contains(j.body, `"line":2,"row":1,"field":"number"`) {
		t.Errorf("%s", j.body)
	}
	a.want(a.do("GET", one, ""), 404, "")
	if r := a.do("GET", "/v1/jobs", ""); r.status != 200 || strings.Count(r.body, `"id"`) != 1 || strings.Contains(r.body, `"line"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = a.do("POST", "/v1/subscribers:import?bad_rows=stop", rows, "Content-Type: text/csv")
	if j := a.job(r.header.Get("Location")); j.field("state") != "failed" || j.field("error") != `line 2: "number" is no telephone number with a country code: give it with + and country code, or as dialled at home` {
		t.Errorf("%s", j.body)
	}
	a.want(a.do("GET", one, ""), 404, "")
	stopped := r.header.Get("Location")
	if j := a.do("GET", stopped, ""); j.json["resumable"] != true {
		t.Errorf("%s", j.body)
	}
	r = a.do("POST", stopped+":resume", "")
	if j := a.job(stopped); r.status != 202 || r.header.Get("Location") != stopped || j.field("state") != "failed" || j.json["resumable"] != true {
		t.Errorf("%d %s", r.status, j.body)
	}
	r = a.do("POST", stopped+":resume?bad_rows=skip&reason=move", "")
	if j := a.job(stopped); r.status != 202 || j.field("state") != "done" || j.json["changed"] != 1.0 || j.json["bad"] != 1.0 || j.json["resumable"] != false {
		t.Errorf("%d %s", r.status, j.body)
	}
	if r := a.do("DELETE", one, "", "If-Match: *"); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.do("GET", one, ""), 404, "")
	r = a.do("POST", "/v1/subscribers:import?reason=move&wait=all", rows, "Content-Type: text/csv")
	first := a.job(r.header.Get("Location"))
	if first.field("state") != "done" || first.json["changed"] != 1.0 || first.json["revision"] != 3.0 || first.field("error") != "" {
		t.Errorf("%s", first.body)
	}
	if r := a.do("GET", one, ""); r.field("clir") != "permanent" {
		t.Errorf("%s", r.body)
	}
	r = a.do("POST", "/v1/jobs/"+first.field("id")+":revert?reason=oops", "")
	if j := a.job(r.header.Get("Location")); r.status != 202 || j.field("state") != "done" || j.field("kind") != "revert" || j.json["changed"] != 1.0 {
		t.Errorf("%d %s", r.status, j.body)
	}
	a.want(a.do("GET", one, ""), 404, "")
	r = a.do("POST", "/v1/jobs/nothing:revert", "")
	if j := a.job(r.header.Get("Location")); j.field("state") != "failed" || j.field("error") == "" {
		t.Errorf("%s", j.body)
	}
	a.want(a.do("GET", "/v1/jobs/nothing", ""), 404, "")
	a.want(a.do("POST", "/v1/jobs/nothing:cancel", ""), 404, "")
	a.want(a.do("POST", "/v1/jobs/"+first.field("id")+":cancel", ""), 409, "")
	a.want(a.do("POST", "/v1/jobs/nothing:resume", ""), 404, "")
	a.want(a.do("POST", "/v1/jobs/"+first.field("id")+":resume", ""), 409, "")
	a.want(a.do("POST", "/v1/jobs/"+first.field("id")+":resume?bad_rows=eat", ""), 400, "bad_rows")
	a.want(a.do("POST", "/v1/subscribers:import", rows), 415, "Content-Type")
	for query, field := range map[string]string{"dry_run=maybe": "dry_run", "dryrun=true": "dryrun", "bad_rows=eat": "bad_rows", "wait=some": "wait"} {
		a.want(a.do("POST", "/v1/subscribers:import?"+query, rows, "Content-Type: text/csv"), 400, field)
	}
	r = a.do("POST", "/v1/subscribers:import", "nummer\n1\n", "Content-Type: text/csv")
	if j := a.job(r.header.Get("Location")); j.field("state") != "failed" || !strings.Contains(j.field("error"), "line 1") {
		t.Errorf("%s", j.body)
	}
}

// One job at a time; the second is told so. The first can be cancelled.
func TestImportsDoNotOverlap(t *testing.T) {
	a := newAPI(t)
	a.parts.nodes = append(a.parts.nodes, rules.Node{Name: "slow"}) // which the first waits for
	first := a.do("POST", "/v1/subscribers:import?wait=all", "number,acr\n+31612345678,true\n", "Content-Type: text/csv")
	if r := a.do("POST", "/v1/subscribers:import", "number\n", "Content-Type: text/csv"); r.status != 409 || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("POST", "/v1/jobs/x:revert", ""); r.status != 409 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("POST", first.header.Get("Location")+":cancel", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if j := a.job(first.header.Get("Location")); j.field("state") == "failed" {
		t.Errorf("%s", j.body)
	}
}

func TestExport(t *testing.T) {
	a := newAPI(t)
	for _, body := range []string{`{"number":"+31612345678","clir":"permanent","note":"=1+1","until":"2096-10-02T07:06:40Z"}`, `{"number":"+31612345679"}`} {
		if r := a.do("PUT", "/v1/subscribers/"+body[11:23], body); r.status != 201 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	want := "number,clir,clip,acr,tir,override,shield_on_bills,note,until,mcid\n" +
		"'+31612345678,permanent,true,false,none,false,false,'=1+1,2096-10-02T07:06:40Z,none\n'+31612345679,none,true,false,none,false,false,,,none\n"
	if r := a.do("GET", "/v1/subscribers:export", ""); r.status != 200 || r.body != want {
		t.Errorf("%d %q", r.status, r.body)
	}
	if r := a.do("GET", "/v1/subscribers:export?format=jsonl", ""); r.status != 200 || strings.Count(r.body, "\n") != 2 || !strings.HasPrefix(r.body, `{"number":"+31612345678","clir":"permanent"`) {
		t.Errorf("%d %q", r.status, r.body)
	}
	a.want(a.do("GET", "/v1/subscribers:export?format=xml", ""), 400, "format")
}

func TestAudit(t *testing.T) {
	a := newAPI(t)
	privacy := a.token(token.Privacy, "pia", time.Time{})
	a.do("PUT", one+"?reason=ticket", `{"note":"secret"}`)
	a.do("GET", one, "")
	a.do("PUT", one+"?reason=again", `{}`)
	a.as("", "GET", one, "")
	a.as(privacy, "DELETE", one, "")
	a.do("GET", "/v1/subscribers:export", "")
	a.do("POST", "/v1/peers/core%20x:drain", "")
	r := a.as(privacy, "GET", "/v1/audit", "")
	var got []string
	for _, e := range r.json["entries"].([]any) {
		e := e.(map[string]any)
		got = append(got, fmt.Sprintf("%v %v:%v %v %v %v %v", e["seq"], e["role"], e["actor"], e["action"], e["object"], e["purpose"], e["outcome"]))
	}
	want := []string{
		"5 noc:alice POST /v1/peers/{name}:drain peer:core x  done",
		"4 noc:alice GET /v1/subscribers:export   done",
		"3 privacy:pia DELETE /v1/subscribers/{number} subscriber:+31612345678  refused",
		"2 : GET /v1/subscribers/{number}   refused",
		"1 noc:alice PUT /v1/subscribers/{number} subscriber:+31612345678 again refused",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || strings.Contains(r.body, "secret") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if r := a.as(privacy, "GET", "/v1/audit?limit=2&actor=alice", ""); strings.Count(r.body, `"seq"`) != 2 || r.field("next") == "" {
		t.Errorf("%s", r.body)
	}
	// Who reads the log sees whom it names: that is written down too.
	if r := a.as(privacy, "GET", "/v1/audit", ""); strings.Count(r.body, `"action":"GET /v1/audit"`) != 2 {
		t.Errorf("%s", r.body)
	}
	if r := a.as(privacy, "GET", "/v1/audit:verify", ""); r.status != 200 || r.json["whole"] != true || !strings.Contains(r.body, `"seq":8`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.parts.log[1].Action = "GET /v1/nothing"
	if r := a.as(privacy, "GET", "/v1/audit:verify", ""); r.status != 200 || r.json["whole"] != false || !strings.Contains(r.body, `"entry 2 was changed"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.as(privacy, "GET", "/v1/audit:export", ""); r.status != 200 || strings.Count(r.body, "\n") < 7 {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.as(privacy, "GET", "/v1/audit:export?after=x", ""), 400, "after")
	a.want(a.as(privacy, "GET", "/v1/audit?color=red", ""), 400, "color")
}

func TestIdempotencyKeys(t *testing.T) {
	a := newAPI(t)
	now := time.Now()
	a.server.Now = func() time.Time { return now }
	ask := func(peer string, headers ...string) answer {
		return a.do("POST", "/v1/explain", `{"peer":"`+peer+`"}`, append(headers, "Idempotency-Key: k1")...)
	}
	first := ask("a")
	again := ask("a")
	if again.status != 200 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != "application/json" || len(a.parts.asked) != 1 {
		t.Errorf("%d %s, asked %d times", again.status, again.body, len(a.parts.asked))
	}
	a.want(ask("b"), 422, "Idempotency-Key")
	bob := a.token(token.NOC, "bob", time.Time{})
	if r := a.as(bob, "POST", "/v1/explain", `{"peer":"b"}`, "Idempotency-Key: k1"); r.status != 200 {
		t.Errorf("bob's own key: %d", r.status)
	}
	now = now.Add(25 * time.Hour)
	if r := ask("b"); r.status != 200 || r.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("a day later: %d", r.status)
	}
	a.want(a.do("POST", "/v1/explain", `{}`, "Idempotency-Key: "), 400, "Idempotency-Key")
	a.want(a.do("POST", "/v1/explain", `{}`, "Idempotency-Key: "+strings.Repeat("x", 201)), 400, "Idempotency-Key")
	// What failed for the gateway's own reasons is tried again.
	a.parts.fails = errors.New("away")
	if r := a.do("POST", "/v1/explain", `{"peer":"a"}`, "Idempotency-Key: k2"); r.status != 503 {
		t.Errorf("%d", r.status)
	}
	a.parts.fails = nil
	if r := a.do("POST", "/v1/explain", `{"peer":"a"}`, "Idempotency-Key: k2"); r.status != 200 {
		t.Errorf("%d", r.status)
	}
}

// The same key many times at once is one request.
func TestIdempotencyKeysRace(t *testing.T) {
	a := newAPI(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if r := a.do("POST", "/v1/explain", `{"peer":"a"}`, "Idempotency-Key: k"); r.status != 200 && r.status != 409 {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	if len(a.parts.asked) != 1 {
		t.Errorf("done %d times", len(a.parts.asked))
	}
}

func TestRateOfOneToken(t *testing.T) {
	a := newAPI(t, func(o *admin.Options) { o.Rate = 1 })
	now := time.Now()
	a.server.Now = func() time.Time { return now }
	for range 4 {
		if r := a.do("GET", "/v1/whoami", ""); r.status != 200 {
			t.Errorf("%d", r.status)
		}
	}
	r := a.do("GET", "/v1/whoami", "")
	if a.want(r, 429, ""); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if r := a.as(a.token(token.NOC, "bob", time.Time{}), "GET", "/v1/whoami", ""); r.status != 200 {
		t.Errorf("another token: %d", r.status)
	}
	now = now.Add(time.Second)
	if r := a.do("GET", "/v1/whoami", ""); r.status != http.StatusOK {
		t.Errorf("a second later: %d", r.status)
	}
}

func TestPartsThatAreAbsent(t *testing.T) {
	a := newAPI(t, func(o *admin.Options) {
		*o = admin.Options{Rules: o.Rules, Tokens: o.Tokens, Plan: o.Plan, Log: o.Log, Rate: o.Rate}
	})
	privacy := a.token(token.Privacy, "pia", time.Time{})
	for _, e := range []string{
		"GET /v1/status", "GET /v1/peers", "GET /v1/nodes", "POST /v1/explain", "POST /v1/explain:change", "POST /v1/peers/x:drain",
		"POST /v1/subscribers:import", "GET /v1/jobs", "GET /v1/jobs/x", "POST /v1/jobs/x:cancel", "POST /v1/jobs/x:resume", "POST /v1/jobs/x:revert", "GET /v1/audit", "GET /v1/audit:verify", "GET /v1/audit:export",
	} {
		method, path, _ := strings.Cut(e, " ")
		plain := a.noc
		if strings.Contains(path, "audit") {
			plain = privacy
		}
		a.want(a.as(plain, method, path, "{}"), 501, "")
	}
}

// What cannot be written into the audit log waits, and comes into it in its order.
func TestAuditLogAway(t *testing.T) {
	a := newAPI(t)
	off := func(off bool) {
		a.parts.mu.Lock()
		defer a.parts.mu.Unlock()
		a.parts.logOff = off
	}
	a.want(a.do("PUT", one, `{"clir":"often"}`), 400, "clir")
	off(true)
	for _, name := range []string{"x", "y"} {
		a.want(a.do("POST", "/v1/peers/"+name+":drain", ""), 404, "")
	}
	off(false)
	eventuallyWritten := func() (objects []string) {
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && len(objects) < 4; time.Sleep(10 * time.Millisecond) {
			a.want(a.do("POST", "/v1/peers/z:drain", ""), 404, "")
			a.parts.mu.Lock()
			objects = objects[:0]
			for _, e := range a.parts.log {
				objects = append(objects, e.Object)
			}
			a.parts.mu.Unlock()
		}
		return objects
	}
	if got := eventuallyWritten(); len(got) < 4 || strings.Join(got[1:4], " ") != "peer:x peer:y peer:z" {
		t.Errorf("%v", got)
	}
	if _, err := audit.VerifyLog(context.Background(), (*auditLog)(&a.parts)); err != nil {
		t.Error(err)
	}
}
