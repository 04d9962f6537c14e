package transaction

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// relay is the least proxy there can be: everything goes to one place. It is the
// User of the tests that look at whole calls.
type relay struct {
	l    *Layer
	next transport.Flow
	n    atomic.Uint64

	unexpected atomic.Int64 // Malformed
	terminated atomic.Int64
}

type relayBuffers struct{ out, branch []byte }

var relayPool = sync.Pool{New: func() any { return new(relayBuffers) }}

// forward writes m with a Via of the relay's own on top.
func (r *relay) forward(w *relayBuffers, m *message.Message) {
	w.branch = strconv.AppendUint(append(w.branch[:0], "z9hG4bKrelay"...), r.n.Add(1), 10)
	b := m.Bytes()
	top := bytes.IndexByte(b, '\n') + 1
	w.out = append(w.out[:0], b[:top]...)
	w.out = append(w.out, "Via: SIP/2.0/UDP 198.51.100.1:5060;branch="...)
	w.out = append(append(w.out, w.branch...), "\r\n"...)
	w.out = append(w.out, b[top:]...)
}

func (r *relay) Request(s *Server) {
	w := relayPool.Get().(*relayBuffers)
	defer relayPool.Put(w)
	s.Trying()
	r.forward(w, s.Request())
	if _, err := s.Client(w.out, w.branch, r.next, 0); err != nil {
		s.Reply(503, "", nil)
	}
}

func (r *relay) Ack(s *Server, m *message.Message, f transport.Flow) {
	w := relayPool.Get().(*relayBuffers)
	defer relayPool.Put(w)
	r.forward(w, m)
	_ = r.l.SendStateless(r.next, w.out)
}

func (r *relay) Cancel(s *Server, m *message.Message) {
	for c := range s.Clients() {
		c.Cancel(nil)
	}
}

func (r *relay) Response(c *Client, m *message.Message) {
	if m.Status() == 100 {
		return
	}
	w := relayPool.Get().(*relayBuffers)
	defer relayPool.Put(w)
	line, b := m.First(message.HVia).Line, m.Bytes()
	w.out = append(append(w.out[:0], b[:line.Off]...), b[line.End:]...)
	c.Server().Respond(m.Status(), w.out)
}

func (r *relay) Failed(c *Client, why Failure) {
	switch {
	case c.Server().Answered():
	case why == TimerC:
		c.Cancel(nil)
	case why == TransportError:
		c.Server().Reply(503, "", nil)
	default:
		c.Server().Reply(408, "", nil)
	}
}

func (r *relay) Terminated(*Server)              { r.terminated.Add(1) }
func (r *relay) Malformed(transport.Flow, error) { r.unexpected.Add(1) }
func (r *relay) Stray(transport.Flow)            {}
