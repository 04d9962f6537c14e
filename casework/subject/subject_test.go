package subject_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/casework/subject"
	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

var (
	a = numbering.New(numbering.International, []byte("31612345678"))
	b = numbering.New(numbering.International, []byte("31205550147"))
	c = numbering.New(numbering.International, []byte("31309998877"))
)

// NV15: A's number is absent for withheld calls, and that they were withheld is shown.
func TestExport(t *testing.T) {
	ctx := context.Background()
	ring, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var store tracetest.Store
	v := trace.NewVault(&store, trace.NewKeys(ring), clock)
	for i, x := range []struct {
		from, to numbering.Number
		withheld bool
	}{{a, b, true}, {c, b, false}, {b, c, true}, {a, c, true}} {
		r := tracetest.Record(now.Add(time.Duration(i-60) * time.Minute))
		r.Calling, r.Called, r.Withheld, r.Shown, r.DivertedFrom, r.Asserted = x.from, x.to, x.withheld, x.from, 0, [2]numbering.Number{x.from}
		if err := v.Append([]trace.Entry{{ID: r.ID, Value: v.AppendSealed(nil, r)}}); err != nil {
			t.Fatal(err)
		}
	}
	var audit casetest.Audit
	cases := casework.New(new(casetest.Store), v, casetest.Book{}, &audit, ring, casework.Options{Now: clock})
	claimed, err := cases.Open(ctx, casework.Actor{Name: "ivo"}, casework.Claim{
		Claimant: casework.Party{Name: "B", Address: "x", Postcode: "y", Town: "z"}, Number: b, Nuisance: "silence",
		Periods: []casework.Period{{From: now.Add(-time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cases.Search(ctx, casework.Actor{Name: "ivo"}, claimed.ID); err != nil {
		t.Fatal(err)
	}
	months := 12
	s := &subject.Service{
		Records: v, Cases: cases, Audit: &audit, Retention: func() trace.Retention { return trace.Months(months) }, Now: clock,
		Rules: func(context.Context, numbering.Number) (json.RawMessage, error) {
			return json.RawMessage(`{"clir":"permanent"}`), nil
		},
	}
	e, err := s.Export(ctx, casework.Actor{Name: "dpo"}, b)
	if err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var html bytes.Buffer
	if err := e.WriteHTML(&html, subject.Print{Language: "en"}); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{string(js), html.String()} {
		for _, spelling := range tracetest.Spellings(a) {
			if strings.Contains(out, string(spelling)) {
				t.Error("the number of one who withheld it")
			}
		}
		for _, want := range []string{"31309998877", "withheld", "permanent", "silence", claimed.ID, "Tw 11.11"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing", want)
			}
		}
	}
	if !strings.Contains(string(js), `"expires":"2027-11-23`) || !strings.Contains(html.String(), "23-11-2027") {
		t.Error("it is not told until when calls are kept")
	}
	months = 7 // the configuration was reloaded
	if again, err := s.Export(ctx, casework.Actor{Name: "dpo"}, b); err != nil || !strings.Contains(again.Purposes[1].Kept, "7 months") {
		t.Errorf("%v, %+v", err, again)
	}
	if len(e.Calls) != 3 || e.More {
		t.Fatalf("%d calls", len(e.Calls))
	}
	if x := e.Calls[0]; x.Direction != "received" || x.Number != "" || !x.Withheld || x.Source != "" {
		t.Errorf("withheld call: %+v", x)
	}
	if x := e.Calls[1]; x.Number != c.E164() || x.Withheld {
		t.Errorf("call of C: %+v", x)
	}
	if x := e.Calls[2]; x.Direction != "made" || x.Number != c.E164() || !x.Withheld {
		t.Errorf("call to C: %+v", x)
	}
	if got := audit.Actions(); got[len(got)-1] != "export" {
		t.Errorf("audited %v", got)
	}
	audit.Fail(errors.New("full"))
	if e, err := s.Export(ctx, casework.Actor{Name: "dpo"}, b); e != nil || !errors.Is(err, casework.ErrUnavailable) {
		t.Errorf("exported without audit: %v", err)
	}
}
