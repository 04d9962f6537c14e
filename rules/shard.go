package rules

import (
	"cmp"
	"slices"

	"clirgate/numbering"
)

// What changes shards. All of it works on shards that no reader sees yet.

// full tells whether one more entry would fill more than 3/4.
func (t shard) full(used int) bool { return (used+1)*4 > len(t)*3 }

// used counts the taken places.
func (t shard) used() int {
	n := 0
	for i := range t {
		if t[i].number != 0 {
			n++
		}
	}
	return n
}

// set writes e in place; there must be a free place.
func (t shard) set(e entry) {
	h := hash(e.number)
	for i := h.place(len(t)); ; {
		if t[i].number == 0 || t[i].number == e.number {
			t[i] = e
			return
		}
		if i++; i == len(t) {
			i = 0
		}
	}
}

// grown is a copy with room for at least one more entry.
func (t shard) grown(used int) shard {
	bigger := make(shard, max(4, (used+1)*3/2+1))
	for i := range t {
		if t[i].number != 0 {
			bigger.set(t[i])
		}
	}
	return bigger
}

// with is a copy that holds e.
func (t shard) with(e entry) shard {
	used := t.used()
	if t.find(e.number, hash(e.number)) == nil && t.full(used) {
		grown := t.grown(used)
		grown.set(e)
		return grown
	}
	same := append(shard(nil), t...)
	same.set(e)
	return same
}

// without is a copy that does not hold n. It is filled anew, since taking an
// entry out of a probe chain would hide those behind it.
func (t shard) without(n numbering.Number) shard {
	left := make(shard, len(t))
	for i := range t {
		if t[i].number != 0 && t[i].number != n {
			left.set(t[i])
		}
	}
	return left
}

// merged is a copy in which entries replace those of their numbers; one without
// services removes. Of several for one number the last counts. added is how many
// more it holds.
func (t shard) merged(entries []entry) (next shard, added int) {
	used := t.used()
	next = make(shard, max(len(t), (used+len(entries))*3/2+1))
	for i := range t {
		if t[i].number != 0 {
			next.set(t[i])
		}
	}
	gone := false
	for _, e := range entries {
		next.set(e)
		gone = gone || e.services == 0
	}
	if !gone {
		return next, next.used() - used
	}
	left := make(shard, len(next))
	for i := range next {
		if next[i].services != 0 {
			left.set(next[i])
		}
	}
	return left, left.used() - used
}

// replaced is a snapshot in which one shard is another.
func (s *Snapshot) replaced(h hashed, change func(shard) shard, count int, revision uint64) *Snapshot {
	next := *s
	b := new(block)
	if old := s.blocks[h.block()]; old != nil {
		*b = *old
	}
	b[h.shard()] = change(b[h.shard()])
	next.blocks[h.block()] = b
	next.count += count
	next.revision = max(next.revision, revision)
	return &next
}

// merged is a snapshot in which entries replace those of their numbers: each
// shard that any of them is in is copied once.
func (s *Snapshot) merged(entries []entry, revision uint64) *Snapshot {
	next := *s
	next.revision = max(next.revision, revision)
	byShard := func(e entry) uint16 { return uint16(hash(e.number) >> 48) }
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(byShard(a), byShard(b)) })
	var copied [fan]bool
	for from, to := 0, 0; from < len(entries); from = to {
		for to = from + 1; to < len(entries) && byShard(entries[to]) == byShard(entries[from]); {
			to++
		}
		h := hash(entries[from].number)
		i := h.block()
		if !copied[i] {
			b := new(block)
			if old := next.blocks[i]; old != nil {
				*b = *old
			}
			next.blocks[i], copied[i] = b, true
		}
		place, added := &next.blocks[i][h.shard()], 0
		*place, added = place.merged(entries[from:to])
		next.count += added
	}
	return &next
}

// builder collects entries by block and makes the shards of one block at a
// time, so that filling millions of places happens within the processor's cache.
type builder struct{ blocks [fan][]entry }

func (b *builder) put(e entry) {
	i := hash(e.number).block()
	b.blocks[i] = append(b.blocks[i], e)
}

// snapshot makes the snapshot and empties the builder. Of several entries for
// one number the last counts.
func (b *builder) snapshot(revision uint64) *Snapshot {
	s := &Snapshot{revision: revision}
	for i, entries := range b.blocks {
		if len(entries) == 0 {
			continue
		}
		var sizes [fan]int
		for _, e := range entries {
			sizes[hash(e.number).shard()]++
		}
		s.blocks[i] = new(block)
		for _, e := range entries {
			h := hash(e.number)
			t := &s.blocks[i][h.shard()]
			if *t == nil {
				*t = make(shard, sizes[h.shard()]*3/2+1)
			}
			if t.find(e.number, h) == nil {
				s.count++
			}
			t.set(e)
		}
		b.blocks[i] = nil
	}
	return s
}
