package subject_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/casetest"
	"clirgate/casework/subject"
	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// desk is what exports are made of.
type desk struct {
	t     *testing.T
	now   time.Time
	vault *trace.Vault
	cases *casework.Service
	s     *subject.Service
}

var pia, ivo = casework.Actor{Name: "pia", Role: "privacy"}, casework.Actor{Name: "ivo", Role: "investigator"}

func newDesk(t *testing.T) *desk {
	t.Helper()
	ring, err := keyring.Open(context.Background(), new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	var audit casetest.Audit
	d.vault = trace.NewVault(new(tracetest.Store), trace.NewKeys(ring), clock)
	book := casetest.Book{a: {Name: "A", Address: "1", Postcode: "1", Town: "A"}}
	d.cases = casework.New(&casetest.Store{Log: &audit.Log}, d.vault, book, &audit, ring, casework.Options{Now: clock})
	d.s = &subject.Service{
		Records: d.vault, Cases: d.cases, Audit: &audit, Retention: func() trace.Retention { return trace.Months(12) }, Now: clock,
		Shielded: func(_ context.Context, n numbering.Number) (bills.Entry, bool, error) {
			return bills.Entry{Number: n, From: 20000, Until: 20500}, n == a, nil
		},
	}
	return d
}

func (d *desk) call(from, to, diverted numbering.Number, change func(*trace.Record)) *trace.Record {
	d.t.Helper()
	r := tracetest.Record(d.now.Add(-time.Hour))
	r.Calling, r.Called, r.DivertedFrom, r.Withheld, r.Shown, r.Asserted = from, to, diverted, false, from, [2]numbering.Number{from}
	if change != nil {
		change(r)
	}
	if err := d.vault.Append([]trace.Entry{{ID: r.ID, Value: d.vault.AppendSealed(nil, r)}}); err != nil {
		d.t.Fatal(err)
	}
	return r
}

// export is a subscriber's, and all of its text.
func (d *desk) export(n numbering.Number) (*subject.Export, string) {
	d.t.Helper()
	e, err := d.s.Export(context.Background(), pia, n)
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		d.t.Fatal(err)
	}
	out := bytes.NewBuffer(text)
	for _, language := range []string{"nl", "en"} {
		if err := e.WriteHTML(out, subject.Print{Language: language}); err != nil {
			d.t.Fatal(err)
		}
	}
	return e, out.String()
}

func names(text string, n numbering.Number) bool {
	return slices.ContainsFunc(tracetest.Spellings(n), func(s []byte) bool { return strings.Contains(text, string(s)) })
}

// A forwarded call: the caller knows whom he dialled, the forwarder who called, and nobody
// where somebody else's calls go.
func TestExportOfForwardedCalls(t *testing.T) {
	for _, x := range []struct {
		name            string
		withheld, chain bool
		dialled         string // as the caller's export tells
	}{
		{"shown", false, false, b.E164()},
		{"withheld", true, false, b.E164()},
		{"several times", false, true, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := newDesk(t)
			d.call(a, c, b, func(r *trace.Record) { r.Withheld, r.Chain = x.withheld, x.chain })
			for _, v := range []struct {
				of        numbering.Number
				direction string
				number    string
				hidden    []numbering.Number
			}{
				{a, "made", x.dialled, []numbering.Number{c}},
				{b, "forwarded", map[bool]string{false: a.E164()}[x.withheld], []numbering.Number{c}},
				{c, "received", map[bool]string{false: a.E164()}[x.withheld], []numbering.Number{b}},
			} {
				e, text := d.export(v.of)
				if len(e.Calls) != 1 || e.Calls[0].Direction != v.direction || e.Calls[0].Number != v.number {
					t.Errorf("%s: %+v", v.direction, e.Calls)
				}
				if x.withheld && v.of != a {
					v.hidden = append(v.hidden, a)
				}
				if x.chain {
					v.hidden = append(v.hidden, slices.DeleteFunc([]numbering.Number{b}, func(n numbering.Number) bool { return n == v.of })...)
				}
				for _, n := range v.hidden {
					if names(text, n) {
						t.Errorf("%s: a number that is not the subject's to know", v.direction)
					}
				}
			}
		})
	}
}

// Everything held, with what it is kept for, who got it, and until when.
func TestExportTellsWhyOfEverything(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	at := d.now.Add(-time.Hour)
	made := d.call(a, b, 0, func(r *trace.Record) { r.Withheld = true })
	d.call(a, c, 0, func(r *trace.Record) { r.Bases |= trace.BasisEmergency })
	step := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	// B complains about A, and has marked the call.
	claim := casework.Claim{
		Claimant: casework.Party{Name: "Bea Klager", Address: "Kerkplein", Postcode: "9876 ZX", Town: "Verweg"}, Number: b,
		Nuisance: "silence", Periods: []casework.Period{{From: at}},
	}
	opened, err := d.cases.Open(ctx, ivo, claim)
	step(opened, err)
	step(d.cases.Mark(ctx, casework.Mark{Record: made.ID, Called: b, At: at, How: "code", Marked: at.Add(time.Minute)}))
	step(d.cases.Search(ctx, ivo, opened.ID))
	step(d.cases.Select(ctx, ivo, opened.ID, 1, "r"))
	if e, _ := d.export(a); len(e.Warnings) != 0 {
		t.Error("told of a case before the warning")
	}
	step(d.cases.Warn(ctx, ivo, opened.ID))
	step(d.cases.WarningSent(ctx, ivo, opened.ID, d.now))

	// A asks for a correction and objects.
	request, err := d.cases.OpenRequest(ctx, pia, casework.SubjectRequest{Right: casework.RightCorrection, Number: a, What: "a guest called"})
	step(request, err)
	to, _ := json.Marshal(map[string]string{"record": made.ID.String(), "note": "made by a guest"})
	step(d.cases.Correct(ctx, pia, request.ID, casework.Correcting{Of: "call", To: to, Why: "he says so"}))
	step(d.cases.OpenRequest(ctx, pia, casework.SubjectRequest{Right: casework.RightObjection, Number: a, Purpose: "reports"}))

	e, text := d.export(a)
	call := e.Calls[slices.IndexFunc(e.Calls, func(c subject.Call) bool { return c.Record == made.ID.String() })]
	if len(call.Notes) != 1 || call.Notes[0].Note != "made by a guest" || call.Notes[0].Why != "he says so" || call.Withheld != true {
		t.Errorf("%+v", call)
	}
	if !slices.Equal(call.Purposes, []string{"transmission of calls", "investigation of nuisance calls"}) || slices.Contains(call.Recipients, "the called party") || call.Expires.IsZero() {
		t.Errorf("%+v", call)
	}
	if len(e.Warnings) != 1 || e.Warnings[0].Calls != 1 || e.Warnings[0].Disclosed != nil || len(e.Requests) != 2 || len(e.Marks) != 0 || len(e.Cases) != 0 {
		t.Errorf("%d warnings, %d requests, %d marks, %d cases", len(e.Warnings), len(e.Requests), len(e.Marks), len(e.Cases))
	}
	if e.Shielding == nil || e.Shielding.From != "2024-10-04" || e.Shielding.Until != "2026-02-16" || !slices.Equal(e.Shielding.Recipients, []string{"other providers"}) {
		t.Errorf("%+v", e.Shielding)
	}
	for _, secret := range []string{"Klager", "Kerkplein", "silence", "ivo", "pia", "Gemarkeerd"} {
		if strings.Contains(text, secret) {
			t.Errorf("A is told %q", secret)
		}
	}
	for _, want := range []string{"made by a guest", "a guest called", "emergency calls", "noodoproepen", "bezwaar", "the emergency centre"} {
		if !strings.Contains(text, want) {
			t.Errorf("A is not told %q", want)
		}
	}

	e, text = d.export(b)
	if len(e.Cases) != 1 || len(e.Marks) != 1 || e.Marks[0].How != "code" || !e.Marks[0].Marked.Equal(at.Add(time.Minute)) || len(e.Requests) != 0 || len(e.Warnings) != 0 || e.Shielding != nil {
		t.Errorf("%+v", e)
	}
	if names(text, a) || strings.Contains(text, "guest") {
		t.Error("B is told whom A is, or what A wrote")
	}
	// What is told of is told why.
	var all map[string]any
	text, _, _ = strings.Cut(text, "<!DOCTYPE")
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"calls", "cases", "marks"} {
		for _, v := range all[part].([]any) {
			if m := v.(map[string]any); m["purposes"] == nil || m["recipients"] == nil {
				t.Errorf("%s: %v", part, m)
			}
		}
	}
}

// Every text of the page is known in Dutch.
func TestPageIsDutch(t *testing.T) {
	source, err := os.ReadFile("export.html")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range regexp.MustCompile(`say "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		texts = append(texts, m[1])
	}
	for _, p := range subject.Purposes(trace.Retention{12, 6, 12}) {
		texts = append(append(texts, p.Name, p.Data, p.Kept), p.Recipients...)
	}
	texts = append(texts, casework.States()[1:]...)
	for _, text := range texts {
		if said := subject.Dutch(text); said == text && text != "open" {
			t.Errorf("%q has no Dutch", text)
		}
	}
}
