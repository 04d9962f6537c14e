package casework_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"clirgate/casework"
	"clirgate/numbering"
	"clirgate/trace"
)

func TestBreachQuestion(t *testing.T) {
	o := newOffice(t)
	c := o.requested()
	o.must(o.Get(ctx, sue, c.ID))
	from, to := o.now.AddDate(0, 0, -2), o.now.Add(time.Hour)
	dpo := casework.Actor{Name: "dpo"}
	list, err := casework.Breach(ctx, o.audit, o.audit, dpo, "ivo", from, to, o.now)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d subjects, %v", len(list), err)
	}
	if list[0].Number != claimed || list[1].Number != nuisance || list[1].Times < 3 || len(list[1].Cases) != 1 || list[1].Cases[0] != c.ID {
		t.Errorf("%+v", list)
	}
	if list, _ = casework.Breach(ctx, o.audit, o.audit, dpo, "ivo", o.now.Add(time.Minute), to, o.now); len(list) != 0 {
		t.Errorf("%d subjects in a time without looks", len(list))
	}
	if list, _ = casework.Breach(ctx, o.audit, o.audit, dpo, "dpo", from, to, o.now); len(list) != 2 {
		t.Errorf("the answer itself is a look: %d", len(list))
	}
	_, err = casework.Breach(ctx, o.audit, o.audit, dpo, "", to, from, o.now)
	missing(t, err, "actor", "from")
	o.audit.Fail(errors.New("full"))
	if list, err := casework.Breach(ctx, o.audit, o.audit, dpo, "ivo", from, to, o.now); list != nil || !errors.Is(err, casework.ErrUnavailable) {
		t.Errorf("answered without audit: %v", err)
	}
}

// A letter and evidence show whom they name, no more and no less.
func TestReadingDocumentsIsSeeingWhoTheyName(t *testing.T) {
	o := newOffice(t)
	c := o.requested()
	o.must(o.Approve(ctx, sue, c.ID, "proportionate"))
	docs, err := o.Documents(ctx, sue, c.ID)
	if err != nil || len(docs) == 0 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	for _, d := range docs {
		reader := casework.Actor{Name: d.Kind}
		if _, err := o.Document(ctx, reader, c.ID, d.N); err != nil {
			t.Fatal(err)
		}
		want := 2
		switch d.Kind {
		case casework.LetterWarning, casework.LetterNotice:
			want = 1 // the caller
		case casework.KindEvidence:
			want = 5 // what the caller showed, and two that were asserted
		}
		list, err := casework.Breach(ctx, o.audit, o.audit, casework.Actor{Name: "dpo"}, d.Kind, o.now.Add(-time.Hour), o.now.Add(time.Hour), o.now)
		if err != nil || len(list) != want {
			t.Errorf("%s: %d subjects, want %d, %v", d.Kind, len(list), want, err)
		}
	}
}

// The answer to an order names whoever called, was called, or had his number shown: all of
// them count as seen by whoever reads it, and only then.
func TestReadingAnOrderIsSeeingWhomItNames(t *testing.T) {
	o, eva := newOffice(t), casework.Actor{Name: "eva"}
	at := o.now.AddDate(0, 0, -1)
	o.call(at, nil)
	o.call(at.Add(time.Minute), func(r *trace.Record) { r.Called, r.DivertedFrom = abroad, neighbour })
	order, err := o.OpenOrder(ctx, ivo, casework.Order{
		Authority: "OM", Reference: "1", Ground: "126n Sv",
		Scope: casework.Scope{Number: nuisance, Caller: true, From: at, To: o.now},
	})
	if err != nil {
		t.Fatal(err)
	}
	if order, err = o.ApproveOrder(ctx, sue, order.ID); err != nil || order.Records != 2 {
		t.Fatal(order, err)
	}
	if _, err := o.OrderDocument(ctx, ivo, order.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.OrderLetter(ctx, eva, order.ID); err != nil {
		t.Fatal(err)
	}
	var record trace.Record
	o.call(at, func(r *trace.Record) { record = *r })
	all := []numbering.Number{nuisance, claimed, neighbour, abroad, record.Shown, record.Asserted[0], record.Asserted[1]}
	for actor, want := range map[string][]numbering.Number{"sue": {nuisance}, "ivo": all, "eva": slices.Clone(all)} {
		list, err := casework.Breach(ctx, o.audit, o.audit, dpo, actor, at, o.now.Add(time.Hour), o.now)
		var got []numbering.Number
		for _, s := range list {
			got = append(got, s.Number)
		}
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s saw %d subjects, want %d, %v", actor, len(got), len(want), err)
		}
	}
}
