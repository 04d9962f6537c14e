package rules

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/numbering"
	"pgregory.net/rapid"
)

// drawSubscriber is any subscriber a store may hold.
func drawSubscriber(rt *rapid.T, label string) Subscriber {
	s := Services(rapid.Uint16Range(0, 1<<10-1).Draw(rt, label+" services")).Subscriber(number(rapid.StringMatching(`[1-9][0-9]{0,14}`).Draw(rt, label+" number")))
	if s.TIR > TIRTemporary {
		s.TIR = TIRTemporary
	}
	text := func(what string) string {
		return strings.ReplaceAll(rapid.StringN(0, 10, 40).Draw(rt, label+what), "\x00", "")
	}
	s.Note = text(" note")
	if rapid.Bool().Draw(rt, label+" ends") {
		s.Until = time.Unix(rapid.Int64Range(1, 4e9).Draw(rt, label+" until"), 0).UTC()
		if rapid.Bool().Draw(rt, label+" standing") {
			s.Then = Standing{Exists: true, Services: Services(rapid.Byte().Draw(rt, label+" then") & 0x0f), Note: text(" then note")}
		}
	}
	return s
}

// What an earlier version packed is read: services were one byte then.
func TestItemsOfVersionOne(t *testing.T) {
	n := number("31612345678")
	key, _ := Key(n)
	packed := binary.AppendUvarint([]byte{1, 1}, uint64(key))
	packed = append(packed, flagExists, 0x88, 0)
	want := Subscriber{Number: n, ACR: true, ShieldOnBills: true}
	if got, err := UnpackItems(packed); err != nil || len(got) != 1 || got[0].Before == nil || *got[0].Before != want || got[0].After != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := UnpackItems([]byte{itemsVersion + 1, 0}); err == nil {
		t.Error("a version that nobody wrote yet is read")
	}
}

func TestItemsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var items []Item
		for range rapid.IntRange(0, 5).Draw(rt, "items") {
			after := drawSubscriber(rt, "after")
			item := Item{Number: after.Number, After: &after}
			switch rapid.IntRange(0, 2).Draw(rt, "change") {
			case 0:
				before := drawSubscriber(rt, "before")
				before.Number = item.Number
				item.Before = &before
			case 1:
				item.Before, item.After = item.After, nil
			}
			items = append(items, item)
		}
		SortItems(items)
		packed := PackItems(items)
		got, err := UnpackItems(packed)
		same := func(a, b Item) bool {
			return a.Number == b.Number && sameSub(a.Before, b.Before) && sameSub(a.After, b.After)
		}
		if err != nil || !slices.EqualFunc(got, items, same) {
			rt.Fatalf("got %+v, want %+v (%v)", got, items, err)
		}
		for _, item := range items {
			for _, s := range []*Subscriber{item.Before, item.After} {
				if s == nil {
					continue
				}
				if got, err := DecodeStored(EncodeStored(s)); err != nil || *got != *s {
					rt.Fatalf("stored: %+v, want %+v (%v)", got, s, err)
				}
			}
		}
		if cut := rapid.IntRange(0, len(packed)-1).Draw(rt, "cut"); len(items) > 0 {
			if _, err := UnpackItems(packed[:cut]); err == nil {
				rt.Fatal("cut off, and yet read")
			}
		}
	})
}

func sameSub(a, b *Subscriber) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func FuzzUnpackItems(f *testing.F) {
	s := Subscriber{Number: lineP, CLIR: CLIRPermanent, Note: "n", Until: time.Unix(1e9, 0).UTC(), Then: Standing{Exists: true, Services: 1, Note: "m"}}
	f.Add(PackItems([]Item{{Number: lineP, After: &s}}))
	f.Add(PackItems([]Item{{Number: lineR, Before: &s}, {Number: lineP, Before: &s, After: &s}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := UnpackItems(b)
		if err != nil {
			return
		}
		again, err := UnpackItems(PackItems(items))
		if err != nil || len(again) != len(items) {
			t.Errorf("%d items, then %d (%v)", len(items), len(again), err)
		}
	})
}

func FuzzDecodeStored(f *testing.F) {
	f.Add(EncodeStored(&Subscriber{Number: lineP, CLIR: CLIRPermanent, Until: time.Unix(1e9, 0).UTC(), Then: Standing{Exists: true}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := DecodeStored(text)
		if err != nil {
			if bytes.Contains(text, []byte("31612345678")) && strings.Contains(err.Error(), "61234") {
				t.Error("the error holds a number")
			}
			return
		}
		if again, err := DecodeStored(EncodeStored(s)); err != nil || *again != *s {
			t.Errorf("%+v, then %+v (%v)", s, again, err)
		}
	})
}

func TestKeys(t *testing.T) {
	for digits, ok := range map[string]bool{"31612345678": true, "1": true, "999999999999999": true, "0612345678": false, "": false} {
		key, err := Key(number(digits))
		if (err == nil) != ok || ok && KeyNumber(key) != number(digits) {
			t.Errorf("%s: %v", digits, err)
		}
	}
	if _, err := Key(numbering.New(numbering.Short, []byte("112"))); err != ErrNumber {
		t.Error(err)
	}
}

// Applying a run of changes at once is applying one after the other.
func TestApplyIsManyPuts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		digits := rapid.StringMatching(`31[0-9]{1,2}`)
		one, all := new(Table), new(Table)
		empty := func(func(Subscriber)) (uint64, error) { return 0, nil }
		_, _ = one.Load(empty), all.Load(empty)
		revision := uint64(0)
		var numbers []string
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			old, was := all.Snapshot(), all.Snapshot().Len()
			var items []Item
			for range rapid.IntRange(0, 60).Draw(rt, "items") {
				d := digits.Draw(rt, "number")
				numbers = append(numbers, d)
				s := Subscriber{Number: number(d), CLIR: CLIR(rapid.IntRange(0, 3).Draw(rt, "clir"))}
				revision++
				item := Item{Number: s.Number, After: &s}
				if rapid.IntRange(0, 3).Draw(rt, "gone") == 0 {
					item.After = nil
					one.Delete(s.Number, revision)
				} else {
					one.Put(s, revision)
				}
				items = append(items, item)
			}
			all.Apply(items, revision)
			if old.Len() != was {
				rt.Fatal("a snapshot in use was changed")
			}
		}
		a, b := one.Snapshot(), all.Snapshot()
		if a.Len() != b.Len() || a.Revision() != b.Revision() {
			rt.Fatalf("%d at %d, and %d at %d", a.Len(), a.Revision(), b.Len(), b.Revision())
		}
		for _, d := range numbers {
			x, okX := a.Subscriber(number(d), time.Unix(0, 0))
			y, okY := b.Subscriber(number(d), time.Unix(0, 0))
			if x != y || okX != okY {
				rt.Fatalf("%+v, and %+v", x, y)
			}
		}
	})
}

// When a rule has ended, the one beneath it is in force, without anybody doing
// anything: a withheld line is not shown for one second.
func TestStandingRuleIsBack(t *testing.T) {
	table := new(Table)
	_ = table.Load(func(func(Subscriber)) (uint64, error) { return 0, nil })
	standing := Subscriber{Number: lineP, CLIR: CLIRPermanent}
	timed := Subscriber{Number: lineP, ACR: true, Until: time.Unix(1000, 0)}.Over(&standing)
	table.Put(timed, 1)
	for now, want := range map[int64]Rule{999: D8, 1000: D2, 5000: D2} {
		if got := Decide(table.Snapshot(), &Call{Caller: lineP, TrustedSource: true, Now: now}); got.Rule != want {
			t.Errorf("at %d: %v, want %v", now, got.Rule, want)
		}
	}
	again := Subscriber{Number: lineP, Until: time.Unix(2000, 0)}.Over(&timed)
	if again.Then != timed.Then {
		t.Errorf("a timed rule over a timed one lies over %+v", again.Then)
	}
	if for4ever := (Subscriber{Number: lineP}).Over(&timed); for4ever.Then.Exists {
		t.Error("a standing rule lies over another")
	}
	if ended := again.Ended(); ended == nil || *ended != standing {
		t.Errorf("%+v", ended)
	}
}
