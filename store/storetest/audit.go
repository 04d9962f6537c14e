package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/audit"
)

// Audit runs the suite of audit.Log. Tamper runs a statement in the store's
// engine, as an intruder would.
func Audit(t *testing.T, b Backend[audit.Log], tamper func(t *testing.T, l audit.Log, statement string)) {
	ctx := context.Background()
	add := func(t *testing.T, l audit.Log, e audit.Entry) audit.Entry {
		t.Helper()
		e, err := l.Append(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	entry := func(actor string) audit.Entry {
		return audit.Entry{Actor: actor, Role: "noc", Action: "peer.drain", Object: "peer:core", Purpose: "maintenance", Case: "c1", Outcome: audit.Done, Detail: "d \" ' é \x00\xff"}
	}

	t.Run("chained, and read as written", func(t *testing.T) {
		l := b.Open(t)
		if h, err := l.Head(ctx); err != nil || h != (audit.Head{}) {
			t.Fatalf("empty log: %+v, %v", h, err)
		}
		var want []audit.Entry
		for _, actor := range []string{"alice", "bob", "carol"} {
			want = append(want, add(t, l, entry(actor)))
		}
		got, err := l.Read(ctx, audit.Query{})
		if err != nil || len(got) != 3 {
			t.Fatalf("%d entries, %v", len(got), err)
		}
		for i := range got {
			if got[i] != want[i] || got[i].Seq != uint64(i+1) || time.Since(got[i].Time).Abs() > time.Hour {
				t.Errorf("%+v, want %+v", got[i], want[i])
			}
		}
		if head, err := audit.VerifyLog(ctx, l); err != nil || head != want[2].Head() {
			t.Errorf("%+v, %v", head, err)
		}
		given := add(t, l, audit.Entry{Time: time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))})
		if !given.Time.Equal(time.Date(2026, 1, 2, 2, 4, 5, 6000, time.UTC)) {
			t.Errorf("%v", given.Time)
		}
	})

	t.Run("chosen by a query", func(t *testing.T) {
		l := b.Open(t)
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, e := range []audit.Entry{
			{Actor: "a", Role: "noc", Action: "x", Object: "o1", Outcome: audit.Done},
			{Actor: "b", Role: "noc", Action: "x", Object: "o2", Outcome: audit.Refused},
			{Actor: "a", Role: "privacy", Action: "y", Object: "o1", Case: "c7", Outcome: audit.Done},
			{Actor: "b", Role: "noc", Action: "y", Object: "o1", Outcome: audit.Failed},
		} {
			e.Time = start.Add(time.Duration(i) * time.Hour)
			add(t, l, e)
		}
		for name, c := range map[string]struct {
			q    audit.Query
			want string
		}{
			"all": {audit.Query{}, "1234"}, "newest": {audit.Query{Newest: true}, "4321"}, "after": {audit.Query{After: 2}, "34"},
			"before": {audit.Query{Before: 3, Newest: true}, "21"}, "limit": {audit.Query{Limit: 2, Newest: true}, "43"},
			"actor": {audit.Query{Actor: "a"}, "13"}, "role": {audit.Query{Role: "privacy"}, "3"}, "action": {audit.Query{Action: "y"}, "34"},
			"object": {audit.Query{Object: "o1", Actor: "b"}, "4"}, "case": {audit.Query{Case: "c7"}, "3"}, "outcome": {audit.Query{Outcome: audit.Refused}, "2"},
			"time": {audit.Query{From: start.Add(time.Hour), To: start.Add(3 * time.Hour)}, "23"}, "none": {audit.Query{Actor: "c"}, ""},
		} {
			list, err := l.Read(ctx, c.q)
			got := ""
			for _, e := range list {
				got += string(rune('0' + e.Seq))
			}
			if err != nil || got != c.want {
				t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
			}
		}
	})

	t.Run("many at once", func(t *testing.T) {
		l := b.Open(t)
		const writers, each = 8, 10
		var wg sync.WaitGroup
		for range writers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range each {
					if _, err := l.Append(ctx, entry("alice")); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		wg.Wait()
		if head, err := audit.VerifyLog(ctx, l); err != nil || head.Seq != writers*each {
			t.Errorf("%d entries, %v", head.Seq, err)
		}
	})

	t.Run("more than a page", func(t *testing.T) {
		l := b.Open(t)
		const n = audit.MaxLimit + 5
		for range n {
			add(t, l, audit.Entry{Actor: "alice"})
		}
		if head, err := audit.VerifyLog(ctx, l); err != nil || head.Seq != n {
			t.Errorf("%d entries, %v", head.Seq, err)
		}
		var file bytes.Buffer
		if err := audit.Export(ctx, &file, l, 3); err != nil {
			t.Fatal(err)
		}
		if from, head, err := audit.VerifyExport(&file); err != nil || from.Seq != 3 || head.Seq != n {
			t.Errorf("%d to %d, %v", from.Seq, head.Seq, err)
		}
		if err := audit.Export(ctx, &file, l, n+1); !errors.Is(err, audit.ErrNoEntry) {
			t.Errorf("%v", err)
		}
	})

	for name, c := range map[string]struct{ statement, want string }{
		"changed":             {`UPDATE audit SET actor = 'mallory' WHERE seq = 3`, "entry 3 was changed"},
		"time changed":        {`UPDATE audit SET time = time + 1 WHERE seq = 3`, "entry 3 was changed"},
		"removed":             {`DELETE FROM audit WHERE seq = 3`, "entry 3 was removed"},
		"first removed":       {`DELETE FROM audit WHERE seq = 1`, "entry 1 was removed"},
		"last removed":        {`DELETE FROM audit WHERE seq = 5`, "entry 5 was removed"},
		"removed, renumbered": {`DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5`, "entry 4 was changed"},
		"swapped":             {`UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99`, "entry 3 was changed"},
	} {
		t.Run("tampered: "+name, func(t *testing.T) {
			l := b.Open(t)
			for range 5 {
				add(t, l, entry("alice"))
			}
			tamper(t, l, c.statement)
			if _, err := audit.VerifyLog(ctx, l); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}

	t.Run("survives", func(t *testing.T) {
		l := b.Open(t)
		want := add(t, l, entry("alice"))
		l = b.Reopen(t, l)
		if head, err := audit.VerifyLog(ctx, l); err != nil || head != want.Head() {
			t.Errorf("%+v, %v", head, err)
		}
		if next := add(t, l, entry("bob")); next.Prev != want.Hash {
			t.Error("the chain begins anew")
		}
	})

	t.Run("unreachable", func(t *testing.T) {
		l := b.Open(t)
		b.Break(t, l)
		_, appendErr := l.Append(ctx, entry("alice"))
		_, readErr := l.Read(ctx, audit.Query{})
		_, headErr := l.Head(ctx)
		for _, err := range []error{appendErr, readErr, headErr} {
			if !errors.Is(err, audit.ErrUnavailable) {
				t.Errorf("%v", err)
			}
		}
	})
}
