package proxy

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// raisedSet remembers parties of dialogs that asked for privacy only after the dialog had
// begun without it: in a mid-dialog request or in a response (STANDARDS 6.2, GPP-12). The
// token the other side holds says N and cannot be taken back.
//
// It is soft state: bounded, forgotten at a restart, not shared between gateways. What is
// lost then is a party's later wish, never the class the call began with; and every
// message that asks for privacy itself raises the dialog again.
type raisedSet struct {
	shards [16]raisedShard
	size   atomic.Int64
	seed   maphash.Seed
	once   sync.Once
}

type raisedShard struct {
	mu      sync.Mutex
	m       map[uint64]raisedParty
	cleaned int64 // unix seconds
}

// raisedParty is one party of one dialog.
type raisedParty struct {
	until  int64 // unix seconds
	mapped bool  // the other side never saw its tag: it goes on being mapped
}

const maxRaised = 100_000

// key: the call's ID is the same on both sides, whatever else is mapped.
func (s *raisedSet) key(id [16]byte, tag []byte) uint64 {
	s.once.Do(func() { s.seed = maphash.MakeSeed() })
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(id[:])
	h.Write(tag)
	return h.Sum64()
}

// add notes that the party with that tag is withheld from now on.
func (s *raisedSet) add(id [16]byte, tag []byte, mapped bool, now time.Time, d time.Duration) {
	key := s.key(id, tag)
	shard := &s.shards[key%uint64(len(s.shards))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.m == nil {
		shard.m = map[uint64]raisedParty{}
	}
	before := len(shard.m)
	if before >= maxRaised/len(s.shards) {
		shard.clean(now.Unix())
	}
	if _, known := shard.m[key]; known || len(shard.m) < maxRaised/len(s.shards) {
		shard.m[key] = raisedParty{now.Add(d).Unix(), mapped}
	}
	s.size.Add(int64(len(shard.m) - before))
}

// clean forgets what is over, at most once a minute: it looks at everything.
func (s *raisedShard) clean(now int64) {
	if now-s.cleaned < 60 {
		return
	}
	s.cleaned = now
	for k, v := range s.m {
		if v.until <= now {
			delete(s.m, k)
		}
	}
}

// has tells whether that party is withheld, and whether its tag is mapped.
func (s *raisedSet) has(id [16]byte, tag []byte, now time.Time) (mapped, ok bool) {
	if s.size.Load() == 0 || len(tag) == 0 {
		return false, false
	}
	key := s.key(id, tag)
	shard := &s.shards[key%uint64(len(s.shards))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	v, ok := shard.m[key]
	if ok && v.until <= now.Unix() {
		delete(shard.m, key)
		s.size.Add(-1)
		return false, false
	}
	return v.mapped, ok
}

// take is has, once: the party is forgotten.
func (s *raisedSet) take(id [16]byte, tag []byte, now time.Time) bool {
	if _, ok := s.has(id, tag, now); !ok {
		return false
	}
	key := s.key(id, tag)
	shard := &s.shards[key%uint64(len(s.shards))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	_, ok := shard.m[key]
	if ok {
		delete(shard.m, key)
		s.size.Add(-1)
	}
	return ok
}
