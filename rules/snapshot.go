package rules

import (
	"math"
	"time"

	"clirgate/numbering"
)

// entry is what memory keeps of one subscriber. Notes stay in the store.
type entry struct {
	number numbering.Number
	now    Services // in force
	then   Services // in force after the end
	until  uint32   // unix seconds; 0: for good
}

func entryOf(s *Subscriber) entry {
	e := entry{number: s.Number, now: s.Services()}
	if !s.Until.IsZero() {
		e.until = uint32(min(max(s.Until.Unix(), 1), math.MaxUint32))
		e.then = s.Then.Services
	}
	return e
}

// gone tells that nothing is kept of the subscriber.
func (e *entry) gone() bool { return e.now == 0 && (e.until == 0 || e.then == 0) }

// word is the entry in its shard; of one that is gone without a payload.
func (e *entry) word() word {
	w := hash(e.number).key()
	switch {
	case e.gone():
	case e.until != 0:
		w |= wordEnds | word(e.now)
	default:
		w |= word(e.now)
	}
	return w
}

// Snapshot is all subscribers' services at one revision. It is immutable: a
// change makes a new one that shares all but one shard and the path to it, so
// readers take no lock and a change costs some kilobytes of copying.
//
// What a look-up costs is waiting for memory. So an entry is one word, a look-up
// reads one cache line of eight of them, and there are so few shards that the
// processor's own cache holds where they are.
type Snapshot struct {
	revision uint64
	count    int
	blocks   [fan]*block
}

const (
	shardBits = 14
	shards    = 1 << shardBits
	fan       = 1 << (shardBits / 2) // children of each of the two upper levels
)

// block is fan shards, and beside them what look-ups seldom need.
type block struct {
	shards [fan]shard
	words  [fan]int32    // how many are in each
	ends   [fan][]ending // their rules that end
}

// Revision is that of the last change it holds; 0 for nil.
func (s *Snapshot) Revision() uint64 {
	if s == nil {
		return 0
	}
	return s.revision
}

// Len is how many subscribers have a service.
func (s *Snapshot) Len() int {
	if s == nil {
		return 0
	}
	return s.count
}

// Subscriber answers the services in force for a number at a time, without
// note and end. ok is false when there are none.
func (s *Snapshot) Subscriber(n numbering.Number, now time.Time) (sub Subscriber, ok bool) {
	if s == nil {
		return Subscriber{}, false
	}
	p := s.services(n, now.Unix())
	return p.Subscriber(n), p != 0
}

// services answers the services in force at now (unix seconds), 0 for none.
func (s *Snapshot) services(n numbering.Number, now int64) Services {
	p := s.locate(n)
	return p.services(now)
}

// probe is a look-up under way: where the number is sought, and what its first
// line says.
type probe struct {
	hash  hashed
	block *block
	line  int
	word  word // 0: the first line has none
	full  bool // then the next line may have one
}

// locate begins a look-up. It reads the first line and branches on nothing it
// reads there, so that two look-ups begun one after the other wait for memory
// together.
func (s *Snapshot) locate(n numbering.Number) (p probe) {
	h := hash(n)
	b := s.blocks[h.block()]
	if b == nil || n == 0 {
		return p
	}
	t := b.shards[h.shard()]
	if len(t) == 0 {
		return p
	}
	p.hash, p.block, p.line = h, b, h.place(len(t))
	l := &t[p.line]
	p.word, p.full = l.find(h.key()), l.full()
	return p
}

// services ends a look-up.
func (p *probe) services(now int64) Services {
	w := p.word
	if w == 0 {
		if !p.full {
			return 0
		}
		w = p.block.shards[p.hash.shard()].behind(p.hash.key(), p.line)
	}
	if w.ends() {
		return p.block.end(p.hash, now, w.services())
	}
	return w.services()
}

// hashed is the mixed bits of a number, one to one: the upper ones choose the
// block, then the shard, those below the line.
type hashed uint64

// hash is the finaliser of SplitMix64: every bit of the number reaches every
// bit of the hash, and it has an inverse.
func hash(n numbering.Number) hashed {
	x := uint64(n)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return hashed(x ^ x>>31)
}

// number is the inverse of hash.
func (h hashed) number() numbering.Number {
	x := uint64(h)
	x = (x ^ x>>31 ^ x>>62) * 0x319642b2d24d8ec3
	x = (x ^ x>>27 ^ x>>54) * 0x96de1b173f119089
	return numbering.Number(x ^ x>>30 ^ x>>60)
}

func (h hashed) id() int    { return int(h >> (64 - shardBits)) } // of the shard, among all
func (h hashed) block() int { return h.id() / fan }
func (h hashed) shard() int { return h.id() % fan }

// place maps the hash to 0..n-1 without a division.
func (h hashed) place(n int) int { return int(uint64(uint32(h)) * uint64(n) >> 32) }
