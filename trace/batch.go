package trace

import "time"

// batch is records and updates that are committed together, encoded one after the
// other in one buffer.
type batch struct {
	buf     []byte
	items   []item
	entries []Entry
	waiting int // records somebody waits for, whether told yet or not
}

type item struct {
	id  ID
	end int       // of its bytes in buf; they begin where those of the item before end
	w   Waiter    // nil: nobody waits, or was told
	due time.Time // when w is told at the latest
}

// add takes an encoded record and tells whether the writer must hear of it: it is the
// first of the batch, or the first that somebody waits for.
func (b *batch) add(id ID, value []byte, w Waiter, due time.Time) bool {
	b.buf = append(b.buf, value...)
	b.items = append(b.items, item{id: id, end: len(b.buf), w: w, due: due})
	if w != nil {
		b.waiting++
		return b.waiting == 1
	}
	return len(b.items) == 1
}

// sealed is the batch as the store takes it. Nothing may be added after.
func (b *batch) sealed() []Entry {
	start := 0
	for i := range b.items {
		it := &b.items[i] // never its w: the watchdog may claim that now
		b.entries = append(b.entries, Entry{ID: it.id, Value: b.buf[start:it.end:it.end]})
		start = it.end
	}
	return b.entries
}

// claim appends to dst the waiters not told yet that are due (all of them when due is
// zero); they count as told.
func (b *batch) claim(dst []Waiter, due time.Time) []Waiter {
	if b == nil || b.waiting == 0 {
		return dst
	}
	for i := range b.items {
		it := &b.items[i]
		if it.w != nil && (due.IsZero() || !it.due.After(due)) {
			dst = append(dst, it.w)
			it.w = nil
		}
	}
	return dst
}

// due is when the first waiter not told yet must be told; zero: nobody waits.
func (b *batch) due() time.Time {
	if b == nil || b.waiting == 0 {
		return time.Time{}
	}
	for i := range b.items { // in order of time
		if b.items[i].w != nil {
			return b.items[i].due
		}
	}
	return time.Time{}
}

func (b *batch) reset() {
	clear(b.items)
	clear(b.entries)
	*b = batch{buf: b.buf[:0], items: b.items[:0], entries: b.entries[:0]}
}
