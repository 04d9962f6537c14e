package casework_test

import (
	"errors"
	"testing"
	"time"

	"clirgate/casework"
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
		if d.Kind == casework.LetterWarning || d.Kind == casework.LetterNotice {
			want = 1 // the caller
		}
		list, err := casework.Breach(ctx, o.audit, o.audit, casework.Actor{Name: "dpo"}, d.Kind, o.now.Add(-time.Hour), o.now.Add(time.Hour), o.now)
		if err != nil || len(list) != want {
			t.Errorf("%s: %d subjects, want %d, %v", d.Kind, len(list), want, err)
		}
	}
}
