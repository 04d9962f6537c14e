package transport

const (
	outboxBytes    = 4 << 20  // queued on a connection before its peer counts as too slow
	outboxMessages = 16 << 10 // likewise
	outboxKeep     = 64 << 10 // larger buffers are given back when written
)

// outbox is messages on their way to a connection, in order.
type outbox struct {
	b     []byte
	marks []mark
}

// mark is the end of a message in an outbox and the flow it was sent to; without Net
// it is nobody's (keep-alive).
type mark struct {
	end  int
	flow Flow
}

func (o *outbox) empty() bool { return len(o.b) == 0 }

func (o *outbox) full(n int) bool {
	return len(o.b)+n > outboxBytes || len(o.marks) == outboxMessages
}

func (o *outbox) add(f Flow, b []byte) {
	o.b = append(o.b, b...)
	o.marks = append(o.marks, mark{len(o.b), f})
}

func (o *outbox) reset() {
	if cap(o.b) > outboxKeep {
		*o = outbox{}
	}
	o.b, o.marks = o.b[:0], o.marks[:0]
}

// unsent yields the messages that were not written whole when n bytes were.
func (o *outbox) unsent(n int, tell func(f Flow, b []byte)) {
	start := 0
	for _, m := range o.marks {
		if m.end > n && m.flow.Net != 0 {
			tell(m.flow, o.b[start:m.end])
		}
		start = m.end
	}
}
