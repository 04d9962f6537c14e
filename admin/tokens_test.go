package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
)

// Tokens are made, listed and taken back over the API.
func TestTokensOverTheAPI(t *testing.T) {
	a := newAPI(t)
	chief := a.token(token.Admin, "chief", time.Time{})
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	r := a.as(chief, "POST", "/v1/tokens?reason=ticket", `{"role":"noc","name":"bob","expires":"`+until+`"}`)
	bob := r.field("secret")
	if r.status != 201 || r.field("role") != "noc" || r.field("name") != "bob" || r.field("expires") != until || r.field("state") != "valid" || !strings.HasPrefix(bob, "clirgate_") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if me := a.as(bob, "GET", "/v1/whoami", ""); me.status != 200 || me.field("id") != r.field("id") || me.field("name") != "bob" {
		t.Errorf("%d %s", me.status, me.body)
	}
	list := a.as(chief, "GET", "/v1/tokens", "")
	if list.status != 200 || strings.Count(list.body, `"id"`) != 3 || strings.Contains(list.body, "clirgate_") || strings.Contains(list.body, "hash") {
		t.Errorf("%d %s", list.status, list.body)
	}
	for range 2 { // again: it stays as it is
		if gone := a.as(chief, "DELETE", "/v1/tokens/"+r.field("id")+"?reason=left", ""); gone.status != 204 {
			t.Errorf("%d %s", gone.status, gone.body)
		}
	}
	if me := a.as(bob, "GET", "/v1/whoami", ""); me.status != 401 {
		t.Errorf("taken back, but %d", me.status)
	}
	if list := a.as(chief, "GET", "/v1/tokens", ""); strings.Count(list.body, `"state":"revoked"`) != 1 {
		t.Errorf("%s", list.body)
	}
	a.want(a.as(chief, "DELETE", "/v1/tokens/nobody", ""), 404, "")

	// All of it is in the audit log, without the secret.
	var got []string
	audit := a.as(a.token(token.Privacy, "pia", time.Time{}), "GET", "/v1/audit?actor=chief", "")
	for _, e := range audit.json["entries"].([]any) {
		e := e.(map[string]any)
		got = append(got, fmt.Sprint(e["action"], " ", e["object"], " ", e["purpose"], " ", e["outcome"]))
	}
	id := "token:" + r.field("id")
	want := []string{
		"DELETE /v1/tokens/{token} token:nobody  refused", "GET /v1/tokens   done",
		"DELETE /v1/tokens/{token} " + id + " left done", "DELETE /v1/tokens/{token} " + id + " left done",
		"GET /v1/tokens   done", "POST /v1/tokens " + id + " ticket done",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || strings.Contains(audit.body, "clirgate_") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// Over the API nobody becomes two persons: roles that see callers, or guard those who do,
// are made where the gateway runs.
func TestTokensThatAreMadeLocally(t *testing.T) {
	a := newAPI(t)
	chief := a.token(token.Admin, "chief", time.Time{})
	make := func(role, name, expires string) answer {
		return a.as(chief, "POST", "/v1/tokens", fmt.Sprintf(`{"role":%q,"name":%q,"expires":%q}`, role, name, expires))
	}
	soon := time.Now().Add(time.Hour).Format(time.RFC3339)
	for _, role := range token.Roles() {
		r := make(string(role), "x", soon)
		switch role {
		case token.All, token.NOC, token.Billing:
			if r.status != 201 {
				t.Errorf("%s: %d %s", role, r.status, r.body)
			}
		default:
			a.want(r, 403, "role")
		}
	}
	for _, c := range []struct{ role, name, expires, field string }{
		{"root", "x", soon, "role"},
		{"", "x", soon, "role"},
		{"noc", "", soon, "name"},
		{"noc", "a b", soon, "name"},
		{"noc", strings.Repeat("x", 65), soon, "name"},
		{"noc", "x", "0001-01-01T00:00:00Z", "expires"},
		{"noc", "x", time.Now().Add(-time.Hour).Format(time.RFC3339), "expires"},
		{"noc", "x", time.Now().Add(367 * 24 * time.Hour).Format(time.RFC3339), "expires"},
		{"noc", "x", "soon", ""},
	} {
		a.want(make(c.role, c.name, c.expires), 400, c.field)
	}
}

// A token is shown once: a repeated request does not get it again, nor makes another.
func TestTokenIsShownOnce(t *testing.T) {
	a := newAPI(t)
	chief := a.token(token.Admin, "chief", time.Time{})
	body := `{"role":"noc","name":"bob","expires":"` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"}`
	if r := a.as(chief, "POST", "/v1/tokens", body, "Idempotency-Key: k"); r.status != 201 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r := a.as(chief, "POST", "/v1/tokens", body, "Idempotency-Key: k")
	if a.want(r, 409, "Idempotency-Key"); strings.Contains(r.body, "clirgate_") {
		t.Errorf("%s", r.body)
	}
	// What was refused is refused again.
	for range 2 {
		a.want(a.as(chief, "POST", "/v1/tokens", `{"role":"x"}`, "Idempotency-Key: k2"), 400, "role")
	}
	if list := a.as(chief, "GET", "/v1/tokens", ""); strings.Count(list.body, `"bob"`) != 1 {
		t.Errorf("%s", list.body)
	}
	if err := a.db.Close(); err != nil {
		t.Fatal(err)
	}
}
