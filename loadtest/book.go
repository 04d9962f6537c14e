package loadtest

import (
	"sync/atomic"

	"clirgate/loadtest/oracle"
)

// Book is the oracle's memory: for each slot, who calls and what that call may show.
// The caller's side writes a page before its INVITE leaves, the callee's side reads it
// for judging and timing only.
type Book struct {
	pages []page
}

// page is one slot. The plain fields are written before gen and read after it.
type page struct {
	gen      atomic.Uint32 // which call of the slot this is; 0: none yet
	caller   *Caller
	class    oracle.Class
	epoch    uint32       // of a toggled caller, when the request left
	sent     atomic.Int64 // when the first request left, Unix ns
	arrival  atomic.Int64 // when the callee got it
	answered atomic.Int64 // when the callee answered
}

func newBook(slots int) *Book { return &Book{make([]page, slots)} }

// page is the page of a slot, nil when the book has none (callers are elsewhere).
func (b *Book) page(slot uint32) *page {
	if b == nil || int(slot) >= len(b.pages) {
		return nil
	}
	p := &b.pages[slot]
	if p.gen.Load() == 0 {
		return nil
	}
	return p
}

// toggle is a rule being switched while calls run. Its owner begins a switch, and ends
// it once the element has confirmed it.
type toggle struct {
	epoch    atomic.Uint32 // odd while a switch is under way
	withheld atomic.Bool   // the rule confirmed last
}

// class is what a call started now may show, and the epoch to compare on arrival.
func (t *toggle) class() (oracle.Class, uint32) {
	before := t.epoch.Load()
	withheld := t.withheld.Load()
	switch {
	case before%2 != 0 || t.epoch.Load() != before:
		return oracle.Unsure, before
	case withheld:
		return oracle.Withheld, before
	}
	return oracle.Shown, before
}

// begin and end enclose a switch to withheld or not. One that was begun and not ended
// may be begun again.
func (t *toggle) begin() { t.epoch.Add(2 - (t.epoch.Load()+1)%2) }

func (t *toggle) end(withheld bool) {
	t.withheld.Store(withheld)
	t.epoch.Add(1)
}
