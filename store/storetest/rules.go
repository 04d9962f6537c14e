// Package storetest is what every store must do, as tests: one suite per
// interface, run over each implementation.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Backend makes stores for a suite.
type Backend[S any] struct {
	// Open makes a new, empty store, closed when the test ends.
	Open func(t *testing.T) S
	// Reopen closes the store and opens it again on the same data.
	Reopen func(t *testing.T, s S) S
	// Break makes the store's engine unreachable.
	Break func(t *testing.T, s S)
}

var by = rules.By{Actor: "noc:alice", Reason: "ticket 7"}

func number(i int) numbering.Number {
	return numbering.New(numbering.International, fmt.Appendf(nil, "3161234%04d", i))
}

// full has every field set.
func full(i int) rules.Subscriber {
	return rules.Subscriber{
		Number: number(i), CLIR: rules.CLIRTemporaryRestricted, CLIPOff: true, ACR: true, TIR: rules.TIRTemporary, Override: true,
		ShieldOnBills: true, MCID: rules.MCIDUnanswered, Note: "note ' \" \\ é", Until: time.Date(2030, 2, 28, 23, 59, 59, 0, time.UTC),
	}
}

// Rules runs the suite of rules.Store.
func Rules(t *testing.T, b Backend[rules.Store]) {
	ctx := context.Background()
	put := func(t *testing.T, s rules.Store, sub rules.Subscriber, m rules.Match) uint64 {
		t.Helper()
		revision, err := s.Put(ctx, sub, m, by)
		if err != nil {
			t.Fatal(err)
		}
		return revision
	}

	t.Run("what was put is got", func(t *testing.T) {
		s := b.Open(t)
		if _, _, err := s.Get(ctx, number(1)); !errors.Is(err, rules.ErrNotFound) {
			t.Fatalf("empty store: %v", err)
		}
		for i, want := range []rules.Subscriber{full(1), {Number: number(2)}, {Number: number(3), CLIR: rules.CLIRPermanent}, {Number: number(4), CLIR: rules.CLIRTemporaryAllowed, TIR: rules.TIRPermanent}} {
			revision := put(t, s, want, rules.Unsaid())
			got, at, err := s.Get(ctx, want.Number)
			if err != nil || got != want || at != revision || at == 0 {
				t.Errorf("%d: %+v at %d, want %+v at %d (%v)", i, got, at, want, revision, err)
			}
		}
	})

	t.Run("a change is made only on its condition", func(t *testing.T) {
		s := b.Open(t)
		first := put(t, s, full(1), rules.Absent())
		second := put(t, s, rules.Subscriber{Number: number(1)}, rules.At(first))
		if second <= first {
			t.Fatalf("revision %d after %d", second, first)
		}
		for _, c := range []struct {
			m    rules.Match
			n    int
			want error
		}{
			{rules.Unsaid(), 1, rules.ErrPrecondition}, {rules.Absent(), 1, rules.ErrStale}, {rules.At(first), 1, rules.ErrStale},
			{rules.At(second + 1), 1, rules.ErrStale}, {rules.At(second), 2, rules.ErrStale}, {rules.Any(), 2, rules.ErrStale},
		} {
			if _, err := s.Put(ctx, full(c.n), c.m, by); !errors.Is(err, c.want) {
				t.Errorf("put %d on %+v: %v, want %v", c.n, c.m, err, c.want)
			}
		}
		if _, err := s.Delete(ctx, number(1), rules.At(first), by); !errors.Is(err, rules.ErrStale) {
			t.Errorf("stale delete: %v", err)
		}
		if _, err := s.Delete(ctx, number(1), rules.Unsaid(), by); !errors.Is(err, rules.ErrPrecondition) {
			t.Errorf("delete without condition: %v", err)
		}
		if _, err := s.Delete(ctx, number(2), rules.Any(), by); !errors.Is(err, rules.ErrNotFound) {
			t.Errorf("delete of nobody: %v", err)
		}
		if got, at, err := s.Get(ctx, number(1)); err != nil || got != (rules.Subscriber{Number: number(1)}) || at != second {
			t.Errorf("refused changes changed something: %+v at %d (%v)", got, at, err)
		}
		if changes, err := s.Changes(ctx, 0, 100); err != nil || len(changes) != 2 {
			t.Errorf("%d changes in the history (%v)", len(changes), err)
		}
	})

	t.Run("every change is in the history", func(t *testing.T) {
		s := b.Open(t)
		before := time.Now().Add(-time.Second)
		one, two := full(1), rules.Subscriber{Number: number(1), ACR: true}
		r1 := put(t, s, one, rules.Unsaid())
		r2 := put(t, s, two, rules.Any())
		r3, err := s.Delete(ctx, number(1), rules.At(r2), rules.By{Actor: "noc:bob"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Get(ctx, number(1)); !errors.Is(err, rules.ErrNotFound) {
			t.Errorf("deleted, but there: %v", err)
		}
		changes, err := s.Changes(ctx, 0, 100)
		if err != nil || len(changes) != 3 {
			t.Fatalf("%d changes (%v)", len(changes), err)
		}
		for i, want := range []rules.Change{
			{Revision: r1, By: by, After: &one}, {Revision: r2, By: by, Before: &one, After: &two}, {Revision: r3, By: rules.By{Actor: "noc:bob"}, Before: &two},
		} {
			got := changes[i]
			if got.Revision != want.Revision || got.By != want.By || got.Number != number(1) || !same(got.Before, want.Before) || !same(got.After, want.After) {
				t.Errorf("change %d: %+v, want %+v", i, got, want)
			}
			if got.Time.Before(before) || got.Time.After(time.Now().Add(time.Second)) {
				t.Errorf("change %d at %v", i, got.Time)
			}
		}
		if page, err := s.Changes(ctx, r1, 1); err != nil || len(page) != 1 || page[0].Revision != r2 {
			t.Errorf("page: %+v (%v)", page, err)
		}
		// A revision is never used twice.
		if r4 := put(t, s, one, rules.Absent()); r4 <= r3 {
			t.Errorf("revision %d after %d", r4, r3)
		}
	})

	t.Run("all of one state", func(t *testing.T) {
		s := b.Open(t)
		if revision, err := s.All(ctx, func(rules.Subscriber) { t.Error("somebody in an empty store") }); err != nil || revision != 0 {
			t.Fatalf("empty store: %d, %v", revision, err)
		}
		want := map[numbering.Number]rules.Subscriber{}
		var last uint64
		for i := range 50 {
			sub := rules.Subscriber{Number: number(i), CLIR: rules.CLIR(i % 4), TIR: rules.TIR(i % 3), CLIPOff: i%2 == 0, ACR: i%3 == 0, Override: i%5 == 0, ShieldOnBills: i%7 == 0, MCID: rules.MCID(i % 4)}
			if i%4 == 0 {
				sub.Until = time.Unix(2e9+int64(i), 0).UTC()
			}
			want[sub.Number] = sub
			sub.Note = "left out"
			last = put(t, s, sub, rules.Absent())
		}
		got := map[numbering.Number]rules.Subscriber{}
		revision, err := s.All(ctx, func(sub rules.Subscriber) { got[sub.Number] = sub })
		if err != nil || revision != last || len(got) != len(want) {
			t.Fatalf("%d of %d subscribers at %d, want %d (%v)", len(got), len(want), revision, last, err)
		}
		for n, w := range want {
			if got[n] != w {
				t.Errorf("%+v, want %+v", got[n], w)
			}
		}
	})

	t.Run("of several at once one wins", func(t *testing.T) {
		s := b.Open(t)
		first := put(t, s, full(1), rules.Unsaid())
		const racers = 8
		won := make(chan uint64, racers)
		var wg sync.WaitGroup
		for range racers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				switch revision, err := s.Put(ctx, rules.Subscriber{Number: number(1), ACR: true}, rules.At(first), by); {
				case err == nil:
					won <- revision
				case !errors.Is(err, rules.ErrStale):
					t.Errorf("lost with %v", err)
				}
			}()
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d won", len(won))
		}
		if _, at, err := s.Get(ctx, number(1)); err != nil || at != <-won {
			t.Errorf("at %d (%v)", at, err)
		}
	})

	t.Run("readers are not stopped by writers", func(t *testing.T) {
		s := b.Open(t)
		put(t, s, full(0), rules.Unsaid())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 1; i <= 50; i++ {
				if _, err := s.Put(ctx, full(i), rules.Unsaid(), by); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		}()
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			count := uint64(0)
			revision, err := s.All(ctx, func(rules.Subscriber) { count++ })
			if err != nil || revision < count {
				t.Fatalf("%d subscribers at revision %d (%v)", count, revision, err)
			}
		}
	})

	t.Run("what was answered survives", func(t *testing.T) {
		s := b.Open(t)
		revision := put(t, s, full(1), rules.Unsaid())
		s = b.Reopen(t, s)
		if got, at, err := s.Get(ctx, number(1)); err != nil || got != full(1) || at != revision {
			t.Errorf("%+v at %d (%v)", got, at, err)
		}
	})

	t.Run("only international numbers", func(t *testing.T) {
		s := b.Open(t)
		for _, n := range []numbering.Number{0, numbering.New(numbering.Short, []byte("112")), numbering.New(numbering.International, []byte("0612345678"))} {
			if _, err := s.Put(ctx, rules.Subscriber{Number: n}, rules.Unsaid(), by); err == nil || errors.Is(err, rules.ErrUnavailable) {
				t.Errorf("put: %v", err)
			}
			if _, _, err := s.Get(ctx, n); !errors.Is(err, rules.ErrNotFound) {
				t.Errorf("get: %v", err)
			}
			if _, err := s.Delete(ctx, n, rules.Any(), by); !errors.Is(err, rules.ErrNotFound) {
				t.Errorf("delete: %v", err)
			}
		}
	})

	t.Run("an ended context ends the work", func(t *testing.T) {
		s := b.Open(t)
		put(t, s, full(1), rules.Unsaid())
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := s.Put(ended, full(2), rules.Unsaid(), by); !errors.Is(err, rules.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("put: %v", err)
		}
		if _, err := s.All(ended, func(rules.Subscriber) {}); !errors.Is(err, rules.ErrUnavailable) {
			t.Errorf("all: %v", err)
		}
		put(t, s, full(2), rules.Absent())
	})

	t.Run("unreachable", func(t *testing.T) {
		s := b.Open(t)
		put(t, s, full(1), rules.Unsaid())
		b.Break(t, s)
		_, _, getErr := s.Get(ctx, number(1))
		_, putErr := s.Put(ctx, full(1), rules.Any(), by)
		_, deleteErr := s.Delete(ctx, number(1), rules.Any(), by)
		_, allErr := s.All(ctx, func(rules.Subscriber) {})
		_, changesErr := s.Changes(ctx, 0, 1)
		for _, err := range []error{getErr, putErr, deleteErr, allErr, changesErr} {
			if !errors.Is(err, rules.ErrUnavailable) {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "61234") {
				t.Errorf("the error holds a number: %v", err)
			}
		}
	})
}

func same(a, b *rules.Subscriber) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
