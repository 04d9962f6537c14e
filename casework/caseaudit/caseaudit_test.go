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
