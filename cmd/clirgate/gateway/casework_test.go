package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/casework/bills"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/numbering"
	"clirgate/rules"
)

// asRole asks the API for something with a token of a role.
func asRole(t *testing.T, g *gateway.Gateway, role token.Role, method, path, kind, body string, headers ...string) (int, string) {
	t.Helper()
	plain, r := admin.NewToken(role, "x"+string(role), time.Time{})
	if err := g.Tokens().AddToken(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, "http://"+g.AdminAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+plain)
	req.Header.Set("Content-Type", kind)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

// Promise 5: a subscriber who asks for it is off other people's bills from that day on,
// and on the list for other providers; who takes it back is not.
func TestShieldedSubscribers(t *testing.T) {
	g, _ := start(t, literal, t.TempDir())
	today := bills.DateOf(time.Now()).String()
	bill := "date,called\n" + today + ",0612345678\n2020-01-01,0612345678\n"
	shield := func() string {
		t.Helper()
		code, text := asRole(t, g, token.Billing, "POST", "/v1/bills:shield?column=called&date=date", "text/csv", bill)
		if code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		return text
	}
	set := func(body string, headers ...string) {
		t.Helper()
		if code, text := asRole(t, g, token.NOC, "PUT", "/v1/subscribers/%2B31612345678", "application/json", body, headers...); code/100 != 2 {
			t.Fatalf("PUT: %d %s", code, text)
		}
	}
	if got := shield(); got != bill {
		t.Errorf("nobody is shielded: %q", got)
	}
	set(`{"shield_on_bills":true}`)
	if got := shield(); got != strings.Replace(bill, today+",0612345678", today+",061234****", 1) {
		t.Errorf("%q", got)
	}
	if _, list := asRole(t, g, token.Billing, "GET", "/v1/shielded-numbers", "", ""); list != "+31612345678,"+today+"\n" {
		t.Errorf("for other providers: %q", list)
	}
	set(`{"shield_on_bills":false}`, "If-Match: *")
	if got := shield(); got != bill {
		t.Errorf("taken back: %q", got)
	}
}

// Without its master key the gateway shows and changes no case, and says so; nothing that
// is made then is of another key.
func TestCasesWithoutTheMasterKey(t *testing.T) {
	dir := t.TempDir()
	g, _ := start(t, literal, dir)
	claim := `{"claimant":{"name":"K","address":"a","postcode":"p","town":"t"},"number":"0201234567","nuisance":"n","periods":[{"from":"` + time.Now().Add(-time.Minute).Format(time.RFC3339) + `"}]}`
	open := func() (int, string) {
		return asRole(t, g, token.Investigator, "POST", "/v1/cases", "application/json", claim)
	}
	if code, text := open(); code != 201 {
		t.Fatalf("%d %s", code, text)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "data.master")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	g, _ = start(t, literal, dir)
	if code, text := open(); code != 503 {
		t.Errorf("%d %s", code, text)
	}
	if code, text := asRole(t, g, token.Billing, "GET", "/v1/shielded-numbers", "", ""); code != 503 {
		t.Errorf("%d %s", code, text)
	}
}

// A wrong rule, or a wrong date on the shielding list, is put right on the subscriber's
// request; what stood there before, and why it was wrong, is in his export.
func TestCorrections(t *testing.T) {
	g, _ := start(t, literal, t.TempDir())
	ask := func(method, path, body string, want int) string {
		t.Helper()
		code, text := asRole(t, g, token.Privacy, method, path, "application/json", body)
		if code != want {
			t.Errorf("%s %s %s: %d %s", method, path, body, code, text)
		}
		return text
	}
	var request struct{ ID string }
	text := ask("POST", "/v1/subject-requests", `{"right":"correction","number":"+31612345678","what":"I never asked for that"}`, 201)
	if err := json.Unmarshal([]byte(text), &request); err != nil {
		t.Fatal(err)
	}
	if code, text := asRole(t, g, token.NOC, "PUT", "/v1/subscribers/%2B31612345678", "application/json", `{"clir":"permanent"}`); code != 201 {
		t.Fatalf("%d %s", code, text)
	}
	correct := func(of, to string, want int) string {
		t.Helper()
		return ask("POST", "/v1/subject-requests/"+request.ID+":correct", `{"of":"`+of+`","to":`+to+`,"why":"mixed up"}`, want)
	}
	correct("rule", `{"clir":"always"}`, 422)
	correct("rule", `{"number":"+31612345679"}`, 422)
	correct("shielding", `{"from":"2026-01-01"}`, 409) // his rule does not ask for it
	correct("shielding", `{}`, 422)
	for range 2 { // its answer may have been lost: it is made once, and in force at once
		correct("rule", `{"clir":"none","shield_on_bills":true}`, 200)
	}
	if s, ok := g.Rules().Table().Snapshot().Subscriber(numbering.New(numbering.International, []byte("31612345678")), time.Now()); !ok || s.CLIR != rules.CLIRNone {
		t.Errorf("not in force: %+v", s)
	}
	if code, text := asRole(t, g, token.NOC, "GET", "/v1/changes", "", ""); code != 200 || strings.Count(text, "correction: mixed up") != 1 {
		t.Errorf("%d %s", code, text)
	}
	correct("shielding", `{"from":"2020-01-02","until":"2020-02-01"}`, 409) // his rule asks for it
	correct("shielding", `{"from":"2020-01-02"}`, 200)
	bill := "date,called\n2020-01-01,0612345678\n2020-01-02,0612345678\n"
	if _, got := asRole(t, g, token.Billing, "POST", "/v1/bills:shield?column=called&date=date", "text/csv", bill); got != strings.Replace(bill, "02,0612345678", "02,061234****", 1) {
		t.Errorf("%q", got)
	}
	if code, text := asRole(t, g, token.NOC, "GET", "/v1/subscribers/%2B31612345678", "", ""); code != 200 || !strings.Contains(text, `"clir":"none"`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := asRole(t, g, token.NOC, "GET", "/v1/changes", "", ""); code != 200 || !strings.Contains(text, "privacy:xprivacy") || !strings.Contains(text, "correction: mixed up") {
		t.Errorf("%d %s", code, text)
	}
	export := ask("POST", "/v1/subjects/%2B31612345678:export", "", 200)
	for _, want := range []string{`\"clir\":\"permanent\"`, "mixed up", `"shielding":{"purposes":["shielding on bills"]`, `"from":"2020-01-02"`, "I never asked for that", `"services_held"`} {
		if !strings.Contains(export, want) {
			t.Errorf("the export does not tell %s: %s", want, export)
		}
	}
	for _, language := range []string{"nl", "en"} {
		page := ask("POST", "/v1/subjects/%2B31612345678:export?format=html&language="+language, "", 200)
		if !strings.Contains(page, "mixed up") || !strings.Contains(page, `lang="`+language+`"`) {
			t.Errorf("%s: %s", language, page)
		}
	}
}
