package rules

import (
	"cmp"
	"slices"
)

// word is one subscriber in a shard: the bits of the hash that do not choose the
// shard, so that none are lost, and in their place what the subscriber has. 0 is a
// free place: nobody is kept who has nothing.
type word uint64

const (
	wordEnds    word = 1 << ServiceBits // the rule ends: see block.ends
	wordPayload word = 1<<shardBits - 1 // Services and wordEnds
)

// key is the word of a hash with nothing in it.
func (h hashed) key() word { return word(h << shardBits) }

// hash is the inverse of key, for a word of a shard.
func (w word) hash(shard int) hashed {
	return hashed(shard)<<(64-shardBits) | hashed(w>>shardBits)
}

func (w word) key() word          { return w &^ wordPayload }
func (w word) services() Services { return Services(w & (1<<ServiceBits - 1)) }
func (w word) ends() bool         { return w&wordEnds != 0 }

// line is one cache line. Its words stand at its beginning.
type line [8]word

// find answers what a key's word holds, 0 for none. It branches on nothing.
func (l *line) find(key word) (found word) {
	for _, w := range l {
		d := w ^ key
		// All ones when the bits above the payload are the same.
		found |= d & word(int64(d>>shardBits-1)>>63)
	}
	return found
}

func (l *line) full() bool { return l[len(l)-1] != 0 }

// shard is an open-addressing hash table of lines: a word that has no room in its
// own line is in one behind it, around the end. Not all lines are full.
type shard []line

// get answers what the word of a hash holds, 0 for none.
func (t shard) get(h hashed) word {
	if len(t) == 0 {
		return 0
	}
	i := h.place(len(t))
	if w := t[i].find(h.key()); w != 0 || !t[i].full() {
		return w
	}
	return t.behind(h.key(), i)
}

// behind seeks a key in the lines behind i, which is full.
func (t shard) behind(key word, i int) word {
	for {
		if i++; i == len(t) {
			i = 0
		}
		if w := t[i].find(key); w != 0 || !t[i].full() {
			return w
		}
	}
}

// What changes shards works on shards that no reader sees yet.

// used counts the words.
func (t shard) used() int {
	n := 0
	for i := range t {
		for _, w := range t[i] {
			if w != 0 {
				n++
			}
		}
	}
	return n
}

const perLine = len(line{})

// room is how many lines a new shard has for so many words: a bit more than half
// of the places are taken then, and few lines are full.
func room(words int) int { return words*9/(5*perLine) + 1 }

// crowded tells whether so many words are too many: more than 3/4 of the places.
func (t shard) crowded(words int) bool { return words*4 > len(t)*perLine*3 }

// set writes a word of a shard in place; there must be room.
func (t shard) set(w word, id int) {
	for i := w.hash(id).place(len(t)); ; {
		for k := range t[i] {
			if t[i][k] == 0 || t[i][k].key() == w.key() {
				t[i][k] = w
				return
			}
		}
		if i++; i == len(t) {
			i = 0
		}
	}
}

// changed is a copy of a shard with so many words, in which words, in order, replace
// those of their keys; one without a payload removes. The answer's count of words
// is used after it.
func (t shard) changed(used int, words []word, id int) (shard, int) {
	news, removed := 0, 0
	for _, w := range words {
		there := t.get(w.hash(id)) != 0
		switch empty := w == w.key(); {
		case empty && there:
			removed++
		case !empty && !there:
			news++
		}
	}
	next := t
	if removed == 0 && !t.crowded(used+news) {
		next = slices.Clone(t)
	} else { // taking a word out of a full line would hide those behind it
		next = make(shard, max(len(t), room(used+news)))
		for i := range t {
			for _, w := range t[i] {
				if w != 0 && !replaced(words, w.key()) {
					next.set(w, id)
				}
			}
		}
	}
	for _, w := range words {
		if w != w.key() {
			next.set(w, id)
		}
	}
	return next, used + news - removed
}

// replaced tells whether one of words, which are in order, is of a key.
func replaced(words []word, key word) bool {
	_, ok := slices.BinarySearchFunc(words, key, func(w, key word) int { return cmp.Compare(w.key(), key) })
	return ok
}

// ending is a rule that ends, of a shard's, in the order of their keys.
type ending struct {
	key   word
	until uint32
	then  Services
}

// end answers the services of a rule that ends: now those before its end.
func (b *block) end(h hashed, now int64, before Services) Services {
	if e := endingOf(b.ends[h.shard()], h.key()); e.until != 0 && now >= int64(e.until) {
		return e.then
	}
	return before
}

// endingOf is the ending of a key; the zero ending: it has none.
func endingOf(list []ending, key word) ending {
	if i, ok := findEnding(list, key); ok {
		return list[i]
	}
	return ending{}
}

func findEnding(list []ending, key word) (int, bool) {
	return slices.BinarySearchFunc(list, key, func(e ending, key word) int { return cmp.Compare(e.key, key) })
}

// withEnds is a shard's endings after entries of that shard, of different numbers,
// were put. list stays as it is.
func withEnds(list []ending, entries []entry) []ending {
	next := list
	for i := range entries {
		e := ending{hash(entries[i].number).key(), entries[i].until, entries[i].then}
		at, ok := findEnding(next, e.key)
		ends := e.until != 0 && !entries[i].gone()
		if (ok || ends) && len(next) == len(list) {
			next = slices.Clone(next)
		}
		switch {
		case ok && ends:
			next[at] = e
		case ok:
			next = slices.Delete(next, at, at+1)
		case ends:
			next = slices.Insert(next, at, e)
		}
	}
	return next
}
