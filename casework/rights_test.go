package casework_test

import (
	"errors"
	"testing"
	"time"

	"clirgate/casework"
)

var dpo = casework.Actor{Name: "dpo", Role: "privacy"}

func (o *office) request(r casework.SubjectRequest) *casework.SubjectRequest {
	o.t.Helper()
	got, err := o.OpenRequest(ctx, dpo, r)
	if err != nil {
		o.t.Fatal(err)
	}
	return got
}

// Four weeks, and a list of what is late.
func TestRequestsAreAnsweredInFourWeeks(t *testing.T) {
	o := newOffice(t)
	begin := o.now
	late := o.request(casework.SubjectRequest{Right: casework.RightAccess, Number: claimed})
	urgent := o.request(casework.SubjectRequest{Right: casework.RightCorrection, Number: nuisance, What: "not my number", Received: begin.AddDate(0, 0, -7)})
	done := o.request(casework.SubjectRequest{Right: casework.RightAccess, Number: neighbour})
	if _, err := o.AnswerRequest(ctx, dpo, done.ID, true, "sent"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at      time.Time
		overdue []string
	}{
		{begin.AddDate(0, 0, 21), nil},
		{begin.AddDate(0, 0, 21).Add(time.Second), []string{urgent.ID}},
		{begin.AddDate(0, 0, 28), []string{urgent.ID}},
		{begin.AddDate(0, 0, 28).Add(time.Second), []string{urgent.ID, late.ID}},
	} {
		o.now = c.at
		list, err := o.Requests(ctx, dpo, true)
		if err != nil || len(list) != len(c.overdue) {
			t.Errorf("%v: %d overdue, %v", c.at, len(list), err)
			continue
		}
		for i := range list {
			if list[i].ID != c.overdue[i] {
				t.Errorf("%v: not in order of urgency", c.at)
			}
		}
	}
	if list, err := o.Requests(ctx, dpo, false); err != nil || len(list) != 2 {
		t.Errorf("%d waiting, %v", len(list), err)
	}
	_, err := o.AnswerRequest(ctx, dpo, late.ID, true, " ")
	missing(t, err, "answer")
	answered, err := o.AnswerRequest(ctx, dpo, late.ID, true, "here you are")
	if err != nil || len(answered.History) != 2 {
		t.Errorf("%v", err)
	}
	_, err = o.AnswerRequest(ctx, dpo, late.ID, true, "again")
	conflict(t, err, "already")
	o.now = o.now.AddDate(1, 0, 0)
	if _, err := o.GetRequest(ctx, dpo, late.ID); !errors.Is(err, casework.ErrNotFound) {
		t.Errorf("kept too long: %v", err)
	}
	if n, err := o.Purge(ctx); n != 2 || err != nil {
		t.Errorf("%d purged, %v", n, err)
	}
}

func TestObjections(t *testing.T) {
	o := newOffice(t)
	objecting := func(want bool) {
		t.Helper()
		all, err := o.Objectors(ctx, "reports")
		if err != nil || all[nuisance] != want || len(all) > 1 {
			t.Errorf("objects: %v, want %v, %v", all[nuisance], want, err)
		}
	}
	objecting(false)
	r := o.request(casework.SubjectRequest{Right: casework.RightObjection, Number: nuisance, Purpose: "reports"})
	objecting(true) // at once, not when it is answered
	if _, err := o.AnswerRequest(ctx, dpo, r.ID, true, "noted"); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.AddDate(3, 0, 0)
	objecting(true)
	if _, err := o.LiftObjection(ctx, dpo, r.ID); err != nil {
		t.Fatal(err)
	}
	objecting(false)
	_, err := o.LiftObjection(ctx, dpo, r.ID)
	conflict(t, err, "in force")
	r = o.request(casework.SubjectRequest{Right: casework.RightObjection, Number: nuisance, Purpose: "reports"})
	if _, err := o.AnswerRequest(ctx, dpo, r.ID, false, "no"); err != nil {
		t.Fatal(err)
	}
	objecting(false)
}

func TestIncompleteRequest(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		r      casework.SubjectRequest
		fields []string
	}{
		{casework.SubjectRequest{}, []string{"right", "number"}},
		{casework.SubjectRequest{Right: casework.RightCorrection, Number: claimed}, []string{"what"}},
		{casework.SubjectRequest{Right: casework.RightObjection, Number: claimed, Purpose: "emergency calls"}, []string{"purpose"}},
		{casework.SubjectRequest{Right: casework.RightAccess, Number: claimed, Received: o.now.Add(time.Hour)}, []string{"received"}},
	} {
		_, err := o.OpenRequest(ctx, dpo, c.r)
		missing(t, err, c.fields...)
	}
}
