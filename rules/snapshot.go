package rules

import (
	"math"
	"time"

	"clirgate/numbering"
)

// entry is what memory keeps of one subscriber, 16 bytes; a zero number is a
// free place. Notes stay in the store.
type entry struct {
	number   numbering.Number
	services uint32 // Services in force; above them, those in force after the end
	until    uint32 // unix seconds; 0: for good
}

func entryOf(s *Subscriber) entry {
	e := entry{number: s.Number, services: uint32(s.Services())}
	if !s.Until.IsZero() {
		e.until = uint32(min(max(s.Until.Unix(), 1), math.MaxUint32))
		e.services |= uint32(s.Then.Services) << 8
	}
	return e
}

// at is the services in force at a time, unix seconds.
func (e *entry) at(now int64) Services {
	if e.until != 0 && now >= int64(e.until) {
		return Services(e.services >> 8)
	}
	return Services(e.services)
}

// shard is an open-addressing hash table, probed linearly. At most 3/4 of the
// places are taken, so every probe ends.
type shard []entry

// fan is how many children each of the two upper levels has.
const fan = 256

type block [fan]shard

// Snapshot is all subscribers' services at one revision. It is immutable: a
// change makes a new one that shares all but one shard and the path to it, so
// readers take no lock and a change costs some kilobytes of copying.
//
// Each of the 65,536 shards holds about 150 of 10 million subscribers. The nil
// Snapshot means that the rules cannot be read.
type Snapshot struct {
	revision uint64
	count    int
	blocks   [fan]*block
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

// probe is a look-up under way: where the number is sought, and what stands in
// the first place of its chain.
type probe struct {
	number numbering.Number
	table  shard
	place  int
	first  numbering.Number
}

// locate begins a look-up. It reads the first place and branches on nothing it
// reads there, so that two look-ups begun one after the other wait for memory
// together: with millions of subscribers that wait is all they cost.
func (s *Snapshot) locate(n numbering.Number) (p probe) {
	h := hash(n)
	b := s.blocks[h.block()]
	if b == nil || n == 0 {
		return p
	}
	p.number, p.table = n, b[h.shard()]
	if len(p.table) > 0 {
		p.place = h.place(len(p.table))
		p.first = p.table[p.place].number
	}
	return p
}

// services ends a look-up.
func (p *probe) services(now int64) Services {
	if p.first == 0 {
		return 0
	}
	e := p.table.from(p.number, p.place)
	if e == nil {
		return 0
	}
	return e.at(now)
}

// hashed is the mixed bits of a number: 8 choose the block, 8 the shard, 32 the
// place.
type hashed uint64

// hash is the finaliser of SplitMix64: every bit of the number reaches every
// bit of the hash.
func hash(n numbering.Number) hashed {
	x := uint64(n)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return hashed(x ^ x>>31)
}

func (h hashed) block() uint8 { return uint8(h >> 56) }
func (h hashed) shard() uint8 { return uint8(h >> 48) }

// place maps the hash to 0..n-1 without a division.
func (h hashed) place(n int) int { return int(uint64(uint32(h)) * uint64(n) >> 32) }

// find answers the entry of n, or nil.
func (t shard) find(n numbering.Number, h hashed) *entry {
	if len(t) == 0 {
		return nil
	}
	return t.from(n, h.place(len(t)))
}

// from seeks n along the chain that begins at place i.
func (t shard) from(n numbering.Number, i int) *entry {
	for {
		switch t[i].number {
		case n:
			return &t[i]
		case 0:
			return nil
		}
		if i++; i == len(t) {
			i = 0
		}
	}
}
