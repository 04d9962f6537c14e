package casework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
	"clirgate/numbering"
	"clirgate/rules"
)

func correcting(of, why string, to any) casework.Correcting {
	b, err := json.Marshal(to)
	if err != nil {
		panic(err)
	}
	return casework.Correcting{Of: of, Why: why, To: b}
}

type callNote struct {
	Record string `json:"record"`
	Note   string `json:"note"`
}

// A record is evidence: what is wrong in it is told beside it, by whom, when and why, in
// evidence of cases and in answers to orders; the record itself stays.
func TestCorrectionOfACall(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	id, other := o.call(at, nil), o.call(at, nil)
	r := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: nuisance, What: "that was not me"})
	_, err := o.AnswerRequest(ctx, dpo, r.ID, true, "corrected")
	conflict(t, err, "nothing was corrected yet")
	for _, c := range []struct {
		c      casework.Correcting
		fields []string
	}{
		{correcting("", "", nil), []string{"why", "of"}},
		{correcting("rule", "w", nil), []string{"of"}}, // nobody here keeps rules
		{correcting("call", "w", callNote{}), []string{"to.note", "to.record"}},
		{correcting("call", "w", []int{1}), []string{"to.note", "to.record"}},
		{correcting("address", "w", casework.Party{Name: "x"}), []string{"to.address", "to.postcode", "to.town"}},
	} {
		_, err := o.Correct(ctx, dpo, r.ID, c.c)
		missing(t, err, c.fields...)
	}
	stranger := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: neighbour, What: "x"})
	note := correcting("call", "his son says so", callNote{id.String(), "the call was made by a guest"})
	_, err = o.Correct(ctx, dpo, stranger.ID, note)
	conflict(t, err, "no call with this record")
	objection := o.request(casework.SubjectRequest{Right: casework.RightObjection, Number: nuisance, Purpose: "reports"})
	_, err = o.Correct(ctx, dpo, objection.ID, note)
	conflict(t, err, "no correction")
	if r, err = o.Correct(ctx, dpo, r.ID, note); err != nil || len(r.Corrections) != 1 || r.Corrections[0].By != "dpo" || !r.Corrections[0].At.Equal(o.now) {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = o.AnswerRequest(ctx, dpo, r.ID, true, "noted"); err != nil || len(r.History) != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = o.Correct(ctx, dpo, r.ID, note)
	conflict(t, err, "answered already")

	c := o.must(o.Open(ctx, ivo, claim(at)))
	o.must(o.Search(ctx, ivo, c.ID))
	c = o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
	order, err := o.OpenOrder(ctx, ivo, casework.Order{
		Authority: "OM", Reference: "1", Ground: "126n Sv", Scope: casework.Scope{Number: nuisance, Caller: true, From: at, To: o.now},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.ApproveOrder(ctx, sue, order.ID); err != nil {
		t.Fatal(err)
	}
	answer, err := o.OrderDocument(ctx, ivo, order.ID)
	if err != nil {
		t.Fatal(err)
	}
	for what, file := range map[string]string{"evidence": o.letter(c, 1), "answer": string(answer.Body)} {
		e, _, err := casework.VerifyEvidence([]byte(file), nil)
		if err != nil || len(e.Records) != 2 || len(e.Notes) != 1 {
			t.Fatalf("%s: %d records, %d notes, %v", what, len(e.Records), len(e.Notes), err)
		}
		if n := e.Notes[0]; n.Record != id.String() || n.By != "dpo" || n.Why != "his son says so" || n.Note != "the call was made by a guest" || n.Record == other.String() {
			t.Errorf("%s: %+v", what, n)
		}
		if !strings.Contains(file, nuisance.E164()) {
			t.Errorf("%s: the record was changed", what)
		}
	}
}

// Letters go to the corrected address; what stood in the address book is kept with it.
func TestCorrectionOfAnAddress(t *testing.T) {
	o := newOffice(t)
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	r := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: nuisance, What: "I have moved"})
	for i, street := range []string{"Nieuwstraat 1", "Nieuwstraat 2"} {
		var err error
		r, err = o.Correct(ctx, dpo, r.ID, correcting("address", "moved", casework.Party{Name: "Piet Plaag", Address: street, Postcode: "4321 BA", Town: "Elders"}))
		if err != nil || r.Corrections[i].Before != "Piet Plaag, Dorpsstraat 1, 1234 AB, Ons Dorp" || !strings.Contains(r.Corrections[i].After, street) {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	c := o.must(o.Open(ctx, ivo, claim(at)))
	o.must(o.Search(ctx, ivo, c.ID))
	o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
	c = o.must(o.Warn(ctx, ivo, c.ID))
	if text := o.letter(c, c.Warning.Document); !strings.Contains(text, "Nieuwstraat 2") || strings.Contains(text, "Dorpsstraat") {
		t.Error("the letter goes to the old address")
	}
}

// What is kept elsewhere is put right there; a correction that fails there is none.
func TestCorrectionElsewhere(t *testing.T) {
	o := newOffice(t)
	var failed error
	svc := casework.New(o.store, o.vault, casetest.Book{}, o.audit, o.ring, casework.Options{Now: o.clock, Correctors: map[string]casework.Corrector{
		casework.CorrectRule: func(_ context.Context, by casework.Actor, n numbering.Number, to json.RawMessage, why string) (casework.Elsewhere, error) {
			return casework.Elsewhere{Before: "none", After: fmt.Sprint(by.Name, string(to), why, n == nuisance)}, failed
		},
	}})
	r := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: nuisance, What: "never asked for that"})
	failed = &casework.Conflict{Reason: "no such rule"}
	_, err := svc.Correct(ctx, dpo, r.ID, correcting("rule", "a mistake", 7))
	conflict(t, err, "no such rule")
	failed = nil
	r, err = svc.Correct(ctx, dpo, r.ID, correcting("rule", "a mistake", 7))
	if err != nil || len(r.Corrections) != 1 || r.Corrections[0].Before != "none" || r.Corrections[0].After != "dpo7a mistaketrue" {
		t.Errorf("%+v, %v", r, err)
	}
	told := o.audit.Actions()
	if told[len(told)-2] != "refused: request corrected" || told[len(told)-1] != "request corrected" {
		t.Errorf("%v", told)
	}
	o.audit.Fail(errors.New("full"))
	if _, err := svc.Correct(ctx, dpo, r.ID, correcting("rule", "again", 8)); !errors.Is(err, casework.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// A correction elsewhere and the request that tells of it are one change: nothing of it
// stays when it fails in between, the same one asked for again is made once, and a rule
// that was changed meanwhile is not overwritten.
func TestCorrectionElsewhereIsOneChange(t *testing.T) {
	o := newOffice(t)
	store := &failingSave{Store: o.store}
	var told []error
	match := rules.Whatever()
	svc := casework.New(store, o.vault, casetest.Book{}, o.audit, o.ring, casework.Options{Now: o.clock, Correctors: map[string]casework.Corrector{
		casework.CorrectRule: func(_ context.Context, by casework.Actor, n numbering.Number, to json.RawMessage, _ string) (casework.Elsewhere, error) {
			old, _, _ := o.store.Rule(ctx, n) // not there: none
			e := casework.Elsewhere{Before: old.Note, After: string(to), Done: func(err error) { told = append(told, err) }}
			e.Rule = &casework.RuleChange{Subscriber: rules.Subscriber{Number: n, Note: string(to)}, Match: match, By: rules.By{Actor: "privacy:" + by.Name}}
			return e, nil
		},
	}})
	r := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: nuisance, What: "never asked for that"})
	stands := func(when, rule string, corrections, tellings int) {
		t.Helper()
		old, _, _ := o.store.Rule(ctx, nuisance)
		now, err := svc.GetRequest(ctx, dpo, r.ID)
		if err != nil || old.Note != rule || len(now.Corrections) != corrections || len(told) != tellings {
			t.Errorf("%s: rule %q, %d corrections, told %d times, %v", when, old.Note, len(now.Corrections), len(told), err)
		}
	}
	store.err = fmt.Errorf("%w: the power went", casework.ErrUnavailable)
	if _, err := svc.Correct(ctx, dpo, r.ID, correcting("rule", "a mistake", 7)); !errors.Is(err, casework.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	stands("failed in between", "", 0, 1)
	store.err = nil
	for range 2 {
		if _, err := svc.Correct(ctx, dpo, r.ID, correcting("rule", "a mistake", 7)); err != nil {
			t.Error(err)
		}
	}
	stands("asked for twice", "7", 1, 2)
	match = rules.Absent()
	_, err := svc.Correct(ctx, dpo, r.ID, correcting("rule", "a mistake", 8))
	conflict(t, err, "changed meanwhile")
	stands("changed meanwhile", "7", 1, 3)
	match = rules.Whatever()
	for _, to := range []int{8, 7} { // back again is another correction
		if _, err := svc.Correct(ctx, dpo, r.ID, correcting("rule", "a mistake", to)); err != nil {
			t.Error(err)
		}
	}
	stands("back again", "7", 3, 5)
	if told[0] == nil || told[1] != nil || told[2] == nil || told[3] != nil {
		t.Errorf("%v", told)
	}
}
