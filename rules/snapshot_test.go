package rules

import (
	"errors"
	"slices"
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
				s := Subscriber{Number: n, CLIR: CLIR(rapid.IntRange(0, 3).Draw(rt, "clir")), ShieldOnBills: rapid.Bool().Draw(rt, "shield"), MCID: MCID(rapid.IntRange(0, 3).Draw(rt, "mcid"))}
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
		const id = 77
		var s shard
		model := map[word]word{}
		// Keys whose home is one of few lines, so that lines run over.
		pick := func() word {
			return hashed(uint64(id)<<(64-shardBits) | uint64(rapid.IntRange(1, 60).Draw(rt, "n"))<<25).key()
		}
		for range rapid.IntRange(0, 60).Draw(rt, "changes") {
			before, prev := slices.Clone(s), s
			batch := map[word]word{}
			for range rapid.IntRange(1, 5).Draw(rt, "words") {
				key := pick()
				batch[key] = word(rapid.IntRange(0, int(wordPayload)).Draw(rt, "payload"))
			}
			var words []word
			for key, payload := range batch {
				words = append(words, key|payload)
				if model[key] = payload; payload == 0 {
					delete(model, key)
				}
			}
			slices.Sort(words)
			used := 0
			s, used = s.changed(s.used(), words, id)
			if !slices.Equal(prev, before) {
				rt.Fatal("a shard in use was changed")
			}
			if s.used() != len(model) || used != len(model) {
				rt.Fatalf("%d words, said to be %d, want %d", s.used(), used, len(model))
			}
			if len(s) > 0 && s.crowded(s.used()) {
				rt.Fatalf("%d words in %d lines", s.used(), len(s))
			}
		}
		for n := range 61 {
			h := hashed(uint64(id)<<(64-shardBits) | uint64(n)<<25)
			if got, want := s.get(h), model[h.key()]; n > 0 && got != want {
				rt.Fatalf("%d: %x, want %x", n, got, want)
			}
		}
	})
}

// No bit of a number is lost on the way into a shard.
func TestHashHasAnInverse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := numbering.Number(rapid.Uint64().Draw(rt, "number"))
		h := hash(n)
		if h.number() != n || h.key().hash(h.id()) != h || h.block()*fan+h.shard() != h.id() || h.id() >= shards {
			rt.Fatalf("%x is %x is %x", uint64(n), h, uint64(h.number()))
		}
	})
}

// Rules that end, mixed with others in one shard, are what a map of them is.
func TestEnds(t *testing.T) {
	const end = 1_900_000_000
	rapid.Check(t, func(rt *rapid.T) {
		table, loaded := new(Table), new(Table)
		_ = table.Load(func(func(Subscriber)) (uint64, error) { return 0, nil })
		model := map[numbering.Number]Subscriber{}
		for range rapid.IntRange(0, 30).Draw(rt, "changes") {
			var items []Item
			for range rapid.IntRange(1, 4).Draw(rt, "items") {
				n := number("3161234567" + string(rune('0'+rapid.IntRange(0, 9).Draw(rt, "n"))))
				item := Item{Number: n}
				if rapid.Bool().Draw(rt, "there") {
					sub := Services(rapid.SampledFrom([]int{0, 1, 8}).Draw(rt, "now")).Subscriber(n)
					if rapid.Bool().Draw(rt, "ends") {
						sub.Until = time.Unix(end, 0)
						sub.Then.Services = Services(rapid.SampledFrom([]int{0, 1, 4}).Draw(rt, "then"))
						sub.Then.Exists = sub.Then.Services != 0
					}
					item.After = &sub
				}
				items = append(items, item)
				if delete(model, n); item.After != nil {
					model[n] = *item.After
				}
			}
			table.Apply(items, 1)
		}
		_ = loaded.Load(func(put func(Subscriber)) (uint64, error) {
			for _, s := range model {
				put(s)
			}
			return 1, nil
		})
		kept := 0
		for _, s := range model {
			if s.Services() != 0 || s.Then.Services != 0 {
				kept++
			}
		}
		for _, snapshot := range []*Snapshot{table.Snapshot(), loaded.Snapshot()} {
			for i := range 10 {
				n := number("3161234567" + string(rune('0'+i)))
				sub := model[n]
				before, after := sub.Services(), sub.Services()
				if !sub.Until.IsZero() {
					after = sub.Then.Services
				}
				if x, y := snapshot.services(n, end-1), snapshot.services(n, end); x != before || y != after {
					rt.Fatalf("%x and %x, want %x and %x", x, y, before, after)
				}
			}
			if snapshot.Len() != kept {
				rt.Fatalf("%d kept, want %d", snapshot.Len(), kept)
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
