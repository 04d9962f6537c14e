package admin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/caseaudit"
	"clirgate/casework/casetest"
	"clirgate/casework/subject"
	"clirgate/store/sqlite"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

const claimedNumber = "+31205550147"

// office is what the gateway gives the API for casework, around a memory of records.
type office struct {
	vault *trace.Vault
	bills *bills.Service
	log   audit.Log // beside the cases: in it is what is done with them
}

func newOffice(t *testing.T, db *sqlite.DB, o *admin.Options) *office {
	t.Helper()
	ring, err := keyring.Open(context.Background(), new(keyring.Memory), keyring.Fixed{7})
	if err != nil {
		t.Fatal(err)
	}
	f := &office{vault: trace.NewVault(new(tracetest.Store), trace.NewKeys(ring), nil)}
	f.log = db.Audit()
	log := caseaudit.New(f.log, ring)
	f.bills = bills.New(db.Bills(), log, ring)
	book := casetest.Book{number("31612345678"): {Name: "Piet Plaag", Address: "Dorpsstraat 1", Postcode: "1234 AB", Town: "Ons Dorp"}}
	cases := casework.New(db.Cases(), f.vault, book, log, ring, casework.Options{})
	months := trace.Retention{12, 6, 12}
	o.Casework = &admin.Casework{
		Cases: cases, Bills: f.bills, Shield: func(context.Context) error { return nil }, Audit: log, Seen: log, Records: f.vault,
		Subjects:  &subject.Service{Records: f.vault, Cases: cases, Audit: log, Retention: func() trace.Retention { return months }},
		Retention: func() trace.Retention { return months },
	}
	return f
}

// called keeps the record of a call to the claimed number.
func (f *office) called(t *testing.T, at time.Time, change func(*trace.Record)) {
	t.Helper()
	r := tracetest.Record(at)
	r.Called, r.DivertedFrom = number(claimedNumber[1:]), 0
	if change != nil {
		change(r)
	}
	if err := f.vault.Append([]trace.Entry{{ID: r.ID, Value: f.vault.AppendSealed(nil, r)}}); err != nil {
		t.Fatal(err)
	}
}

func presented(r *trace.Record) { r.Withheld = false }

// person is somebody with a token.
type person struct {
	a     *api
	plain string
}

func (a *api) person(role token.Role, name string) person {
	return person{a, a.token(role, name, time.Time{})}
}

func (p person) post(path string, v any) answer {
	p.a.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		p.a.t.Fatal(err)
	}
	return p.a.as(p.plain, "POST", path, string(text))
}

func (p person) get(path string) answer {
	p.a.t.Helper()
	return p.a.as(p.plain, "GET", path, "")
}

type object = map[string]any

func claimOf(times ...time.Time) object {
	var periods []object
	for _, at := range times {
		periods = append(periods, object{"from": at})
	}
	return object{
		"claimant": object{"name": "Klaas Klager", "address": "Kerkplein 7", "postcode": "9876 ZX", "town": "Verweg"},
		"number":   claimedNumber, "nuisance": "hijgt elke nacht", "periods": periods,
	}
}

func (r answer) missing() (fields []string) {
	list, _ := r.json["missing"].([]any)
	for _, m := range list {
		fields = append(fields, fmt.Sprint(m.(object)["field"]))
	}
	return fields
}

// NV8: a claim without one of its parts; every part that is missing is named.
func TestIncompleteClaims(t *testing.T) {
	a := newAPI(t)
	ivo := a.person(token.Investigator, "ivo")
	for field, want := range map[string][]string{
		"nuisance": {"nuisance"}, "number": {"number"}, "periods": {"periods"},
		"claimant": {"claimant.name", "claimant.address", "claimant.postcode", "claimant.town"},
	} {
		c := claimOf(time.Now().Add(-time.Hour))
		delete(c, field)
		if r := ivo.post("/v1/cases", c); r.status != 422 || !slices.Equal(r.missing(), want) {
			t.Errorf("without %s: %d %s", field, r.status, r.body)
		}
	}
	if r := ivo.post("/v1/cases", object{}); r.status != 422 || len(r.missing()) != 7 {
		t.Errorf("with nothing: %d %s", r.status, r.body)
	}
	c := claimOf(time.Now())
	c["number"] = "12"
	a.want(ivo.post("/v1/cases", c), 400, "number")
	if r := ivo.get("/v1/cases"); r.status != 200 || len(r.json["cases"].([]any)) != 0 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// NV9, NV10, NV12: the procedure, walked and tried to be walked around.
func TestProcedure(t *testing.T) {
	a := newAPI(t)
	ivo, sue, ivoToo := a.person(token.Investigator, "ivo"), a.person(token.Supervisor, "sue"), a.person(token.Supervisor, "IVO")
	at := time.Now().Add(-30 * time.Hour)
	want := func(r answer, status int, text string) {
		t.Helper()
		if r.status != status || !strings.Contains(r.body, text) {
			t.Errorf("%d %s, want %d with %q", r.status, r.body, status, text)
		}
	}
	open := func(times ...time.Time) string {
		t.Helper()
		r := ivo.post("/v1/cases", claimOf(times...))
		want(r, 201, `"state":"open"`)
		if r.header.Get("Location") != "/v1/cases/"+r.field("id") {
			t.Errorf("Location %q", r.header.Get("Location"))
		}
		return "/v1/cases/" + r.field("id")
	}
	a.office.called(t, at.Add(-48*time.Hour), presented)
	want(ivo.post(open(at.Add(-48*time.Hour))+":search", nil), 409, "the number was presented")

	a.office.called(t, at, nil)
	c := open(at)
	want(ivo.post(c+":select", object{"candidate": 1, "reason": "x"}), 422, "none with this number")
	want(ivo.post(c+":warn", nil), 409, "a caller must be selected first")
	want(ivo.post(c+":request-disclosure", object{"reason": "x"}), 409, "the caller must be warned first")
	want(sue.post(c+":approve", object{"reason": "x"}), 409, "nobody has requested")
	r := ivo.post(c+":search", nil)
	want(r, 200, `"number":"+3161234****"`)
	if strings.Contains(r.body, "12345678") {
		t.Error("a candidate is shown whole")
	}
	if r := ivo.post(c+":select", object{"candidate": 1}); r.status != 422 || !slices.Equal(r.missing(), []string{"reason"}) {
		t.Errorf("%d %s", r.status, r.body)
	}
	want(ivo.post(c+":select", object{"candidate": 1, "reason": "matches"}), 200, `"number":"+31612345678"`)
	want(ivo.post(c+":ask-provider", object{"provider": "Other", "question": "whose?"}), 200, `"provider":"Other"`)
	want(ivo.post(c+":answer-provider", object{"question": 1, "answer": "ours"}), 200, `"answer":"ours"`)
	want(ivo.post(c+":warn", nil), 200, `"state":"warned"`)
	want(ivo.post(c+":request-disclosure", object{"reason": "x"}), 409, "has not been sent")
	want(ivo.post(c+":warning-sent", object{"sent": time.Now().Add(time.Hour)}), 422, "future")
	want(ivo.post(c+":warning-sent", object{}), 200, `"sent"`)
	want(ivo.post(c+":request-disclosure", object{"reason": "x"}), 409, "no new incident")
	again := time.Now()
	a.office.called(t, again, nil)
	want(ivo.post(c+"/incidents", object{"from": again, "note": "again"}), 200, `"note":"again"`)
	want(ivo.post(c+":request-disclosure", object{"reason": "goes on"}), 200, `"state":"requested"`)
	want(ivo.post(c+":approve", object{"reason": "x"}), 403, "role")
	want(ivoToo.post(c+":approve", object{"reason": "x"}), 403, "another person")
	want(sue.post(c+":refuse", object{}), 422, `"field":"reason"`)
	want(sue.post(c+":approve", object{"reason": "proportionate"}), 200, `"state":"disclosed"`)
	want(ivo.post(c+":close", object{"reason": "done"}), 409, "the notice has not been sent")
	want(ivo.post(c+":notice-sent", object{}), 200, `"state":"disclosed"`)
	want(ivo.post(c+":close", object{"reason": "done"}), 200, `"gone_at"`)
	want(ivo.post(c+":search", nil), 409, "closed")
	want(ivo.get("/v1/cases?state=closed"), 200, strings.TrimPrefix(c, "/v1/cases/"))
	a.want(ivo.get("/v1/cases?state=lost"), 400, "state")
	a.want(ivo.get("/v1/cases/none"), 404, "")

	a.letters(ivo, c)
	a.everyLookIsWrittenDown(c)
}

// letters reads what a case has made: pages that call nothing, and evidence that can be
// verified with the key alone.
func (a *api) letters(ivo person, c string) {
	t := a.t
	t.Helper()
	seen := map[string]int{}
	list, _ := ivo.get(c + "/letters").json["letters"].([]any)
	for _, l := range list {
		l := l.(object)
		n, kind := int(l["n"].(float64)), l["kind"].(string)
		seen[kind]++
		at, other := fmt.Sprintf("%s/letters/%d", c, n), fmt.Sprintf("%s/evidence/%d", c, n)
		if kind == "evidence" {
			at, other = other, at
		}
		r := ivo.get(at)
		if r.status != 200 || r.header.Get("Cache-Control") != "no-store" || ivo.get(other).status != 404 {
			t.Errorf("%s: %d %v", kind, r.status, r.header)
		}
		switch kind {
		case "evidence":
			k := ivo.get("/v1/evidence-key")
			key, err := base64.StdEncoding.DecodeString(k.field("key"))
			if _, _, verr := casework.VerifyEvidence([]byte(r.body), key); err != nil || verr != nil {
				t.Errorf("%v, %v", err, verr)
			}
		case "warning": // LAW-10
			for _, s := range []string{"5550147", "0147", "Klager", "Kerkplein", "Verweg"} {
				if strings.Contains(r.body, s) {
					t.Errorf("the warning tells %q", s)
				}
			}
			fallthrough
		default:
			if !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") ||
				!strings.Contains(r.body, "Piet Plaag") {
				t.Errorf("%s: %v %s", kind, r.header, r.body)
			}
		}
	}
	if fmt.Sprint(seen) != "map[disclosure:1 evidence:2 notice:1 warning:1]" {
		t.Errorf("documents %v", seen)
	}
	a.want(ivo.get(c+"/letters/0"), 404, "")
	a.want(ivo.get(c+"/letters/99"), 404, "")
}

// everyLookIsWrittenDown: done and refused, with case, purpose and person, and nobody's
// number in clear.
func (a *api) everyLookIsWrittenDown(c string) {
	a.parts.mu.Lock()
	defer a.parts.mu.Unlock()
	id, found := strings.TrimPrefix(c, "/v1/cases/"), map[string]bool{}
	told, err := a.office.log.Read(context.Background(), audit.Query{})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, e := range append(told, a.parts.log...) {
		if e.Case == id {
			found[e.Actor+" "+e.Action+" "+string(e.Outcome)] = true
			if strings.HasPrefix(e.Action, "case.") && e.Purpose != casework.PurposeNuisance {
				a.t.Errorf("%s for %q", e.Action, e.Purpose)
			}
		}
		if text := fmt.Sprint(e); strings.Contains(text, "12345678") || strings.Contains(text, "5550147") {
			a.t.Errorf("a number in the audit log: %s", e.Action)
		}
	}
	for _, want := range []string{
		"ivo case.open done", "ivo case.warn refused", "ivo case.search done", "ivo case.select done", "ivo case.read-warning done", "ivo case.read-evidence done",
		"IVO case.approve refused", "sue case.approve done", "ivo case.close refused", "ivo case.close done", "ivo POST /v1/cases/{id}:approve refused",
	} {
		if !found[want] {
			a.t.Errorf("the audit log does not tell %q", want)
		}
	}
}

// NV13: records are searched inside a case only, whoever asks; it is written down.
func TestNoRecordsOutsideACase(t *testing.T) {
	a := newAPI(t)
	for _, role := range token.Roles() {
		r := a.person(role, "x"+string(role)).get("/v1/records?caller=%2B31612345678")
		a.want(r, 403, "")
	}
	refused := 0
	for _, e := range a.parts.log {
		if e.Action == "GET /v1/records" && e.Outcome == "refused" {
			refused++
		}
	}
	if refused != len(token.Roles()) {
		t.Errorf("%d written down", refused)
	}
}

// An authority's order: its own type, with reference and scope, and two persons.
func TestOrders(t *testing.T) {
	a := newAPI(t)
	ivo, sue, ivoToo := a.person(token.Investigator, "ivo"), a.person(token.Supervisor, "sue"), a.person(token.Supervisor, "ivo")
	at := time.Now().Add(-time.Hour)
	a.office.called(t, at, nil)
	if r := ivo.post("/v1/orders", object{"authority": "OM", "ground": "126n Sv"}); r.status != 422 || !slices.Contains(r.missing(), "reference") {
		t.Errorf("%d %s", r.status, r.body)
	}
	r := ivo.post("/v1/orders", object{"authority": "OM", "reference": "2026-17", "ground": "126n Sv", "to": object{"town": "Den Haag", "language": "en"}, "scope": object{
		"number": "+31612345678", "made": true, "received": false, "from": at.Add(-time.Hour), "to": at.Add(time.Hour)}})
	o := "/v1/orders/" + r.field("id")
	a.want(r, 201, "")
	a.want(ivo.get(o+"/document"), 404, "")
	a.want(ivo.get(o+"/letter"), 404, "")
	a.want(ivoToo.post(o+":approve", nil), 403, "")
	if r := a.as(sue.plain, "POST", o+":approve", ""); r.status != 200 || r.json["records"] != 1.0 || r.field("state") != "answered" {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(sue.post(o+":refuse", object{"reason": "x"}), 409, "")
	doc := ivo.get(o + "/document")
	if _, _, err := casework.VerifyEvidence([]byte(doc.body), nil); err != nil || doc.status != 200 || ivo.get(o).status != 200 {
		t.Errorf("%d %v", doc.status, err)
	}
	letter := ivo.get(o + "/letter")
	if letter.status != 200 || !strings.HasPrefix(letter.header.Get("Content-Type"), "text/html") || letter.header.Get("Content-Security-Policy") == "" || !strings.Contains(letter.body, "Den Haag") || !strings.Contains(letter.body, "2026-17") {
		t.Errorf("%d %v", letter.status, letter.header)
	}
	a.want(a.person(token.NOC, "ned").get(o+"/letter"), 403, "")
	if r := sue.get("/v1/orders"); len(r.json["orders"].([]any)) != 1 {
		t.Error(r.body)
	}
}

// NV15, promises 8, 9 and 15, and the breach question.
func TestSubjectsRights(t *testing.T) {
	a := newAPI(t)
	pia := a.person(token.Privacy, "pia")
	at := time.Now().Add(-2 * time.Hour)
	a.office.called(t, at, nil)
	export := "/v1/subjects/%2B31205550147:export"
	r := pia.post(export, nil)
	if r.status != 200 || strings.Contains(r.body, "12345678") || !strings.Contains(r.body, `"withheld":true`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := pia.post(export+"?format=html", nil); r.status != 200 || strings.Contains(r.body, "12345678") || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", r.status, r.header)
	}
	a.want(pia.post("/v1/subjects/nobody:export", nil), 400, "number")
	if r := pia.get("/v1/purposes"); r.status != 200 || !strings.Contains(r.body, "presentation of the calling number") {
		t.Errorf("%d %s", r.status, r.body)
	}

	if r := pia.post("/v1/subject-requests", object{"right": "objection", "number": claimedNumber, "purpose": "marketing"}); r.status != 422 || !slices.Equal(r.missing(), []string{"purpose"}) {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = pia.post("/v1/subject-requests", object{"right": "correction", "number": claimedNumber, "what": "my name is spelt otherwise", "received": time.Now().AddDate(0, 0, -29)})
	a.want(r, 201, "")
	late := "/v1/subject-requests/" + r.field("id")
	a.want(pia.post("/v1/subject-requests", object{"right": "access", "number": claimedNumber}), 201, "")
	if r := pia.get("/v1/subject-requests?overdue=true"); len(r.json["requests"].([]any)) != 1 || !strings.Contains(r.body, `"overdue":true`) {
		t.Error(r.body)
	}
	if r := pia.get("/v1/subject-requests"); len(r.json["requests"].([]any)) != 2 {
		t.Error(r.body)
	}
	a.want(pia.post(late+":answer", object{"granted": true, "answer": "corrected"}), 409, "")
	if r := pia.post(late+":correct", object{"of": "call", "to": object{}}); r.status != 422 || !slices.Equal(r.missing(), []string{"why"}) {
		t.Errorf("%d %s", r.status, r.body)
	}
	moved := object{"of": "address", "why": "spelt wrong", "to": object{"name": "Jansen", "address": "Straat 1", "postcode": "1234 AB", "town": "Ons Dorp"}}
	if r := pia.post(late+":correct", moved); r.status != 200 || !strings.Contains(r.body, `"after":"Jansen, Straat 1`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(pia.post("/v1/subject-requests/none:correct", moved), 404, "")
	if r := pia.post(export+"?format=html&language=en", nil); r.status != 200 || !strings.Contains(r.body, "spelt wrong") || !strings.Contains(r.body, "Correction") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := pia.post(late+":answer", object{"granted": true, "answer": "corrected"}); r.status != 200 || !strings.Contains(r.body, `"action":"answered"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(pia.post(late+":answer", object{"granted": true, "answer": "again"}), 409, "")
	a.want(a.as(pia.plain, "POST", late+":lift", ""), 409, "")
	a.want(pia.get(late), 200, "")

	from := "&from=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	if r := pia.get("/v1/audit:seen?actor=pia" + from); r.status != 200 || !strings.Contains(r.body, claimedNumber) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := pia.get("/v1/audit:seen?actor=ivo" + from); r.status != 200 || len(r.json["subjects"].([]any)) != 0 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := pia.get("/v1/audit:seen"); r.status != 422 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// slow has more records than there is time for: each takes a tenth of a second.
type slow struct{ past *atomic.Int64 }

func (s slow) Scan(_, to time.Time, yield func(*trace.Record) bool) error {
	for range 1000 {
		s.past.Add(int64(100 * time.Millisecond))
		if !yield(tracetest.Record(to.Add(-time.Minute))) {
			break
		}
	}
	return nil
}

func (s slow) ScanClosed(from, to time.Time, yield func(*trace.Record) bool) error {
	return s.Scan(from, to, yield)
}

// A request that would read records for too long is told to ask for less.
func TestScansEnd(t *testing.T) {
	var past atomic.Int64
	a := newAPI(t, func(o *admin.Options) {
		o.Casework.Records = slow{&past}
		o.Now = func() time.Time { return time.Now().Add(time.Duration(past.Load())) }
	})
	pia := a.person(token.Privacy, "pia")
	now := time.Now().UTC().Truncate(time.Hour)
	for _, path := range []string{
		"/v1/reports/traffic?by=peer&from=" + now.Add(-3*time.Hour).Format(time.RFC3339) + "&to=" + now.Add(-time.Hour).Format(time.RFC3339),
		"/v1/records:verify",
	} {
		r := pia.get(path)
		a.want(r, 400, "to")
		if r.field("type") != "urn:clirgate:problem:too-much" || r.field("mend") == "" {
			t.Errorf("%s: %s", path, r.body)
		}
	}
}

// Reports hold no numbers and no small cells; who objects is not counted.
func TestTrafficReport(t *testing.T) {
	a := newAPI(t)
	pia := a.person(token.Privacy, "pia")
	hour := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	for i := range 12 {
		a.office.called(t, hour.Add(time.Duration(i)*time.Minute), nil)
	}
	for i := range 3 {
		a.office.called(t, hour.Add(time.Duration(i)*time.Minute), func(r *trace.Record) { r.Ingress = "small" })
	}
	span := "from=" + hour.Format(time.RFC3339) + "&to=" + hour.Add(2*time.Hour).Format(time.RFC3339)
	r := pia.get("/v1/reports/traffic?by=peer,class&" + span)
	if r.status != 200 || r.json["total"] != 12.0 || strings.Contains(r.body, "small") || strings.Contains(r.body, "12345678") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.do("GET", "/v1/reports/traffic?format=csv&by=peer&"+span, ""); r.status != 200 || r.body != "peer,calls\nphones,12\n" {
		t.Errorf("%d %q", r.status, r.body)
	}
	for query, field := range map[string]string{"": "from", "by=number&" + span: "by", "k=9&" + span: "k", span + "&format=xml": "format"} {
		a.want(pia.get("/v1/reports/traffic?"+query), 400, field)
	}
	if r := pia.get("/v1/records:verify"); r.status != 200 || r.json["whole"] != true || r.json["records"] != 15.0 || strings.Contains(r.body, "12345678") {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(pia.post("/v1/subject-requests", object{"right": "objection", "number": claimedNumber, "purpose": "reports"}), 201, "")
	if r := pia.get("/v1/reports/traffic?" + span); r.status != 200 || r.json["total"] != 0.0 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
