package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/numbering"
	"clirgate/rules"
)

// CaseStore is a store of cases, and a look at what corrections change beside them.
type CaseStore struct {
	Together[casework.Store]
	Rule     func(context.Context, numbering.Number) (rules.Subscriber, uint64, error)
	Shielded func(context.Context, [16]byte) (bills.Row, bool, error)
}

// Cases is the suite every casework.Store must pass. open opens the same store again.
func Cases(t *testing.T, open func(t *testing.T) CaseStore) {
	ctx := context.Background()
	opened := open(t)
	s := opened.Store
	save := func(row casework.Row, docs ...casework.Document) error {
		return s.Save(ctx, casework.Change{Row: row, Documents: docs, Audit: []audit.Entry{{Time: row.Created, Actor: "ivo", Case: row.ID}}})
	}
	at := time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)
	row := func(i int) casework.Row {
		return casework.Row{
			Kind: casework.KindCase, ID: fmt.Sprintf("C%03d", i), Revision: 1, State: "open", Subject: [16]byte{byte(i % 3)},
			Created: at.Add(time.Duration(i/2) * time.Minute), Sealed: []byte{byte(i)},
		}
	}
	document := func(owner string, n int) casework.Document {
		return casework.Document{Owner: owner, N: n, Kind: "letter", Created: at, Sealed: []byte{byte(n), 0, 255}}
	}
	const many = 250 // more than a page
	for i := range many {
		if err := save(row(i)); err != nil {
			t.Fatal(err)
		}
	}
	order := row(many)
	order.Kind, order.State = casework.KindOrder, "asked"
	if err := save(order, document(order.ID, 1)); err != nil {
		t.Fatal(err)
	}

	t.Run("get", func(t *testing.T) {
		got, err := s.Get(ctx, casework.KindCase, "C007")
		if err != nil || fmt.Sprint(got) != fmt.Sprint(row(7)) {
			t.Errorf("%v, %v", got, err)
		}
		for _, k := range []casework.Kind{casework.KindOrder, ""} {
			if _, err := s.Get(ctx, k, "C007"); !errors.Is(err, casework.ErrNotFound) {
				t.Errorf("as %q: %v", k, err)
			}
		}
	})
	list := func(f casework.Filter, limit int) (ids []string) {
		t.Helper()
		err := s.List(ctx, f, func(r casework.Row) bool { ids = append(ids, r.ID); return len(ids) < limit })
		if err != nil {
			t.Error(err)
		}
		return ids
	}
	t.Run("list", func(t *testing.T) {
		all := list(casework.Filter{Kind: casework.KindCase}, 1000)
		if len(all) != many || !slices.IsSortedFunc(all, func(a, b string) int { return -strings.Compare(a, b) }) {
			t.Errorf("%d, newest first %v", len(all), all[:3])
		}
		if got := list(casework.Filter{}, 3); !slices.Equal(got, []string{"C250", "C249", "C248"}) {
			t.Errorf("%v", got)
		}
		subject := [16]byte{1}
		if got := list(casework.Filter{Kind: casework.KindCase, Subject: &subject}, 1000); len(got) != 83 {
			t.Errorf("%d of the subject", len(got))
		}
		if got := list(casework.Filter{State: "asked"}, 1000); !slices.Equal(got, []string{"C250"}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("change", func(t *testing.T) {
		r := row(5)
		r.Revision, r.State, r.Sealed = 2, "selected", []byte("new")
		tells(t, opened.Log, 1, "a change", func() {
			if err := save(r, document("C005", 1), document("C005", 2)); err != nil {
				t.Fatal(err)
			}
		})
		got, err := s.Get(ctx, casework.KindCase, "C005")
		if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
			t.Errorf("%v, %v", got, err)
		}
		// Stale ones leave nothing behind, documents included.
		tells(t, opened.Log, 0, "changes that failed", func() {
			for _, revision := range []uint64{1, 2, 4} {
				r.Revision, r.State = revision, "stale"
				if err := save(r, document("C005", 3)); !errors.Is(err, casework.ErrStale) {
					t.Errorf("revision %d: %v", revision, err)
				}
			}
			// Nor does a row whose documents cannot be written: this one is there already.
			r.Revision, r.State = 3, "broken"
			if err := save(r, document("C005", 3), document("C005", 1)); err == nil {
				t.Error("a document was written twice")
			}
		})
		// Nor what cannot be told.
		mend := opened.NoLog(t)
		if err := save(r, document("C005", 3)); !errors.Is(err, casework.ErrUnavailable) {
			t.Errorf("a change that cannot be told: %v", err)
		}
		mend()
		got, _ = s.Get(ctx, casework.KindCase, "C005")
		docs, err := s.Documents(ctx, "C005")
		if got.State != "selected" || len(docs) != 2 || err != nil {
			t.Errorf("state %s, %d documents, %v", got.State, len(docs), err)
		}
		if docs[1].N != 2 || docs[1].Sealed != nil || docs[1].Kind != "letter" || !docs[1].Created.Equal(at) {
			t.Errorf("%v", docs[1])
		}
	})
	t.Run("also", func(t *testing.T) { corrections(t, opened) })
	t.Run("sole", func(t *testing.T) {
		sole := func(id string, subject byte) casework.Row {
			return casework.Row{Kind: casework.KindCase, ID: id, Revision: 1, State: "draft", Subject: [16]byte{9, subject}, Created: at, Sole: true, Sealed: []byte{1}}
		}
		save := func(r casework.Row, want error) {
			t.Helper()
			if err := save(r); !errors.Is(err, want) {
				t.Errorf("%s, revision %d: %v", r.ID, r.Revision, err)
			}
		}
		first, second, other := sole("S1", 1), sole("S2", 1), sole("S3", 2)
		save(first, nil)
		save(second, casework.ErrStale)
		save(other, nil)
		beside := second
		beside.ID, beside.Sole = "S4", false
		save(beside, nil)
		beside.Revision, beside.Sole = 2, true // it was not new so, and does not become it
		save(beside, nil)
		first.Revision = 2
		save(first, nil)
		save(second, casework.ErrStale)
		if got, err := s.Get(ctx, casework.KindCase, "S1"); err != nil || !got.Sole {
			t.Errorf("%v, %v", got, err)
		}
		first.Revision, first.Sole = 3, false
		save(first, nil)
		save(second, nil)
		if err := s.Delete(ctx, []string{"S1", "S2", "S3", "S4"}, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("reopen", func(t *testing.T) {
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
		opened = open(t)
		s = opened.Store
		if entries, err := opened.Log.Read(ctx, audit.Query{Case: "C005"}); err != nil || len(entries) != 2 || entries[1].Actor != "ivo" {
			t.Errorf("%d entries, %v", len(entries), err)
		}
		d, err := s.Document(ctx, "C005", 2)
		if err != nil || fmt.Sprint(d) != fmt.Sprint(document("C005", 2)) {
			t.Errorf("%v, %v", d, err)
		}
		if _, err := s.Document(ctx, "C005", 3); !errors.Is(err, casework.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
	t.Run("expire", func(t *testing.T) {
		for i, expires := range map[int]time.Time{10: at, 11: at.Add(time.Millisecond), 12: at.Add(-time.Hour)} {
			r := row(i)
			r.Revision, r.State, r.Expires = 2, "closed", expires
			if err := save(r, document(r.ID, 1)); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(ctx, casework.KindCase, r.ID); err != nil || !got.Expires.Equal(expires) {
				t.Errorf("%v, %v", got.Expires, err)
			}
		}
		ids, err := s.Expired(ctx, at)
		slices.Sort(ids)
		if err != nil || !slices.Equal(ids, []string{"C010", "C012"}) {
			t.Errorf("%v, %v", ids, err)
		}
		gone := []audit.Entry{{Actor: "clirgate", Action: "purge"}, {Actor: "clirgate", Action: "purge"}}
		mend := opened.NoLog(t)
		if err := s.Delete(ctx, ids, gone); !errors.Is(err, casework.ErrUnavailable) {
			t.Errorf("deleted without telling: %v", err)
		}
		mend()
		if _, err := s.Get(ctx, casework.KindCase, "C010"); err != nil {
			t.Errorf("deleted all the same: %v", err)
		}
		tells(t, opened.Log, 2, "a deletion", func() {
			if err := s.Delete(ctx, append(ids, "C999"), gone); err != nil {
				t.Fatal(err)
			}
		})
		if _, err := s.Get(ctx, casework.KindCase, "C010"); !errors.Is(err, casework.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
		if docs, err := s.Documents(ctx, "C010"); len(docs) != 0 || err != nil {
			t.Errorf("documents of what was deleted: %d, %v", len(docs), err)
		}
		if _, err := s.Get(ctx, casework.KindCase, "C011"); err != nil {
			t.Error(err)
		}
	})
	if err := opened.Close(); err != nil {
		t.Error(err)
	}
}

// corrections are one transaction with the request that tells of them: whatever of it
// fails, nothing of it is there.
func corrections(t *testing.T, s CaseStore) {
	ctx := context.Background()
	subscriber := rules.Subscriber{Number: numbering.New(numbering.International, []byte("31612345678")), CLIR: rules.CLIRPermanent}
	shielded := casework.Shielded{Number: [16]byte{7}, From: 20000, Until: 20500}
	change := func(revision uint64, match rules.Match) casework.Change {
		return casework.Change{
			Row: casework.Row{Kind: casework.KindRequest, ID: "R1", Revision: revision, State: "waiting", Created: time.UnixMilli(0).UTC(), Sealed: []byte{1}},
			Also: casework.Also{
				Rule:     &casework.RuleChange{Subscriber: subscriber, Match: match, By: rules.By{Actor: "privacy:pia", Reason: "correction"}},
				Shielded: []casework.Shielded{shielded},
			},
			Audit: []audit.Entry{{Actor: "pia", Action: "shield"}, {Actor: "pia", Action: "request corrected", Case: "R1"}},
		}
	}
	stands := func(when string, rule rules.CLIR, until bills.Date, request uint64) {
		t.Helper()
		sub, _, err := s.Rule(ctx, subscriber.Number)
		if err != nil && !errors.Is(err, rules.ErrNotFound) {
			t.Fatal(err)
		}
		row, _, listErr := s.Shielded(ctx, shielded.Number)
		r, rowErr := s.Store.Get(ctx, casework.KindRequest, "R1")
		if listErr != nil || rowErr != nil && !errors.Is(rowErr, casework.ErrNotFound) {
			t.Fatal(listErr, rowErr)
		}
		if sub.CLIR != rule || row.Until != until || r.Revision != request {
			t.Errorf("%s: clir %v, shielded until %v, request at revision %d", when, sub.CLIR, row.Until, r.Revision)
		}
	}
	tells(t, s.Log, 3, "a correction", func() {
		if err := s.Store.Save(ctx, change(1, rules.Absent())); err != nil {
			t.Fatal(err)
		}
	})
	stands("corrected", rules.CLIRPermanent, 20500, 1)
	_, at, err := s.Rule(ctx, subscriber.Number)
	if err != nil || at == 0 {
		t.Fatal(at, err)
	}
	entries, err := s.Log.Read(ctx, audit.Query{Newest: true, Limit: 3})
	if err != nil || len(entries) != 3 || entries[0].Action != "request corrected" || entries[1].Action != "shield" || entries[2].Action != rules.ActionPut || entries[2].Actor != "pia" {
		t.Errorf("%+v, %v", entries, err)
	}

	subscriber.CLIR, shielded.Until = rules.CLIRNone, 20600
	document := casework.Document{Owner: "R1", N: 1, Kind: "letter", Created: time.UnixMilli(0).UTC(), Sealed: []byte{1}}
	tells(t, s.Log, 0, "corrections that failed", func() {
		if err := s.Store.Save(ctx, change(3, rules.At(at))); !errors.Is(err, casework.ErrStale) {
			t.Errorf("a request that was changed meanwhile: %v", err)
		}
		if err := s.Store.Save(ctx, change(2, rules.At(at+7))); !errors.Is(err, rules.ErrStale) {
			t.Errorf("a rule that was changed meanwhile: %v", err)
		}
		broken := change(2, rules.At(at))
		broken.Documents = []casework.Document{document, document}
		if err := s.Store.Save(ctx, broken); !errors.Is(err, casework.ErrUnavailable) {
			t.Errorf("what cannot be written behind the rule: %v", err)
		}
	})
	mend := s.NoLog(t)
	if err := s.Store.Save(ctx, change(2, rules.At(at))); !errors.Is(err, casework.ErrUnavailable) {
		t.Errorf("a correction that cannot be told: %v", err)
	}
	mend()
	stands("after failures", rules.CLIRPermanent, 20500, 1)
	if err := s.Store.Save(ctx, change(2, rules.At(at))); err != nil {
		t.Error(err)
	}
	stands("corrected again", rules.CLIRNone, 20600, 2)
	if err := s.Store.Delete(ctx, []string{"R1"}, nil); err != nil {
		t.Error(err)
	}
}
