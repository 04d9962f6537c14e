package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/caseaudit"
	"clirgate/numbering"
	"clirgate/trace/keyring"
)

// Bills is the suite every bills.Store must pass, through a Service on it.
func Bills(t *testing.T, b Together[bills.Store]) {
	ctx, s, by := context.Background(), b.Store, casework.Actor{Name: "bea", Role: "billing"}
	ring, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{5})
	if err != nil {
		t.Fatal(err)
	}
	svc := bills.New(s, caseaudit.New(b.Log, ring), ring)
	n := func(digits string) numbering.Number {
		return numbering.New(numbering.International, []byte(digits))
	}
	want := func(text string) {
		t.Helper()
		var out bytes.Buffer
		entries, err := svc.Entries(ctx)
		for i := range entries {
			if s := entries[i].Source; s != "" {
				out.WriteString(s + " ")
			}
			entries[i].Source = ""
		}
		if err := errors.Join(err, bills.Export(&out, entries, 0)); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	for _, bad := range []bills.Entry{{}, {Number: n("31701")}, {From: 20000}, {Number: n("31701"), From: 20000, Until: 20000}} {
		if err := svc.Put(ctx, by, bad); err == nil {
			t.Error("took an entry without number or date")
		}
	}
	if err := svc.Put(ctx, by, bills.Entry{Number: n("31705550199"), From: 20000}, bills.Entry{Number: n("31705550188"), From: 20001, Until: 20500}); err != nil {
		t.Fatal(err)
	}
	if err := svc.Put(ctx, by, bills.Entry{Number: n("31705550199"), From: 20002}); err != nil {
		t.Fatal(err)
	}
	want("+31705550188,2024-10-05\n+31705550199,2024-10-06\n")

	// An import replaces its own, and never what is ours.
	for _, text := range []string{"+31705550199,2020-01-01\n+31611111111,2025-01-01\n+31622222222,2025-01-01\n", "+31611111111,2025-01-02\n"} {
		if _, err := svc.Import(ctx, by, strings.NewReader(text), "Other"); err != nil {
			t.Fatal(err)
		}
	}
	want("Other +31611111111,2025-01-02\n+31705550188,2024-10-05\n+31705550199,2024-10-06\n")
	if _, err := svc.Import(ctx, by, strings.NewReader("+31611111111,2025-01-03\nJan,2025-01-01\n"), "Other"); err == nil {
		t.Error("imported a wrong line")
	}
	if _, err := svc.Import(ctx, by, strings.NewReader(""), ""); err == nil {
		t.Error("imported from nobody")
	}
	want("Other +31611111111,2025-01-02\n+31705550188,2024-10-05\n+31705550199,2024-10-06\n")
	var out bytes.Buffer
	if err := svc.Export(ctx, &out, 20100); err != nil || out.String() != "+31705550188,2024-10-05\n+31705550199,2024-10-06\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	// A change is one with what tells of it.
	mend := b.NoLog(t)
	for what, err := range map[string]error{
		"put":    svc.Put(ctx, by, bills.Entry{Number: n("31705550199"), From: 20100}),
		"follow": svc.Follow(ctx, nil, 20003),
		"import": func() error { _, err := svc.Import(ctx, by, strings.NewReader(""), "Other"); return err }(),
	} {
		if !errors.Is(err, bills.ErrUnavailable) {
			t.Errorf("%s without telling: %v", what, err)
		}
	}
	mend()
	want("Other +31611111111,2025-01-02\n+31705550188,2024-10-05\n+31705550199,2024-10-06\n")
	tells(t, b.Log, 0, "what is refused", func() {
		_ = svc.Put(ctx, by, bills.Entry{})
		_, _ = svc.Import(ctx, by, strings.NewReader("x"), "Other")
	})
	tells(t, b.Log, 2, "changes", func() {
		_, importErr := svc.Import(ctx, by, strings.NewReader("+31611111111,2025-01-02\n"), "Other")
		if err := errors.Join(importErr, svc.Put(ctx, by, bills.Entry{Number: n("31705550188"), From: 20001, Until: 20500})); err != nil {
			t.Error(err)
		}
	})
	entries, err := b.Log.Read(ctx, audit.Query{Newest: true, Limit: 2})
	if err != nil || len(entries) != 2 || entries[0].Action != "case.shield" || entries[1].Object != "provider:Other" || entries[1].Actor != "bea" {
		t.Errorf("%+v, %v", entries, err)
	}
	if e, ok, err := svc.Find(ctx, n("31705550188")); err != nil || !ok || e != (bills.Entry{Number: n("31705550188"), From: 20001, Until: 20500}) {
		t.Errorf("found %v, %v", ok, err)
	}
	if _, ok, err := svc.Find(ctx, n("31705550111")); err != nil || ok {
		t.Errorf("found %v, %v", ok, err)
	}
	list, err := svc.List(ctx)
	if err != nil || list.Len() != 3 || !list.Shielded(n("31705550199"), 20002) || list.Shielded(n("31705550199"), 20001) {
		t.Errorf("%v", err)
	}
	// Our own part follows who wants to be on it, by day; another provider's does not.
	for i, own := range []map[numbering.Number]bool{
		{n("31705550199"): true, n("31705550177"): true}, {n("31705550177"): true}, {n("31705550177"): true, n("31705550199"): true}, {},
	} {
		if err := svc.Follow(ctx, own, bills.Date(20100+i)); err != nil {
			t.Fatal(err)
		}
	}
	if list, err = svc.List(ctx); err != nil {
		t.Fatal(err)
	}
	for number, days := range map[string]string{"31705550177": "0111000", "31705550199": "0001000", "31611111111": "1111111"} {
		got := ""
		for d := range 7 {
			got += map[bool]string{true: "1", false: "0"}[list.Shielded(n(number), bills.Date(20099+d))]
		}
		if got != days {
			t.Errorf("shielded on days %s, want %s", got, days)
		}
	}
	other, _ := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{5})
	if _, err := bills.New(s, caseaudit.New(b.Log, other), other).Entries(ctx); !errors.Is(err, bills.ErrUnavailable) {
		t.Errorf("read with another key: %v", err)
	}
}
