package loadtest

// slots gives out numbers that no other call in flight has, each as late after its last
// use as can be, so that a stray of an old call does not meet a new one.
type slots struct {
	base uint32
	ring []uint32 // free slots, oldest first
	head int
	free int
	gens []uint32
}

// newSlots begins counting uses at first: transactions of an earlier run, which an
// element remembers for half a minute, must not be met again.
func newSlots(base, n, first uint32) *slots {
	s := &slots{base: base, ring: make([]uint32, n), free: int(n), gens: make([]uint32, n)}
	for i := range s.ring {
		s.ring[i], s.gens[i] = base+uint32(i), first&genMask
	}
	return s
}

// take answers a free slot and which use of it this is, never 0.
func (s *slots) take() (slot, gen uint32, ok bool) {
	if s.free == 0 {
		return 0, 0, false
	}
	slot = s.ring[s.head]
	s.head = (s.head + 1) % len(s.ring)
	s.free--
	g := &s.gens[slot-s.base]
	if *g = (*g + 1) & genMask; *g == 0 {
		*g = 1
	}
	return slot, *g, true
}

// put gives a slot back.
func (s *slots) put(slot uint32) {
	s.ring[(s.head+s.free)%len(s.ring)] = slot
	s.free++
}
