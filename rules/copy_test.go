package rules

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/numbering"
	"pgregory.net/rapid"
)

// memoryCopy is a CopyStore in memory.
type memoryCopy struct {
	head   CopyHead
	pieces map[int][]byte
	saves  int
	wholes int
	fails  error
}

func (m *memoryCopy) Save(_ context.Context, head CopyHead, whole bool, pieces func(func(int, []byte) bool)) error {
	if m.fails != nil {
		return m.fails
	}
	m.saves++
	if whole {
		m.wholes, m.pieces = m.wholes+1, map[int][]byte{}
	}
	for id, piece := range pieces {
		m.pieces[id] = append([]byte(nil), piece...)
	}
	m.head = head
	return nil
}

func (m *memoryCopy) Load(_ context.Context, each func([]byte) error) (CopyHead, error) {
	if m.pieces == nil {
		return CopyHead{}, ErrNotFound
	}
	for _, piece := range m.pieces {
		if err := each(piece); err != nil {
			return CopyHead{}, err
		}
	}
	return m.head, nil
}

// A copy that is kept through any run of changes is what was in force, rules that end
// among them, and so after it was loaded and kept on.
func TestCopyIsWhatIsInForce(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		m := new(memoryCopy)
		s := NewService(newSharedStore(), new(Table))
		_ = s.Load(ctx)
		c := NewCopier(s, m, slog.New(slog.DiscardHandler))
		pick := func() numbering.Number {
			return number("3161234567" + string(rune('0'+rapid.IntRange(0, 9).Draw(rt, "n"))))
		}
		for revision := range uint64(rapid.IntRange(0, 20).Draw(rt, "changes")) {
			item := Item{Number: pick()}
			if rapid.Bool().Draw(rt, "there") {
				now := Services(rapid.SampledFrom([]Services{0, 1, bitShield, maskMCID, bitACR | maskMCID}).Draw(rt, "now"))
				item.After = new(now.Subscriber(item.Number))
				if rapid.Bool().Draw(rt, "ends") {
					item.After.Until, item.After.Then = time.Unix(1_900_000_000, 0), Standing{Exists: true, Services: Services(rapid.SampledFrom([]Services{0, 2, bitShield, maskMCID}).Draw(rt, "then"))}
				}
			}
			s.table.Apply([]Item{item}, revision+1)
			switch rapid.IntRange(0, 3).Draw(rt, "then") {
			case 0: // the node starts anew, from the copy
				if err := c.save(ctx); err != nil {
					rt.Fatal(err)
				}
				s = NewService(newSharedStore(), new(Table))
				c = NewCopier(s, m, slog.New(slog.DiscardHandler))
				if head, err := c.Load(ctx); err != nil || head.Revision != revision+1 {
					rt.Fatalf("%+v, %v", head, err)
				}
			case 1:
				if err := c.save(ctx); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := c.save(ctx); err != nil {
			rt.Fatal(err)
		}
		again := NewService(newSharedStore(), new(Table))
		if _, err := NewCopier(again, m, nil).Load(ctx); err != nil {
			rt.Fatal(err)
		}
		x, y := s.table.Snapshot(), again.table.Snapshot()
		if x.Len() != y.Len() || x.Revision() != y.Revision() {
			rt.Fatalf("%d at %d, copied %d at %d", x.Len(), x.Revision(), y.Len(), y.Revision())
		}
		for i := range 10 {
			n := number("3161234567" + string(rune('0'+i)))
			for _, now := range []int64{0, 2_000_000_000} {
				if x.services(n, now) != y.services(n, now) {
					rt.Fatalf("%x, copied %x", x.services(n, now), y.services(n, now))
				}
			}
		}
	})
}

// A damaged piece is no rule.
func TestCopyDamaged(t *testing.T) {
	ctx := context.Background()
	m := new(memoryCopy)
	s := NewService(newSharedStore(), new(Table))
	_ = s.Load(ctx)
	s.table.Put(Subscriber{Number: lineP, CLIR: CLIRPermanent}, 1)
	if err := NewCopier(s, m, nil).save(ctx); err != nil || len(m.pieces) != 1 {
		t.Fatalf("%d pieces, %v", len(m.pieces), err)
	}
	for id, piece := range m.pieces {
		for i := range piece {
			bad := append([]byte(nil), piece...)
			bad[i] ^= 4
			m.pieces[id] = bad
			broken := NewService(newSharedStore(), new(Table))
			if _, err := NewCopier(broken, m, nil).Load(ctx); !errors.Is(err, errPiece) || broken.table.Snapshot() != nil {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
		m.pieces[id] = piece[:len(piece)-1]
	}
	if _, err := NewCopier(NewService(newSharedStore(), new(Table)), m, nil).Load(ctx); !errors.Is(err, errPiece) {
		t.Errorf("%v", err)
	}
	if _, err := NewCopier(s, new(memoryCopy), nil).Load(ctx); err != nil || s.table.Snapshot().Len() != 1 {
		t.Errorf("what is in force gave way: %v", err)
	}
	if _, err := NewCopier(NewService(newSharedStore(), new(Table)), new(memoryCopy), nil).Load(ctx); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// A node that starts while the store is away decides with the copy; when the store is
// back, what that holds is in force, whatever the copy said.
func TestStartFromCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, m := newSharedStore(), new(memoryCopy)
		run := func() (s *Service, stop func()) {
			s = NewService(store, new(Table))
			c := NewCopier(s, m, slog.New(slog.DiscardHandler))
			f := Follow(s, FollowOptions{Node: "a", Nodes: store, Listen: store, Log: slog.New(slog.DiscardHandler)})
			if s.Load(t.Context()) != nil {
				if _, err := c.Load(t.Context()); err != nil {
					t.Error(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{}, 2)
			go func() { f.Run(ctx); ended <- struct{}{} }()
			go func() { c.Run(ctx); ended <- struct{}{} }()
			return s, func() { cancel(); <-ended; <-ended }
		}
		rule := func(s *Service, n numbering.Number) Rule {
			return Decide(s.table.Snapshot(), &Call{Caller: n, TrustedSource: true}).Rule
		}
		one, stop := run()
		if _, err := one.Put(t.Context(), Subscriber{Number: lineP, CLIR: CLIRPermanent}, Whatever(), By{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * copyEvery)
		synctest.Wait()
		if m.saves != 1 || m.wholes != 1 || m.head.Revision != 1 {
			t.Errorf("%d saves, %d of all, at %d", m.saves, m.wholes, m.head.Revision)
		}
		stop()
		// Another node changes the rules while this one is down and the store goes away.
		if _, err := store.Put(t.Context(), Subscriber{Number: lineR, CLIR: CLIRPermanent}, Whatever(), By{}); err != nil {
			t.Fatal(err)
		}
		store.setAway(true)
		two, stop := run()
		if rule(two, lineP) != D2 || rule(two, lineR) == D9 || two.table.Snapshot().Revision() != 1 {
			t.Errorf("decided by %v and %v", rule(two, lineP), rule(two, lineR))
		}
		time.Sleep(3 * pollEvery)
		if rule(two, lineP) != D2 {
			t.Error("the copy is not in force any more")
		}
		store.setAway(false)
		time.Sleep(3 * pollEvery)
		synctest.Wait()
		if rule(two, lineR) != D2 || two.table.Snapshot().Revision() != 2 || two.copied.Load() {
			t.Errorf("decided by %v at %d", rule(two, lineR), two.table.Snapshot().Revision())
		}
		// A copy of another store, which is further, gives way to what the store has.
		stop()
		m.head.Revision = 99
		store.setAway(true)
		three, stop := run()
		store.setAway(false)
		time.Sleep(3 * pollEvery)
		synctest.Wait()
		if rule(three, lineR) != D2 || three.table.Snapshot().Revision() != 2 {
			t.Errorf("decided by %v at %d", rule(three, lineR), three.table.Snapshot().Revision())
		}
		m.fails = errors.New("disk full")
		if _, err := three.Put(t.Context(), Subscriber{Number: lineP}, Whatever(), By{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * copyEvery)
		synctest.Wait()
		m.fails = nil
		stop() // which saves once more
		if m.head.Revision != 3 {
			t.Errorf("the copy is at %d", m.head.Revision)
		}
	})
}
