package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/rules"
)

// Changes runs the suite of what a rules.Service does over a store: history,
// batches, reverting, rules that end, catching up. log is the audit log of the
// same store.
func Changes(t *testing.T, b Backend[rules.Store], log func(rules.Store) audit.Log) {
	ctx := context.Background()
	service := func(t *testing.T, s rules.Store) *rules.Service {
		t.Helper()
		v := rules.NewService(s, new(rules.Table))
		if err := v.Load(ctx); err != nil {
			t.Fatal(err)
		}
		return v
	}
	put := func(t *testing.T, s *rules.Service, sub rules.Subscriber, by rules.By) uint64 {
		t.Helper()
		revision, err := s.Put(ctx, sub, rules.Whatever(), by)
		if err != nil {
			t.Fatal(err)
		}
		if at := s.Table().Snapshot().Revision(); at < revision {
			t.Fatalf("in force at %d, changed at %d", at, revision)
		}
		return revision
	}
	stored := func(t *testing.T, s *rules.Service, i int, want *rules.Subscriber) {
		t.Helper()
		got, _, err := s.Get(ctx, number(i))
		if want == nil {
			if !errors.Is(err, rules.ErrNotFound) {
				t.Errorf("%d: %+v there (%v)", i, got, err)
			}
		} else if err != nil || got != *want {
			t.Errorf("%d: %+v, want %+v (%v)", i, got, *want, err)
		}
		in, ok := s.Table().Snapshot().Subscriber(number(i), time.Unix(0, 0))
		if ok != (want != nil && want.Services() != 0) || ok && in.Services() != want.Services() {
			t.Errorf("%d: in force %+v, want %+v", i, in, want)
		}
	}
	clir := func(i int) *rules.Subscriber { return &rules.Subscriber{Number: number(i), CLIR: rules.CLIRPermanent} }
	acr := func(i int) *rules.Subscriber { return &rules.Subscriber{Number: number(i), ACR: true, Note: "n"} }
	batch := func(subs ...*rules.Subscriber) (list []rules.Write) {
		for _, s := range subs {
			list = append(list, rules.Write{Number: s.Number, After: s, Match: rules.Whatever()})
		}
		return list
	}

	t.Run("a batch is one change", func(t *testing.T) {
		s := service(t, b.Open(t))
		put(t, s, *clir(2), by)
		put(t, s, *acr(3), by)
		put(t, s, *acr(5), by)
		job := rules.By{Actor: "noc:alice", Reason: "moved", Job: "j1", JobRow: 4}
		writes := append(batch(acr(4), clir(1), acr(2), acr(3), acr(6), clir(6)),
			rules.Write{Number: number(5), Match: rules.Any()}, rules.Write{Number: number(7), After: acr(7), Match: rules.Any()}, rules.Write{Number: number(8), Match: rules.Whatever()})
		if w, err := s.Would(ctx, writes); err != nil || w.Revision != 0 || len(w.Items) != 5 || w.Same != 2 || w.Skipped != 1 {
			t.Errorf("would be %+v, %v", w, err)
		}
		stored(t, s, 1, nil)
		w, err := s.Write(ctx, writes, job)
		if err != nil || w.Revision != 4 || len(w.Items) != 5 || w.Same != 2 || w.Skipped != 1 {
			t.Fatalf("%+v, %v", w, err)
		}
		for i, want := range []*rules.Subscriber{1: clir(1), 2: acr(2), 3: acr(3), 4: acr(4), 5: nil, 6: clir(6), 7: nil, 8: nil} {
			stored(t, s, i, want)
		}
		if n := s.Table().Snapshot().Len(); n != 5 {
			t.Errorf("%d in force", n)
		}
		list, err := s.History(ctx, rules.Query{After: 3, Items: true})
		if err != nil || len(list) != 1 || list[0].Rows != 5 || list[0].Number != 0 || list[0].By != job || len(list[0].Items) != 5 {
			t.Fatalf("%+v, %v", list, err)
		}
		for i, item := range list[0].Items {
			want := w.Items[i]
			if item.Number != want.Number || !same(item.Before, want.Before) || !same(item.After, want.After) {
				t.Errorf("%+v, want %+v", item, want)
			}
		}
		w, err = s.Write(ctx, batch(acr(4), clir(1)), job)
		if err != nil || w.Revision != 0 || w.Same != 2 {
			t.Errorf("nothing to change: %+v, %v", w, err)
		}
		if _, err := s.Write(ctx, []rules.Write{{Number: number(9), After: acr(9)}, {Number: numbering.New(numbering.Short, []byte("112"))}}, job); !errors.Is(err, rules.ErrNumber) {
			t.Errorf("%v", err)
		}
		stored(t, s, 9, nil)
		if n, err := s.Store().Revision(ctx); err != nil || n != 4 {
			t.Errorf("%d, %v", n, err)
		}
	})

	t.Run("history by query", func(t *testing.T) {
		s := service(t, b.Open(t))
		start := time.Now().Add(-time.Second)
		put(t, s, *clir(1), rules.By{Actor: "noc:alice"})
		put(t, s, *clir(2), rules.By{Actor: "noc:bob"})
		for i, subs := range [][]*rules.Subscriber{{acr(1), acr(3)}, {acr(2), acr(4)}} {
			if _, err := s.Write(ctx, batch(subs...), rules.By{Actor: "noc:carol", Job: fmt.Sprint("j", i)}); err != nil {
				t.Fatal(err)
			}
		}
		put(t, s, *clir(1), rules.By{Actor: "noc:alice"})
		for name, c := range map[string]struct {
			q    rules.Query
			want string
		}{
			"all": {rules.Query{}, "12345"}, "newest": {rules.Query{Newest: true}, "54321"}, "after": {rules.Query{After: 2, Limit: 2}, "34"},
			"before": {rules.Query{Before: 4, Newest: true, Limit: 2}, "32"}, "actor": {rules.Query{Actor: "noc:alice"}, "15"},
			"number": {rules.Query{Number: number(1)}, "135"}, "number newest": {rules.Query{Number: number(2), Newest: true}, "42"},
			"number within": {rules.Query{Number: number(3)}, "3"}, "number, one": {rules.Query{Number: number(2), Limit: 1, After: 2}, "4"},
			"nobody": {rules.Query{Number: number(9)}, ""}, "job": {rules.Query{Job: "j1"}, "4"},
			"time": {rules.Query{From: start, To: time.Now().Add(time.Minute)}, "12345"}, "later": {rules.Query{From: time.Now().Add(time.Minute)}, ""},
			"earlier": {rules.Query{To: start}, ""},
		} {
			list, err := s.History(ctx, c.q)
			got := ""
			for _, change := range list {
				got += string(rune('0' + change.Revision))
				if n := c.q.Number; n != 0 && (change.Number != n || change.After == nil || change.After.Number != n) {
					t.Errorf("%s: %+v shows not what was done to it", name, change)
				}
				if !c.q.Items && change.Items != nil {
					t.Errorf("%s: items nobody asked for", name)
				}
			}
			if err != nil || got != c.want {
				t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
			}
		}
		if _, err := s.History(ctx, rules.Query{Number: numbering.New(numbering.Short, []byte("112"))}); !errors.Is(err, rules.ErrNumber) {
			t.Errorf("%v", err)
		}
	})

	t.Run("listed by number", func(t *testing.T) {
		s := service(t, b.Open(t))
		for _, i := range []int{5, 1, 3} {
			put(t, s, full(i), by)
		}
		first, err := s.List(ctx, 0, 2)
		if err != nil || len(first) != 2 || first[0].Subscriber != full(1) || first[0].Revision != 2 || first[1].Subscriber != full(3) {
			t.Fatalf("%+v, %v", first, err)
		}
		if rest, err := s.List(ctx, number(3), 2); err != nil || len(rest) != 1 || rest[0].Subscriber != full(5) {
			t.Errorf("%+v, %v", rest, err)
		}
	})

	t.Run("reverting", func(t *testing.T) {
		s := service(t, b.Open(t))
		undo := rules.By{Actor: "noc:bob", Reason: "wrong line"}
		r1 := put(t, s, *clir(1), by)
		r2 := put(t, s, *acr(1), by)
		if _, err := s.Revert(ctx, r1, undo); !errors.Is(err, rules.ErrSuperseded) {
			t.Errorf("an older change: %v", err)
		}
		w, err := s.Revert(ctx, r2, undo)
		if err != nil || w.Revision != 3 {
			t.Fatalf("%+v, %v", w, err)
		}
		stored(t, s, 1, clir(1))
		if list, err := s.History(ctx, rules.Query{After: 2}); err != nil || len(list) != 1 || list[0].By.Reverts != r2 || list[0].By.Actor != "noc:bob" || list[0].By.Reason != "wrong line" || list[0].Number != number(1) {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := s.Revert(ctx, w.Revision, undo); err != nil { // and a revert as well
			t.Fatal(err)
		}
		stored(t, s, 1, acr(1))
		gone, err := s.Delete(ctx, number(1), rules.Any(), by)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Revert(ctx, gone, undo); err != nil {
			t.Fatal(err)
		}
		stored(t, s, 1, acr(1))
		made := put(t, s, *clir(2), by)
		if _, err := s.Revert(ctx, made, undo); err != nil {
			t.Fatal(err)
		}
		stored(t, s, 2, nil)
		for _, r := range []uint64{0, 99} {
			if _, err := s.Revert(ctx, r, undo); !errors.Is(err, rules.ErrNoChange) {
				t.Errorf("%d: %v", r, err)
			}
		}
	})

	t.Run("reverting a job", func(t *testing.T) {
		s := service(t, b.Open(t))
		put(t, s, *clir(1), by)
		job := rules.By{Actor: "noc:alice", Job: "j"}
		for _, subs := range [][]*rules.Subscriber{{acr(1), acr(2)}, {acr(3), acr(4)}, {clir(1), acr(5)}} {
			job.JobRow += 2
			if _, err := s.Write(ctx, batch(subs...), job); err != nil {
				t.Fatal(err)
			}
		}
		if d, err := s.JobDone(ctx, "j"); err != nil || d != (rules.JobDone{Row: 6, Changed: 6, Revision: 4}) {
			t.Errorf("%+v, %v", d, err)
		}
		put(t, s, *clir(4), by) // changed since: stays
		revert := func(job string) (done []rules.Written, err error) {
			err = s.RevertJob(ctx, job, by, func(w rules.Written) { done = append(done, w) })
			return done, err
		}
		done, err := revert("j")
		if err != nil || len(done) != 4 || done[1].Skipped != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		for i, want := range []*rules.Subscriber{1: clir(1), 2: nil, 3: nil, 4: clir(4), 5: nil} {
			stored(t, s, i, want)
		}
		if again, err := revert("j"); err != nil || len(again) != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
		if d, err := s.JobDone(ctx, "j"); err != nil || d.Row != 6 || d.Revision != 9 {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err := revert("unknown"); !errors.Is(err, rules.ErrNoChange) {
			t.Errorf("%v", err)
		}
	})

	t.Run("rules that end", func(t *testing.T) {
		s := service(t, b.Open(t))
		end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		standing := rules.Subscriber{Number: number(1), CLIR: rules.CLIRPermanent, Note: "always"}
		put(t, s, standing, by)
		timed := rules.Subscriber{Number: number(1), ACR: true, Note: "this week", Until: end.Add(-time.Hour)}
		put(t, s, timed, by)
		timed.Until = end
		put(t, s, timed, by) // longer: the same rule lies beneath
		put(t, s, rules.Subscriber{Number: number(2), ACR: true, Until: end}, by)
		put(t, s, rules.Subscriber{Number: number(3), ACR: true, Until: end.Add(time.Hour)}, by)
		if got, _, err := s.Get(ctx, number(1)); err != nil || got.Note != "this week" || got.Then != (rules.Standing{Exists: true, Services: standing.Services(), Note: "always"}) {
			t.Errorf("%+v, %v", got, err)
		}
		withheld := func(s *rules.Service, at time.Time) bool {
			return rules.Decide(s.Table().Snapshot(), &rules.Call{Caller: number(1), TrustedSource: true, Now: at.Unix()}).Class == rules.W
		}
		other := service(t, s.Store()) // what is loaded knows it too
		for _, v := range []*rules.Service{s, other} {
			if withheld(v, end.Add(-time.Second)) || !withheld(v, end) {
				t.Error("the standing rule is not back at the end, or before it")
			}
		}
		if n, err := s.Sweep(ctx, end.Add(-time.Second)); err != nil || n != 0 {
			t.Fatalf("too early: %d, %v", n, err)
		}
		if n, err := s.Sweep(ctx, end); err != nil || n != 2 {
			t.Fatalf("%d ended, %v", n, err)
		}
		stored(t, s, 1, &standing)
		stored(t, s, 2, nil)
		list, err := s.History(ctx, rules.Query{Actor: rules.System})
		if err != nil || len(list) != 2 || list[0].By.Action != rules.ActionEnd {
			t.Fatalf("%+v, %v", list, err)
		}
		for range 2 { // two nodes: nothing twice
			if n, err := s.Sweep(ctx, end); err != nil || n != 0 {
				t.Errorf("again: %d, %v", n, err)
			}
		}
		// Undoing a change brings a timed rule back with what lies beneath it.
		r := put(t, s, rules.Subscriber{Number: number(3)}, by)
		if _, err := s.Revert(ctx, r, by); err != nil {
			t.Fatal(err)
		}
		for i := 10; i < 75; i++ { // many: one change for all
			put(t, s, rules.Subscriber{Number: number(i), ACR: true, Until: end}, by)
		}
		if n, err := s.Sweep(ctx, end.Add(time.Hour)); err != nil || n != 66 {
			t.Errorf("%d ended, %v", n, err)
		}
		if s.Table().Snapshot().Len() != 1 {
			t.Errorf("%d in force", s.Table().Snapshot().Len())
		}
	})

	t.Run("swept by itself", func(t *testing.T) {
		s := service(t, b.Open(t))
		end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		put(t, s, rules.Subscriber{Number: number(1), ACR: true, Until: end}, by)
		sweeping, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.KeepSwept(sweeping, func() time.Time { return end }, slog.New(slog.DiscardHandler))
		}()
		eventually(t, func() bool { _, _, err := s.Get(ctx, number(1)); return errors.Is(err, rules.ErrNotFound) })
		stop()
		wg.Wait()
	})

	t.Run("changes of others", func(t *testing.T) {
		store := b.Open(t)
		one, two := service(t, store), service(t, store)
		put(t, one, *clir(1), by)
		put(t, one, *clir(2), by)
		put(t, two, *acr(1), by) // its own, with what came before it
		stored(t, two, 1, acr(1))
		stored(t, two, 2, clir(2))
		if _, err := two.Delete(ctx, number(2), rules.Any(), by); err != nil {
			t.Fatal(err)
		}
		put(t, two, rules.Subscriber{Number: number(3), ACR: true, Until: time.Unix(3e9, 0).UTC()}, by)
		if w, err := two.Write(ctx, batch(acr(4), acr(5)), by); err != nil || w.Revision != 6 {
			t.Fatalf("%+v, %v", w, err)
		}
		for range 2 {
			if err := one.CatchUp(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range []*rules.Service{one, two} {
			if s.Table().Snapshot().Revision() != 6 || s.Table().Snapshot().Len() != 4 {
				t.Errorf("%d rules at %d", s.Table().Snapshot().Len(), s.Table().Snapshot().Revision())
			}
			stored(t, s, 1, acr(1))
			stored(t, s, 2, nil)
			stored(t, s, 5, acr(5))
		}
		fresh := rules.NewService(store, new(rules.Table))
		if err := fresh.CatchUp(ctx); err != nil || fresh.Table().Snapshot().Len() != 4 {
			t.Errorf("never loaded: %d rules, %v", fresh.Table().Snapshot().Len(), err)
		}
		// A store that is behind was restored from a backup: what it has is so.
		ahead := rules.NewService(store, new(rules.Table))
		_ = ahead.Table().Load(func(put func(rules.Subscriber)) (uint64, error) { put(*clir(9)); return 99, nil })
		if err := ahead.CatchUp(ctx); err != nil || ahead.Table().Snapshot().Revision() != 6 || ahead.Table().Snapshot().Len() != 4 {
			t.Errorf("%d rules at %d, %v", ahead.Table().Snapshot().Len(), ahead.Table().Snapshot().Revision(), err)
		}
	})

	t.Run("many nodes at once end up alike", func(t *testing.T) {
		store := b.Open(t)
		const nodes, changes = 4, 25
		var services []*rules.Service
		for range nodes {
			services = append(services, service(t, store))
		}
		var wg sync.WaitGroup
		for n, s := range services {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := range changes {
					sub := rules.Services(n*16 + i%8).Subscriber(number(i % 7))
					if sub.TIR > rules.TIRTemporary {
						sub.TIR = rules.TIRNone
					}
					if _, err := s.Put(ctx, sub, rules.Whatever(), by); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		wg.Wait()
		for _, s := range services {
			if err := s.CatchUp(ctx); err != nil {
				t.Fatal(err)
			}
			if at := s.Table().Snapshot().Revision(); at != nodes*changes {
				t.Errorf("at %d", at)
			}
			for i := range 7 {
				want, _, err := store.Get(ctx, number(i))
				if err != nil {
					t.Fatal(err)
				}
				stored(t, s, i, &want)
			}
		}
	})

	t.Run("each with its entry in the audit log", func(t *testing.T) {
		store := b.Open(t)
		s, l := service(t, store), log(store)
		r := put(t, s, rules.Subscriber{Number: number(1), CLIR: rules.CLIRPermanent, Note: "call +31612349999"}, rules.By{Actor: "noc:alice", Reason: "ticket 7"})
		if _, err := s.Revert(ctx, r, rules.By{Actor: "noc:bob"}); err != nil {
			t.Fatal(err)
		}
		put(t, s, rules.Subscriber{Number: number(2), ACR: true, Until: time.Unix(1, 0).UTC()}, by)
		if _, err := s.Sweep(ctx, time.Unix(2, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(ctx, batch(acr(4), acr(5)), rules.By{Actor: "noc:alice", Job: "j", JobRow: 9}); err != nil {
			t.Fatal(err)
		}
		put(t, s, *clir(4), by)
		if _, err := s.Delete(ctx, number(4), rules.Any(), by); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(ctx, *clir(5), rules.Absent(), by); !errors.Is(err, rules.ErrStale) {
			t.Fatal(err)
		}
		got, err := l.Read(ctx, audit.Query{})
		if err != nil {
			t.Fatal(err)
		}
		want := []struct{ actor, role, action, object, purpose, detail string }{
			{"alice", "noc", "subscriber.put", "subscriber:" + number(1).E164(), "ticket 7", "revision 1; new; clir none -> permanent; note changed"},
			{"bob", "noc", "subscriber.revert", "subscriber:" + number(1).E164(), "", "revision 2; reverts 1; removed"},
			{"alice", "noc", "subscriber.put", "subscriber:" + number(2).E164(), "ticket 7", "revision 3; new; acr false -> true; until never -> 1970-01-01T00:00:01Z"},
			{"system", "system", "subscriber.end", "subscriber:" + number(2).E164(), "the rule's end has passed", "revision 4; removed"},
			{"alice", "noc", "subscribers.import", "subscribers:2", "", "revision 5; job j up to row 9; sha256 "},
			{"alice", "noc", "subscriber.put", "subscriber:" + number(4).E164(), "ticket 7", "revision 6; clir none -> permanent; acr true -> false; note changed"},
			{"alice", "noc", "subscriber.delete", "subscriber:" + number(4).E164(), "ticket 7", "revision 7; removed"},
		}
		if len(got) != len(want) {
			t.Fatalf("%d entries", len(got))
		}
		for i, w := range want {
			e := got[i]
			if e.Actor != w.actor || e.Role != w.role || e.Action != w.action || e.Object != w.object || e.Purpose != w.purpose || !strings.HasPrefix(e.Detail, w.detail) || e.Outcome != audit.Done {
				t.Errorf("%+v, want %+v", e, w)
			}
			if strings.Contains(e.Detail, "9999") {
				t.Error("a note is in the log")
			}
		}
		if _, err := audit.VerifyLog(ctx, l); err != nil {
			t.Error(err)
		}
	})

	t.Run("store away", func(t *testing.T) {
		store := b.Open(t)
		s := service(t, store)
		put(t, s, *clir(1), by)
		b.Break(t, store)
		_, putErr := s.Put(ctx, *clir(2), rules.Unsaid(), by)
		_, writeErr := s.Write(ctx, batch(clir(2)), by)
		_, wouldErr := s.Would(ctx, batch(clir(2)))
		_, revertErr := s.Revert(ctx, 1, by)
		_, sweepErr := s.Sweep(ctx, time.Now())
		_, listErr := s.List(ctx, 0, 1)
		_, historyErr := s.History(ctx, rules.Query{})
		for _, err := range []error{putErr, writeErr, wouldErr, revertErr, sweepErr, listErr, historyErr, s.CatchUp(ctx), s.Load(ctx)} {
			if !errors.Is(err, rules.ErrUnavailable) || strings.Contains(err.Error(), "61234") {
				t.Errorf("%v", err)
			}
		}
		if d := rules.Decide(s.Table().Snapshot(), &rules.Call{Caller: number(1), TrustedSource: true}); d.Rule != rules.D2 {
			t.Errorf("decided by %v: what was in force is not any more", d.Rule)
		}
	})
}

// eventually waits for what comes by itself; it fails long after it should have
// come.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
