package transport

import "net/netip"

const (
	batchMessages = 64        // messages a batch
	batchBytes    = 192 << 10 // room of a batch; one message of any size fits an empty one
)

// batch is messages on their way out of a UDP socket, in order.
type batch struct {
	arena []byte
	n     int
	ends  [batchMessages]int // of message i in arena
	to    [batchMessages]netip.AddrPort
}

func newBatch() *batch { return &batch{arena: make([]byte, 0, batchBytes)} }

// add copies b; false when there is no room.
func (q *batch) add(to netip.AddrPort, b []byte) bool {
	if q.n == batchMessages || len(q.arena)+len(b) > cap(q.arena) {
		return false
	}
	q.arena = append(q.arena, b...)
	q.ends[q.n] = len(q.arena)
	q.to[q.n] = to
	q.n++
	return true
}

func (q *batch) message(i int) []byte {
	start := 0
	if i > 0 {
		start = q.ends[i-1]
	}
	return q.arena[start:q.ends[i]:q.ends[i]]
}

func (q *batch) reset() {
	q.arena = q.arena[:0]
	q.n = 0
}
