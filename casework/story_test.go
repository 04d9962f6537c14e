package casework_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

var (
	ctx       = context.Background()
	claimed   = number("31205550147")
	nuisance  = number("31612345678")
	neighbour = number("31687654321")
	abroad    = number("4420712345678")

	ivo = casework.Actor{Name: "ivo"} // investigator
	sue = casework.Actor{Name: "sue"} // supervisor
)

func number(digits string) numbering.Number {
	return numbering.New(numbering.International, []byte(digits))
}

// office is everything around a case: records, addresses, audit, and a clock.
type office struct {
	*casework.Service
	t         *testing.T
	now       time.Time
	store     *casetest.Store
	audit     *casetest.Audit
	recordsIn *tracetest.Store
	vault     *trace.Vault
	ring      *keyring.Ring
}

func newOffice(t *testing.T) *office {
	t.Helper()
	ring, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{3})
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), store: new(casetest.Store), audit: new(casetest.Audit), recordsIn: new(tracetest.Store), ring: ring}
	o.store.Log = &o.audit.Log
	o.vault = trace.NewVault(o.recordsIn, trace.NewKeys(ring), o.clock)
	book := casetest.Book{
		nuisance:  {Name: "Piet Plaag", Address: "Dorpsstraat 1", Postcode: "1234 AB", Town: "Ons Dorp"},
		neighbour: {Name: "Nel Naast", Address: "Dorpsstraat 3", Postcode: "1234 AB", Town: "Ons Dorp", Language: "en"},
		abroad:    {Name: "?", Provider: "Overseas Telecom"},
	}
	o.Service = casework.New(o.store, o.vault, book, o.audit, ring, casework.Options{
		Now: o.clock, Sender: casework.Sender{Party: casework.Party{Name: "Telecom N.V.", Town: "Den Haag"}, Department: "Hinderlijke oproepen"},
	})
	return o
}

func (o *office) clock() time.Time { return o.now }

// call records one withheld call to the claimed number.
func (o *office) call(at time.Time, change func(*trace.Record)) trace.ID {
	o.t.Helper()
	r := tracetest.Record(at)
	r.Calling, r.Called, r.DivertedFrom = nuisance, claimed, 0
	if change != nil {
		change(r)
	}
	if err := o.vault.Append([]trace.Entry{{ID: r.ID, Value: o.vault.AppendSealed(nil, r)}}); err != nil {
		o.t.Fatal(err)
	}
	return r.ID
}

// claim is a complete one, for calls at times.
func claim(times ...time.Time) casework.Claim {
	c := casework.Claim{
		Claimant: casework.Party{Name: "Klaas Klager", Address: "Kerkplein 7", Postcode: "9876 ZX", Town: "Verweg"},
		Number:   claimed, Nuisance: "hijgt elke nacht",
	}
	for _, at := range times {
		c.Periods = append(c.Periods, casework.Period{From: at})
	}
	return c
}

func (o *office) must(c *casework.Case, err error) *casework.Case {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func conflict(t *testing.T, err error, reason string) {
	t.Helper()
	var c *casework.Conflict
	if !errors.As(err, &c) || !strings.Contains(c.Reason, reason) {
		t.Errorf("got %v, want a conflict: %s", err, reason)
	}
}

func forbidden(t *testing.T, err error) {
	t.Helper()
	var f *casework.Forbidden
	if !errors.As(err, &f) {
		t.Errorf("got %v, want forbidden", err)
	}
}

func missing(t *testing.T, err error, fields ...string) {
	t.Helper()
	var e *casework.Incomplete
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %v missing", err, fields)
		return
	}
	var got []string
	for _, i := range e.Items {
		got = append(got, i.Field)
	}
	if !slices.Equal(got, fields) {
		t.Errorf("missing %v, want %v", got, fields)
	}
}

func (o *office) letter(c *casework.Case, n int) string {
	o.t.Helper()
	d, err := o.Document(ctx, ivo, c.ID, n)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(d.Body)
}

// tells fails when text holds any of secrets, or a number in any spelling.
func tells(t *testing.T, what string, text string, numbers []numbering.Number, secrets ...string) {
	t.Helper()
	for _, n := range numbers {
		for _, s := range tracetest.Spellings(n) {
			if bytes.Contains([]byte(text), s) {
				t.Errorf("%s tells a number", what)
			}
		}
		if d := string(n.Append(nil)); strings.Contains(text, d[len(d)-4:]) {
			t.Errorf("%s tells the end of a number", what)
		}
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%s tells %q", what, s)
		}
	}
}

// From the letter to the caller, and until everything is gone: promise 6.
func TestFromComplaintToCaller(t *testing.T) {
	o := newOffice(t)
	night := time.Date(2026, 2, 27, 2, 0, 0, 0, time.UTC)
	var times []time.Time
	for i := range 6 {
		times = append(times, night.Add(time.Duration(i)*20*time.Hour/6))
		o.call(times[i], nil)
	}
	o.call(night.Add(time.Minute), func(r *trace.Record) { r.Calling = neighbour })

	c := o.must(o.Open(ctx, ivo, claim(times...)))
	c = o.must(o.Search(ctx, ivo, c.ID))
	if len(c.Candidates) != 2 || len(c.Candidates[0].Calls) != 6 || len(c.Candidates[1].Calls) != 1 {
		t.Fatalf("candidates %d", len(c.Candidates))
	}
	shown, _ := json.Marshal(c.View())
	tells(t, "the list of candidates", candidateNumbers(c), []numbering.Number{nuisance, neighbour})
	if !strings.Contains(string(shown), "+3161234****") {
		t.Error("candidates are not shown at all")
	}

	c = o.must(o.Select(ctx, ivo, c.ID, 1, "six calls at the claimed times"))
	if v := c.View(); v.Selected.Number != "+31612345678" || v.Candidates[1].Number != "+3168765****" {
		t.Error("selected caller not shown whole, or another one is")
	}

	// Evidence is verified with nothing but the public key.
	key, err := o.PublicKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	file := o.letter(c, 1)
	e, _, err := casework.VerifyEvidence([]byte(file), key)
	if err != nil || len(e.Records) != 6 || e.Case != c.ID {
		t.Errorf("evidence: %d records, %v", len(e.Records), err)
	}

	c = o.must(o.Warn(ctx, ivo, c.ID))
	warning := o.letter(c, c.Warning.Document)
	tells(t, "the warning", strings.ReplaceAll(warning, c.ID, ""), []numbering.Number{claimed, nuisance}, "Klaas", "Klager", "Kerkplein", "9876", "Verweg", "hijgt", "27-02-2026", "27 februari")
	if !strings.Contains(warning, "Piet Plaag") || !strings.Contains(warning, "dringend") {
		t.Error("the warning is not to the caller")
	}

	o.now = o.now.AddDate(0, 0, 1)
	o.must(o.WarningSent(ctx, ivo, c.ID, time.Time{}))
	again := o.now.Add(30 * time.Hour)
	o.call(again, nil)
	o.now = again.Add(time.Hour)
	o.must(o.AddIncident(ctx, ivo, c.ID, casework.Period{From: again.Add(10 * time.Minute)}, "again"))
	c = o.must(o.RequestDisclosure(ctx, ivo, c.ID, "did not stop"))
	c = o.must(o.Approve(ctx, sue, c.ID, "proportionate"))

	disclosure, notice := o.letter(c, c.Request.Document), o.letter(c, c.Notice.Document)
	for _, want := range []string{"&#43;31612345678", "Piet Plaag", "Dorpsstraat 1", "Klaas Klager", "27-02-2026 02:00"} {
		if !strings.Contains(disclosure, want) {
			t.Errorf("the disclosure does not tell %q", want)
		}
	}
	tells(t, "the notice", strings.ReplaceAll(notice, c.ID, ""), []numbering.Number{claimed}, "Klaas", "Klager", "Kerkplein")
	if !strings.Contains(notice, "Piet Plaag") || !strings.Contains(notice, "11.11") {
		t.Error("the notice is not one")
	}

	_, err = o.Close(ctx, ivo, c.ID, "disclosed")
	conflict(t, err, "notice has not been sent")
	o.must(o.NoticeSent(ctx, ivo, c.ID, time.Time{}))
	c = o.must(o.Close(ctx, ivo, c.ID, "disclosed"))
	if _, err := o.AddIncident(ctx, ivo, c.ID, casework.Period{From: again}, ""); err == nil {
		t.Error("a closed case was changed")
	}

	closed := o.now
	o.now = time.Date(2026, 6, 2, 23, 59, 59, 0, time.UTC)
	if n, err := o.Purge(ctx); n != 0 || err != nil {
		t.Errorf("purged %d too early, %v", n, err)
	}
	if _, err := o.Get(ctx, ivo, c.ID); err != nil {
		t.Error(err)
	}
	o.now = closed.AddDate(0, 3, 0)
	if _, err := o.Get(ctx, ivo, c.ID); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("found after its time: %v", err)
	}
	if n, err := o.Purge(ctx); n != 1 || err != nil {
		t.Errorf("purged %d, %v", n, err)
	}
	if _, err := o.store.Get(ctx, casework.KindCase, c.ID); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("left in the store: %v", err)
	}
	for _, name := range o.ring.Names() {
		if strings.Contains(name, c.ID) {
			t.Error("its key is left")
		}
	}
}

// NV7: closed 2026-03-15, evidence gone by 2026-06-15 although the record is kept.
func TestEvidenceHasItsOwnClock(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	c := o.must(o.Open(ctx, ivo, claim(at)))
	o.must(o.Search(ctx, ivo, c.ID))
	o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
	o.now = time.Date(2026, 3, 15, 16, 30, 0, 0, time.UTC)
	o.must(o.Close(ctx, ivo, c.ID, "claimant withdrew"))
	o.now = time.Date(2026, 6, 14, 23, 59, 0, 0, time.UTC)
	if _, err := o.Document(ctx, ivo, c.ID, 1); err != nil {
		t.Errorf("gone too early: %v", err)
	}
	o.now = time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)
	if _, err := o.Document(ctx, ivo, c.ID, 1); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("still there: %v", err)
	}
	if n, err := o.Purge(ctx); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := o.store.Document(ctx, c.ID, 1); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("still stored: %v", err)
	}
	found := 0
	err := o.vault.Search(ctx, trace.Query{Caller: nuisance, To: o.now, Basis: trace.BasisNuisance}, func(*trace.Record) bool { found++; return true })
	if found != 1 || err != nil {
		t.Errorf("the record itself: %d, %v", found, err)
	}
}
