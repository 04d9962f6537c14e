package caseaudit_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"clirgate/audit"
	"clirgate/audit/audittest"
	"clirgate/casework"
	"clirgate/casework/caseaudit"
	"clirgate/numbering"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

func TestLog(t *testing.T) {
	ctx := context.Background()
	ring, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{9})
	if err != nil {
		t.Fatal(err)
	}
	m := audittest.Log{Page: 2}
	l := caseaudit.New(&m, ring)
	at := time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)
	var many []numbering.Number
	for i := range 450 {
		many = append(many, numbering.New(numbering.International, fmt.Appendf(nil, "316%08d", 12345000+i)))
	}
	events := []casework.Event{
		{At: at, Actor: "ivo", Role: "investigator", Action: "refused: approve", Purpose: casework.PurposeNuisance, Case: "C1", Subjects: many[:1], Count: 7},
		{At: at.Add(2 * time.Minute), Actor: "sue", Action: "view", Case: "C1"},
		{At: at.Add(3 * time.Minute), Actor: "ivo", Action: "breach report", Subjects: many},
	}
	for _, e := range events {
		if err := l.Audit(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Append(ctx, audit.Entry{Time: at, Actor: "ivo", Action: "subscriber.put"}); err != nil {
		t.Fatal(err)
	}
	m.Page = 0
	entries, _ := m.Read(ctx, audit.Query{})
	m.Page = 2
	for _, e := range entries {
		for _, s := range tracetest.Spellings(many[0]) {
			if bytes.Contains([]byte(e.Detail+e.Object), s) {
				t.Error("a number in clear")
			}
		}
	}
	if e := entries[0]; e.Action != "case.approve" || e.Outcome != audit.Refused || e.Role != "investigator" {
		t.Errorf("%+v", e)
	}
	var seen []numbering.Number
	n := 0
	err = l.Events(ctx, "ivo", at, at.Add(time.Hour), func(e casework.Event) bool {
		if n == 0 && (e.Case != "C1" || e.Count != 7 || e.Purpose != casework.PurposeNuisance || !e.At.Equal(at)) {
			t.Errorf("%+v", e)
		}
		n++
		seen = append(seen, e.Subjects...)
		return true
	})
	if err != nil || n != 4 || !slices.Equal(seen, append(many[:1:1], many...)) {
		t.Errorf("%d events, %d subjects, %v", n, len(seen), err)
	}
	stolen, _ := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{9})
	if err := caseaudit.New(&m, stolen).Events(ctx, "", at, at.Add(time.Hour), func(casework.Event) bool { return true }); err == nil {
		t.Error("opened without the key")
	}
}

// Twelve months after a look nobody knows any more whose data were seen: the keys are
// destroyed, those of the same year that are younger are not, and the chain is whole.
func TestForget(t *testing.T) {
	ctx := context.Background()
	storage := new(keyring.Memory)
	ring, err := keyring.Open(ctx, storage, keyring.Fixed{9})
	if err != nil {
		t.Fatal(err)
	}
	var m audittest.Log
	l := caseaudit.New(&m, ring)
	var now time.Time
	l.Now = func() time.Time { return now }
	subject := []numbering.Number{numbering.New(numbering.International, []byte("31612345678"))}
	look := func(at time.Time) {
		t.Helper()
		now = at
		if err := l.Audit(ctx, casework.Event{At: at, Actor: "ivo", Action: "view", Case: at.Format(time.DateOnly), Subjects: subject}); err != nil {
			t.Fatal(err)
		}
	}
	known := func() (cases []string) {
		t.Helper()
		err := l.Events(ctx, "ivo", time.Time{}, now.Add(time.Second), func(e casework.Event) bool {
			if len(e.Subjects) > 0 {
				cases = append(cases, e.Case)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return cases
	}
	forget := func(at time.Time, want int) {
		t.Helper()
		now = at
		if n, err := l.Forget(ctx); err != nil || n != want {
			t.Errorf("%s: %d keys destroyed, want %d, %v", at, n, want, err)
		}
		if _, err := audit.VerifyLog(ctx, &m); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
	if _, err := ring.Lasting(ctx, "audit/subjects/2026"); err != nil { // as it was made before
		t.Fatal(err)
	}
	first := time.Date(2027, 2, 28, 23, 59, 59, 0, time.UTC)
	look(first)
	look(first.Add(time.Second))
	look(first.AddDate(0, 6, 0))
	if got := known(); len(got) != 3 {
		t.Errorf("%v", got)
	}
	forget(time.Date(2027, 12, 30, 23, 59, 59, 0, time.UTC), 0)
	forget(time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC), 1) // the year's
	forget(time.Date(2028, 2, 27, 23, 59, 59, 0, time.UTC), 0)
	now = time.Date(2028, 2, 28, 0, 0, 0, 0, time.UTC)
	if got := known(); !slices.Equal(got, []string{"2027-03-01", "2027-08-28"}) {
		t.Errorf("told before its key is destroyed: %v", got)
	}
	forget(now, 1)
	forget(time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC), 1)
	if got := known(); !slices.Equal(got, []string{"2027-08-28"}) {
		t.Errorf("%v", got)
	}
	again, err := keyring.Open(ctx, storage, keyring.Fixed{9})
	if err != nil || len(again.Get("audit/subjects/2027-02-28")) != 0 || len(again.Get("audit/subjects/2027-08-28")) != 1 {
		t.Errorf("%v: a destroyed key is stored, or one that is needed is not", err)
	}
	entries, _ := m.Read(ctx, audit.Query{Actor: "clirgate"})
	if len(entries) != 3 || entries[0].Action != "case.forget-subjects" || entries[0].Purpose != casework.PurposeRetention || entries[0].Detail != "count=1" {
		t.Errorf("%+v", entries)
	}
}
