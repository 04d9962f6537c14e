package transaction

import (
	"math/bits"
	"sync"

	"clirgate/sip/message"
)

// Buffers come in powers of two, from 512 bytes to the largest message, and are
// pooled by size, so that what lingers is at most twice what it must hold.
const (
	smallest = 9 // 2^9 = 512
	largest  = 16
)

var buffers [largest - smallest + 1]sync.Pool

// newBuffer is a buffer with a copy of b, nil when b does not fit any message.
func newBuffer(b []byte) *[]byte {
	class := max(bits.Len(uint(max(len(b), 1)-1)), smallest) - smallest
	if class >= len(buffers) {
		p := append([]byte(nil), b...)
		return &p
	}
	p, _ := buffers[class].Get().(*[]byte)
	if p == nil {
		p = new([]byte)
		*p = make([]byte, 0, 1<<(class+smallest))
	}
	*p = append((*p)[:0], b...)
	return p
}

// free gives a buffer back; nil is none.
func free(p **[]byte) {
	if *p == nil {
		return
	}
	c := cap(**p)
	if class := bits.Len(uint(c)) - 1 - smallest; class >= 0 && class < len(buffers) && c == 1<<(class+smallest) {
		buffers[class].Put(*p)
	}
	*p = nil
}

func bytesOf(p *[]byte) []byte {
	if p == nil {
		return nil
	}
	return *p
}

// messages pools messages that own their bytes.
var messages = sync.Pool{New: func() any { return new(message.Message) }}

// largeMessage bounds what a pooled message may keep in memory.
const largeMessage = 8 << 10

func copyMessage(m *message.Message) *message.Message {
	c := messages.Get().(*message.Message)
	c.CopyFrom(m)
	return c
}

func freeMessage(p **message.Message) {
	if *p != nil && cap((*p).Bytes()) <= largeMessage {
		messages.Put(*p)
	}
	*p = nil
}
