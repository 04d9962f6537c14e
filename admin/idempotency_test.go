package admin_test

import (
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
)

// What tells of people is not kept for an idempotency key: to repeat it would be a look at
// a case that nobody writes down, and that outlives the case.
func TestAnswersAboutPeopleAreNotRepeated(t *testing.T) {
	a := newAPI(t)
	ivo, dpo := a.token(token.Investigator, "ivo", time.Time{}), a.token(token.Privacy, "dpo", time.Time{})
	at := time.Now().Add(-30 * time.Hour)
	a.office.called(t, at, nil)
	r := person{a, ivo}.post("/v1/cases", claimOf(at))
	c := "/v1/cases/" + r.field("id")
	for _, step := range []struct{ plain, path, body string }{
		{ivo, c + ":search", ""},
		{ivo, c + ":select", `{"candidate":1,"reason":"matches"}`},
		{dpo, "/v1/subjects/+31612345678:export", ""},
		{dpo, "/v1/subject-requests", `{"right":"access","number":"+31612345678"}`},
	} {
		key := "Idempotency-Key: " + step.path
		first := a.as(step.plain, "POST", step.path, step.body, key)
		if first.status >= 300 {
			t.Errorf("%s: %d %s", step.path, first.status, first.body)
		}
		again := a.as(step.plain, "POST", step.path, step.body, key)
		if a.want(again, 409, "Idempotency-Key"); strings.Contains(again.body, "3161234") || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("%s: Location %q, %s", step.path, again.header.Get("Location"), again.body)
		}
	}
	// What was refused is refused again, in the same words.
	for range 2 {
		r := a.as(ivo, "POST", c+":select", `{"candidate":9,"reason":"x"}`, "Idempotency-Key: k")
		if r.status != 409 && r.status != 422 || strings.Contains(r.body, "done-before") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
}
