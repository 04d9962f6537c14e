package transport

import "time"

// streamQueues is how many queues connections are told apart by.
const streamQueues = 31

// measure tells how long what was just read had waited: for this connection, whose
// messages queue one behind the other, and for all connections together, which queue for
// the processors with one message each.
func (c *conn) measure() {
	told := c.options().Waited
	if told == nil {
		return
	}
	s, ok := c.raw.(interface{ came() (time.Time, bool) })
	if !ok {
		return
	}
	if came, ok := s.came(); ok {
		now := time.Now()
		all := len(c.streams.layer.sockets)
		told(all, now.Sub(came), now)
		told(all+1+int(c.flow.Conn%streamQueues), now.Sub(came), now)
	}
}
