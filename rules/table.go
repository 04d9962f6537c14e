package rules

import (
	"sync"
	"sync/atomic"

	"clirgate/numbering"
)

// Table is the subscribers' services in memory. Calls read its snapshot, which
// takes no lock; changes are made one at a time. The zero Table has no
// snapshot: until it is loaded, nothing can be read and calls are withheld (D9).
type Table struct {
	mu      sync.Mutex // held by whoever makes the next snapshot
	current atomic.Pointer[Snapshot]
}

// Snapshot is the present state; nil before the first Load and after Forget.
func (t *Table) Snapshot() *Snapshot { return t.current.Load() }

// Put puts a subscriber in force at once, at a revision. Without a snapshot it
// does nothing: part of the rules would look like all of them.
func (t *Table) Put(s Subscriber, revision uint64) {
	t.Apply([]Item{{Number: s.Number, After: &s}}, revision)
}

// Delete takes a subscriber's services out of force at once.
func (t *Table) Delete(n numbering.Number, revision uint64) {
	t.Apply([]Item{{Number: n}}, revision)
}

// Apply puts the outcome of changes in force, all in one step, at the revision
// of the last. Of several items for one number the last counts.
func (t *Table) Apply(items []Item, revision uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.current.Load()
	if now == nil {
		return
	}
	entries := make([]entry, 0, len(items))
	for i := range items {
		e := entry{number: items[i].Number}
		if after := items[i].After; after != nil {
			e = entryOf(after)
		}
		if e.number != 0 {
			entries = append(entries, e)
		}
	}
	t.current.Store(now.merged(entries, revision))
}

// Load replaces everything with what read puts, as of the revision it answers.
// When read fails, the previous state stays. Changes wait meanwhile.
func (t *Table) Load(read func(put func(Subscriber)) (revision uint64, err error)) error {
	return t.load(func(put func(entry)) (uint64, error) {
		return read(func(s Subscriber) { put(entryOf(&s)) })
	})
}

func (t *Table) load(read func(put func(entry)) (revision uint64, err error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := new(builder)
	revision, err := read(func(e entry) {
		if !e.gone() && e.number != 0 {
			b.put(e)
		}
	})
	if err != nil {
		return err
	}
	t.current.Store(b.snapshot(revision))
	return nil
}

// Forget drops the snapshot: from now on the rules cannot be read (D9).
func (t *Table) Forget() { t.current.Store(nil) }
