package admin_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
)

// What follows goes through the route table, so that an endpoint that comes later is held
// to it as well.

// paths fills a path's parameters in; what it does not know is "x".
var paths = replacer{strings.NewReplacer("{number}", "+31612345678", "{name}", "core%20x", "{revision}", "1",
	"/v1/profile", "/v1/profile?seconds=1")} // which takes as long as it is told

type replacer struct{ known *strings.Replacer }

var parameters = regexp.MustCompile(`\{\w+\}`)

func (r replacer) Replace(path string) string {
	return parameters.ReplaceAllString(r.known.Replace(path), "x")
}

// holders makes a token of every role.
func (a *api) holders() map[token.Role]string {
	a.t.Helper()
	byRole := map[token.Role]string{}
	for _, role := range token.Roles() {
		byRole[role] = a.token(role, "somebody", time.Time{})
	}
	return byRole
}

// may is a token that a route takes.
func may(r admin.Route, byRole map[token.Role]string) string {
	if len(r.Roles) == 0 {
		return byRole[token.All]
	}
	return byRole[r.Roles[0]]
}

// No endpoint but liveness answers without a good token of the right role.
func TestEveryEndpointWantsItsToken(t *testing.T) {
	a := newAPI(t)
	byRole := a.holders()
	for _, r := range a.server.Routes() {
		path := paths.Replace(r.Path)
		good, role := may(r, byRole), token.All
		if len(r.Roles) > 0 {
			role = r.Roles[0]
		}
		bad := map[string]string{
			"no": "", "wrong": good + "x", "cut short": good[:len(good)-1], "expired": a.token(role, "late", time.Now().Add(-time.Second)), "revoked": a.revoked(role),
		}
		for name, plain := range bad {
			got := a.as(plain, r.Method, path, "")
			if (got.status == 401) == r.Open {
				t.Errorf("%s token, %s %s: %d", name, r.Method, path, got.status)
			}
			if challenge := got.header.Get("WWW-Authenticate"); !r.Open && (!strings.HasPrefix(challenge, "Bearer ") || (plain != "") != strings.Contains(challenge, "invalid_token")) {
				t.Errorf("%s token, %s %s: challenge %q", name, r.Method, path, challenge)
			}
		}
		for _, other := range []string{"Basic " + good, good, "Bearer", "Bearer " + good + " " + good} {
			if got := a.as("", r.Method, path, "", "Authorization: "+other).status; (got == 401) == r.Open {
				t.Errorf("%.6s..., %s %s: %d", other, r.Method, path, got)
			}
		}
		for role, plain := range byRole {
			allowed := len(r.Roles) == 0 && r.Path != "/v1/records" || slices.Contains(r.Roles, role)
			if got := a.as(plain, r.Method, path, "").status; (got == 403) == allowed || got == 401 {
				t.Errorf("%s, %s %s: %d", role, r.Method, path, got)
			}
		}
	}
}

// revoked makes a token and takes it back.
func (a *api) revoked(role token.Role) string {
	a.t.Helper()
	plain, r := admin.NewToken(role, "gone", time.Time{})
	err := a.db.Tokens().AddToken(a.t.Context(), r)
	if err == nil {
		err = a.db.Tokens().RevokeToken(a.t.Context(), r.ID, time.Now().Add(-time.Second))
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return plain
}

// Bodies that are too large, malformed or of another type are refused by every endpoint
// that takes one, and by nobody without a token even read.
func TestEveryEndpointRefusesBadBodies(t *testing.T) {
	a := newAPI(t)
	byRole := a.holders()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.server.Routes() {
		if r.Method == http.MethodGet {
			continue
		}
		path, plain := paths.Replace(r.Path), may(r, byRole)
		if got := a.as("", r.Method, path, strings.Repeat("x", 1<<20)).status; got != 401 {
			t.Errorf("%s %s: %d to a stranger's body", r.Method, path, got)
		}
		if got := a.as(plain, r.Method, path, strings.Repeat("x", max(r.MaxBody, 64<<10)+1)).status; got != 413 && !r.Stream {
			t.Errorf("%s %s: %d to a body too large", r.Method, path, got)
		}
		takes := doc.Paths.Value(r.Path).GetOperation(r.Method).RequestBody
		if takes == nil {
			continue
		}
		if got := a.as(plain, r.Method, path, "{}", "Content-Type: image/png"); got.status != 415 || got.field("field") != "Content-Type" {
			t.Errorf("%s %s: %d %s to a picture", r.Method, path, got.status, got.body)
		}
		if takes.Value.Content.Get("application/json") == nil {
			continue
		}
		for _, body := range []string{"", "[", "[]", "7", `{"surely_unknown":1}`, `{} {}`, "null x", `"` + strings.Repeat("a", 100) + `"`, "\xff\xfe", strings.Repeat(`{"a":`, 2000)} {
			got := a.as(plain, r.Method, path, body, "Content-Type: application/json")
			if got.status != 400 || got.field("mend") == "" {
				t.Errorf("%s %s: %d %s to %.30q", r.Method, path, got.status, got.body, body)
			}
		}
	}
}

// Parameters that nobody knows are refused by whatever takes parameters, and a number that
// a problem is about is never repeated (api.checkProblem).
func TestEveryEndpointSaysWhatIsWrong(t *testing.T) {
	a := newAPI(t)
	byRole := a.holders()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range a.server.Routes() {
		op := doc.Paths.Value(r.Path).GetOperation(r.Method)
		for _, p := range op.Parameters {
			if p.Value.In != "query" || p.Value.Schema == nil {
				continue
			}
			long := fmt.Sprintf("%s?%s=%s", paths.Replace(r.Path), p.Value.Name, strings.Repeat("+31612345678", 60))
			got := a.as(may(r, byRole), r.Method, long, "")
			if got.status != 400 && got.status != 415 { // what needs a body may look at it first
				t.Errorf("%s %s: %d to a bad %s", r.Method, r.Path, got.status, p.Value.Name)
			}
		}
	}
}

// Lists come page by page, each entry once, and a cursor of somebody else's is refused.
func TestEveryListHasPages(t *testing.T) {
	a := newAPI(t)
	a.twelve()
	byRole := a.holders()
	for range 5 {
		a.as(byRole[token.Billing], "DELETE", one, "") // refused, and so in the audit log
	}
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	paged := 0
	for _, r := range a.server.Routes() {
		op := doc.Paths.Value(r.Path).GetOperation(r.Method)
		if op.Parameters.GetByInAndName("query", "cursor") == nil {
			continue
		}
		paged++
		seen, pages := map[string]bool{}, 0
		for next := ""; ; pages++ {
			got := a.as(may(r, byRole), r.Method, r.Path+"?limit=2"+next, "")
			if got.status != 200 {
				t.Fatalf("%s: %d %s", r.Path, got.status, got.body)
			}
			for _, v := range got.json {
				list, _ := v.([]any)
				for _, e := range list {
					if text := fmt.Sprint(e); seen[text] {
						t.Errorf("%s: %s came twice", r.Path, text)
					} else {
						seen[text] = true
					}
				}
				if len(list) > 2 {
					t.Errorf("%s: %d on a page of 2", r.Path, len(list))
				}
			}
			if got.json["next"] == nil {
				break
			}
			next = "&cursor=" + got.field("next")
		}
		if pages < 2 && (strings.HasSuffix(r.Path, "/changes") || strings.HasSuffix(r.Path, "/audit")) {
			t.Errorf("%s: only %d pages", r.Path, pages+1)
		}
		a.want(a.as(may(r, byRole), r.Method, r.Path+"?cursor=-", ""), 400, "cursor")
	}
	if paged < 2 {
		t.Errorf("%d lists with pages", paged)
	}
}
