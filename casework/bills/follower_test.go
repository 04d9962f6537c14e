package bills_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/casetest"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/trace/keyring"
)

// memory keeps the list in memory.
type memory map[[16]byte]bills.Row

func (m memory) Save(_ context.Context, c bills.Change) error {
	for _, n := range c.Gone {
		delete(m, n)
	}
	for _, r := range c.Put {
		m[r.Number] = r
	}
	return nil
}

func (m memory) All(_ context.Context, each func(bills.Row) bool) error {
	for _, r := range m {
		if !each(r) {
			break
		}
	}
	return nil
}

func (m memory) Find(_ context.Context, n [16]byte) (bills.Row, bool, error) {
	r, ok := m[n]
	return r, ok, nil
}

// book is rules with their history, and how much of them was read.
type book struct {
	shield  map[numbering.Number]bool
	history []rules.Change
	lists   int
	changes int
	gets    int
}

func (b *book) set(shield bool, numbers ...numbering.Number) {
	c := rules.Change{Revision: uint64(len(b.history) + 1)}
	for _, n := range numbers {
		was := &rules.Subscriber{Number: n, ShieldOnBills: b.shield[n]}
		c.Items = append(c.Items, rules.Item{Number: n, Before: was, After: &rules.Subscriber{Number: n, ShieldOnBills: shield}})
		b.shield[n] = shield
	}
	b.history = append(b.history, c)
}

func (b *book) Get(_ context.Context, n numbering.Number) (rules.Subscriber, uint64, error) {
	b.gets++
	return rules.Subscriber{Number: n, ShieldOnBills: b.shield[n]}, 1, nil
}

func (b *book) List(_ context.Context, after numbering.Number, limit int) (list []rules.Versioned, _ error) {
	b.lists++
	for n, shield := range b.shield {
		if n > after {
			list = append(list, rules.Versioned{Subscriber: rules.Subscriber{Number: n, ShieldOnBills: shield}})
		}
	}
	slices.SortFunc(list, func(x, y rules.Versioned) int { return int(int64(x.Number) - int64(y.Number)) })
	return list[:min(limit, len(list))], nil
}

func (b *book) History(_ context.Context, q rules.Query) (list []rules.Change, _ error) {
	for _, c := range b.history {
		if c.Revision > q.After && len(list) < q.Limit {
			list = append(list, c)
		}
	}
	b.changes += len(list)
	return list, nil
}

func listOf(t *testing.T) *bills.Service {
	t.Helper()
	ring, err := keyring.Open(t.Context(), new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	return bills.New(memory{}, new(casetest.Audit), ring)
}

func entriesOf(t *testing.T, s *bills.Service) string {
	t.Helper()
	entries, err := s.Entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(entries, func(x, y bills.Entry) int { return int(int64(x.Number) - int64(y.Number)) })
	text := ""
	for _, e := range entries {
		text += fmt.Sprintln(e.Number.E164(), e.From, e.Until, e.Source)
	}
	return text
}

func subscriberNumber(i int) numbering.Number {
	return numbering.New(numbering.International, fmt.Appendf(nil, "316%08d", i))
}

// Followed change by change, the list is what reading all rules each time makes of it; all
// of them are read once, and every change once.
func TestFollowerReadsChanges(t *testing.T) {
	ctx, r := t.Context(), rand.New(rand.NewPCG(1, 2))
	b := &book{shield: make(map[numbering.Number]bool)}
	whole, some := listOf(t), listOf(t)
	f := &bills.Follower{List: some, Rules: b}
	b.set(true, subscriberNumber(1), subscriberNumber(2))
	day, revisions := bills.Date(20000), 0
	for step := range 400 {
		for range r.IntN(40) * r.IntN(2) {
			b.set(r.IntN(2) == 0, subscriberNumber(r.IntN(30)), subscriberNumber(30+r.IntN(30)))
		}
		if r.IntN(3) == 0 {
			day += bills.Date(r.IntN(3))
		}
		if n := subscriberNumber(r.IntN(60)); step%7 == 0 && b.shield[n] { // a correction: shielded until a day to come
			for _, s := range []*bills.Service{whole, some} {
				if err := s.Put(ctx, casework.Actor{Name: "pia"}, bills.Entry{Number: n, From: day - 5, Until: day + 2}); err != nil {
					t.Fatal(err)
				}
			}
		}
		own := make(map[numbering.Number]bool)
		for n, shield := range b.shield {
			if shield {
				own[n] = true
			}
		}
		if err := whole.Follow(ctx, own, day); err != nil {
			t.Fatal(err)
		}
		if err := f.Follow(ctx, uint64(len(b.history)), true, day); err != nil {
			t.Fatal(err)
		}
		if got, want := entriesOf(t, some), entriesOf(t, whole); got != want {
			t.Fatalf("step %d:\n%s\nwant\n%s", step, got, want)
		}
		if step == 0 {
			revisions = len(b.history)
		}
	}
	if b.lists != 1 || b.changes != len(b.history)-revisions || b.gets > 100 {
		t.Errorf("all rules read %d times, %d changes read of %d, %d rules", b.lists, b.changes, len(b.history)-revisions, b.gets)
	}

	// Where the history has a gap, or the store is an older one, all is read again.
	b.set(true, subscriberNumber(77))
	b.set(true, subscriberNumber(78))
	b.history = slices.Delete(b.history, len(b.history)-2, len(b.history)-1)
	at := b.history[len(b.history)-1].Revision
	for i, revision := range []uint64{at, at - 5} {
		if err := f.Follow(ctx, revision, true, day); err != nil || b.lists != 2+i {
			t.Errorf("all rules read %d times, %v", b.lists, err)
		}
	}
	if list, err := some.List(ctx); err != nil || !list.Shielded(subscriberNumber(77), day) {
		t.Errorf("%v", err)
	}
	// Rules that are not known to be at a revision are read, and not taken for followed.
	if err := f.Follow(ctx, 0, false, day); err != nil || b.lists != 4 {
		t.Errorf("all rules read %d times, %v", b.lists, err)
	}
}
