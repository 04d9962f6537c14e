package rules

import (
	"errors"
	"sync"
	"testing"
	"time"

	"clirgate/numbering"
	"pgregory.net/rapid"
)

// The table answers what a plain map answers, through any run of changes, and a
// snapshot taken earlier stays as it was.
func TestTableIsAMap(t *testing.T) {
	now := time.Unix(1e9, 0)
	rapid.Check(t, func(rt *rapid.T) {
		table := new(Table)
		_ = table.Load(func(func(Subscriber)) (uint64, error) { return 1, nil })
		model, old, oldModel := map[numbering.Number]Subscriber{}, table.Snapshot(), map[numbering.Number]Subscriber{}
		revision := uint64(1)
		pick := func() numbering.Number {
			return numbering.New(numbering.International, []byte{'3', '1', byte('0' + rapid.IntRange(0, 9).Draw(rt, "n")), byte('0' + rapid.IntRange(0, 9).Draw(rt, "m"))})
		}
		for range rapid.IntRange(0, 60).Draw(rt, "changes") {
			n := pick()
			revision++
			switch rapid.IntRange(0, 3).Draw(rt, "change") {
			case 0:
				table.Delete(n, revision)
				delete(model, n)
			case 1:
				old, oldModel = table.Snapshot(), map[numbering.Number]Subscriber{}
				for k, v := range model {
					oldModel[k] = v
				}
				revision--
			default:
				s := Subscriber{Number: n, CLIR: CLIR(rapid.IntRange(0, 3).Draw(rt, "clir")), ShieldOnBills: rapid.Bool().Draw(rt, "shield")}
				table.Put(s, revision)
				model[n] = s
			}
		}
		check := func(s *Snapshot, model map[numbering.Number]Subscriber) {
			count := 0
			for a := '0'; a <= '9'; a++ {
				for b := '0'; b <= '9'; b++ {
					n := numbering.New(numbering.International, []byte{'3', '1', byte(a), byte(b)})
					want, any := model[n], false
					want.Number = n
					if any = want.Services() != 0; any {
						count++
					}
					if got, ok := s.Subscriber(n, now); got != want || ok != any {
						rt.Fatalf("got %+v %t, want %+v %t", got, ok, want, any)
					}
				}
			}
			if s.Len() != count {
				rt.Fatalf("%d subscribers counted, %d there", s.Len(), count)
			}
		}
		check(table.Snapshot(), model)
		check(old, oldModel)
		if table.Snapshot().Revision() != revision {
			rt.Fatalf("revision %d, want %d", table.Snapshot().Revision(), revision)
		}
	})
}

// One shard, so that probing, growth and removal meet every collision.
func TestShard(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var s shard
		model := map[numbering.Number]uint32{}
		for range rapid.IntRange(0, 200).Draw(rt, "changes") {
			n := numbering.Number(rapid.Uint64Range(1, 40).Draw(rt, "n"))
			before := append(shard(nil), s...)
			prev := s
			if rapid.Bool().Draw(rt, "remove") {
				s = s.without(n)
				delete(model, n)
			} else {
				p := rapid.Uint32().Draw(rt, "services")
				s = s.with(entry{number: n, services: p})
				model[n] = p
			}
			for i := range before {
				if prev[i] != before[i] {
					rt.Fatal("a shard in use was changed")
				}
			}
			if len(s) > 0 && s.used()*4 > len(s)*3+3 {
				rt.Fatalf("%d of %d places taken", s.used(), len(s))
			}
		}
		for n := numbering.Number(1); n <= 40; n++ {
			e, want := s.find(n, hash(n)), model[n]
			if _, there := model[n]; there != (e != nil) || e != nil && e.services != want {
				rt.Fatalf("%d: %v, want %v", n, e, want)
			}
		}
	})
}

func TestBeforeLoadNothingCanBeRead(t *testing.T) {
	table := new(Table)
	table.Put(Subscriber{Number: lineP, CLIR: CLIRPermanent}, 1)
	table.Delete(lineP, 2)
	if table.Snapshot() != nil {
		t.Fatal("a part of the rules looks like all of them")
	}
	boom := errors.New("boom")
	if err := table.Load(func(func(Subscriber)) (uint64, error) { return 0, boom }); err != boom || table.Snapshot() != nil {
		t.Fatalf("failed load: %v", err)
	}
	_ = table.Load(func(put func(Subscriber)) (uint64, error) { put(Subscriber{Number: lineP, ACR: true}); return 5, nil })
	if err := table.Load(func(func(Subscriber)) (uint64, error) { return 0, boom }); err != boom || table.Snapshot().Len() != 1 {
		t.Fatalf("a failed load threw the rules away: %v", err)
	}
	if _, ok := table.Snapshot().Subscriber(0, time.Unix(0, 0)); ok {
		t.Error("no number has services")
	}
	table.Forget()
	if _, ok := table.Snapshot().Subscriber(lineP, time.Unix(0, 0)); ok || table.Snapshot().Len() != 0 {
		t.Error("forgotten rules can be read")
	}
}

// Readers see every change whole while others are made (run with -race).
func TestReadWhileChanging(t *testing.T) {
	table := new(Table)
	_ = table.Load(func(func(Subscriber)) (uint64, error) { return 0, nil })
	const changes = 2000
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range changes {
				n := number("3161234" + string(rune('0'+i%10)) + string(rune('0'+w)))
				table.Put(Subscriber{Number: n, CLIR: CLIRPermanent, ACR: true}, uint64(i))
				table.Delete(n, uint64(i))
			}
		}()
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for seen := uint64(0); ; {
		s := table.Snapshot()
		if s.Revision() < seen {
			t.Fatal("revision went back")
		}
		seen = s.Revision()
		if sub, ok := s.Subscriber(number("316123400"), time.Unix(0, 0)); ok && (sub.CLIR != CLIRPermanent || !sub.ACR) {
			t.Fatal("half a change")
		}
		select {
		case <-done:
			if n := table.Snapshot().Len(); n != 0 {
				t.Fatalf("%d left", n)
			}
			return
		default:
		}
	}
}

// Loading is putting one after the other: of two for one number the last counts.
func TestLoadIsManyPuts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		digits := rapid.StringMatching(`31[0-9]{1,4}`)
		list := make([]Subscriber, rapid.IntRange(0, 300).Draw(rt, "subscribers"))
		loaded, put := new(Table), new(Table)
		_ = put.Load(func(func(Subscriber)) (uint64, error) { return 0, nil })
		for i := range list {
			list[i] = Subscriber{Number: number(digits.Draw(rt, "number")), CLIR: CLIR(rapid.IntRange(1, 3).Draw(rt, "clir"))}
			put.Put(list[i], uint64(i))
		}
		_ = loaded.Load(func(each func(Subscriber)) (uint64, error) {
			for _, s := range list {
				each(s)
			}
			return 9, nil
		})
		a, b := loaded.Snapshot(), put.Snapshot()
		if a.Len() != b.Len() || a.Revision() != 9 {
			rt.Fatalf("%d loaded at %d, %d put", a.Len(), a.Revision(), b.Len())
		}
		for _, s := range list {
			x, okX := a.Subscriber(s.Number, time.Unix(0, 0))
			y, okY := b.Subscriber(s.Number, time.Unix(0, 0))
			if x != y || !okX || !okY {
				rt.Fatalf("loaded %+v, put %+v", x, y)
			}
		}
	})
}
