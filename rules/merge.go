package rules

import (
	"cmp"
	"slices"
)

// merged is a snapshot in which entries replace those of their numbers, of several
// for one number the last: each shard that any of them is in is copied once.
func (s *Snapshot) merged(entries []entry, revision uint64) *Snapshot {
	next := *s
	next.revision = max(next.revision, revision)
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(hash(a.number), hash(b.number)) })
	entries = lastOnes(entries)
	var copied [fan]bool
	var words []word
	for from, to := 0, 0; from < len(entries); from = to {
		h := hash(entries[from].number)
		words = words[:0]
		for to = from; to < len(entries) && hash(entries[to].number).id() == h.id(); to++ {
			words = append(words, entries[to].word())
		}
		i := h.block()
		if !copied[i] {
			b := new(block)
			if old := next.blocks[i]; old != nil {
				*b = *old
			}
			next.blocks[i], copied[i] = b, true
		}
		b, at := next.blocks[i], h.shard()
		b.ends[at] = withEnds(b.ends[at], entries[from:to])
		before := int(b.words[at])
		t, after := b.shards[at].changed(before, words, h.id())
		b.shards[at], b.words[at] = t, int32(after)
		next.count += after - before
	}
	return &next
}

// lastOnes keeps the last of entries that follow each other and have one number.
func lastOnes(entries []entry) []entry {
	kept := entries[:0]
	for i := range entries {
		if i+1 == len(entries) || entries[i+1].number != entries[i].number {
			kept = append(kept, entries[i])
		}
	}
	return kept
}

// builder collects entries by shard and makes the shards one after the other, so
// that filling millions of places happens within the processor's cache.
type builder struct {
	words [shards][]word
	ends  []entry // those of them that end
}

func (b *builder) put(e entry) {
	id := hash(e.number).id()
	b.words[id] = append(b.words[id], e.word())
	if e.until != 0 {
		b.ends = append(b.ends, e)
	}
}

// slabs is how many pieces of memory all shards of a new snapshot are in: few, because
// each has small pages at both ends. A piece stays until all of its shards have been
// changed: together at most as much again.
const slabs = 4

// snapshot makes the snapshot and empties the builder. Of several entries for
// one number the last counts.
func (b *builder) snapshot(revision uint64) *Snapshot {
	s := &Snapshot{revision: revision}
	const each = shards / slabs
	for first := 0; first < shards; first += each {
		lines := 0
		for _, words := range b.words[first : first+each] {
			lines += linesFor(words)
		}
		slab := make(shard, lines)
		hugePages(slab)
		for id := first; id < first+each; id++ {
			n := linesFor(b.words[id])
			s.fill(id, slab[:n:n], b.words[id])
			slab, b.words[id] = slab[n:], nil
		}
	}
	// Their words are there: only the ends are not.
	slices.SortStableFunc(b.ends, func(x, y entry) int { return cmp.Compare(hash(x.number), hash(y.number)) })
	ends := lastOnes(b.ends)
	for from, to := 0, 0; from < len(ends); from = to {
		h := hash(ends[from].number)
		for to = from; to < len(ends) && hash(ends[to].number).id() == h.id(); {
			to++
		}
		if bl := s.blocks[h.block()]; bl != nil {
			bl.ends[h.shard()] = withEnds(nil, ends[from:to])
		}
	}
	b.ends = nil
	return s
}

func linesFor(words []word) int {
	if len(words) == 0 {
		return 0
	}
	return room(len(words))
}

// fill makes t, which is empty, the shard of words.
func (s *Snapshot) fill(id int, t shard, words []word) {
	if len(words) == 0 {
		return
	}
	for _, w := range words {
		t.set(w, id)
	}
	b := s.blocks[id/fan]
	if b == nil {
		b = new(block)
		s.blocks[id/fan] = b
	}
	used := t.used()
	b.shards[id%fan], b.words[id%fan] = t, int32(used)
	s.count += used
}
