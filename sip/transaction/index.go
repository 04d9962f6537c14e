package transaction

import (
	"bytes"
	"sync"
)

const shards = 64

// held is a transaction whose memory can be kept.
type held interface{ hold() }

// entry is a transaction's place in an index.
type entry[T held] struct {
	hash  uint64
	next  *entry[T] // same hash
	ident []byte    // the whole key, for comparison
	tx    T
}

// index finds transactions by key. Entries live inside the transactions. What a
// lookup returns is held: it is not recycled before it is released, but it may be
// terminated by the time its lock is taken.
type index[T held] struct {
	shards [shards]shard[T]
}

type shard[T held] struct {
	mu sync.Mutex
	m  map[uint64]*entry[T]
	_  [48]byte // a cache line each
}

func (x *index[T]) init() {
	for i := range x.shards {
		x.shards[i].m = make(map[uint64]*entry[T])
	}
}

func (x *index[T]) shard(hash uint64) *shard[T] { return &x.shards[hash%shards] }

// find returns the transaction with that key, held.
func (x *index[T]) find(hash uint64, ident []byte) (tx T, ok bool) {
	s := x.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(hash, ident)
}

func (s *shard[T]) find(hash uint64, ident []byte) (tx T, ok bool) {
	for e := s.m[hash]; e != nil; e = e.next {
		if bytes.Equal(e.ident, ident) {
			e.tx.hold()
			return e.tx, true
		}
	}
	return tx, false
}

// best returns the transaction with that key and the highest score, held; of equals
// the one added last.
func (x *index[T]) best(hash uint64, ident []byte, score func(T) int) (tx T, ok bool) {
	s := x.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	top := -1
	for e := s.m[hash]; e != nil; e = e.next {
		if !bytes.Equal(e.ident, ident) {
			continue
		}
		if n := score(e.tx); n > top {
			tx, ok, top = e.tx, true, n
		}
	}
	if ok {
		tx.hold()
	}
	return tx, ok
}

// add puts e into the index.
func (x *index[T]) add(e *entry[T]) {
	s := x.shard(e.hash)
	s.mu.Lock()
	s.push(e)
	s.mu.Unlock()
}

// addNew puts e into the index unless the key is there; then it returns, held, the
// transaction that has it.
func (x *index[T]) addNew(e *entry[T]) (other T, exists bool) {
	s := x.shard(e.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, exists = s.find(e.hash, e.ident); !exists {
		s.push(e)
	}
	return other, exists
}

func (s *shard[T]) push(e *entry[T]) {
	e.next = s.m[e.hash]
	s.m[e.hash] = e
}

// remove takes e out; nothing happens when it is not in.
func (x *index[T]) remove(e *entry[T]) {
	s := x.shard(e.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	head := s.m[e.hash]
	if head == e {
		if e.next == nil {
			delete(s.m, e.hash)
		} else {
			s.m[e.hash] = e.next
		}
	}
	for p := head; p != nil; p = p.next {
		if p.next == e {
			p.next = e.next
			break
		}
	}
	e.next = nil
}
