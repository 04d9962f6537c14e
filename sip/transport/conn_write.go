package transport

import "time"

// enqueue copies b for the writing goroutine. ErrConnClosed: the connection takes
// nothing any more. A peer that lets the queue fill up is cut off.
func (c *conn) enqueue(f Flow, b []byte) error {
	c.mu.Lock()
	if c.ending || c.dead {
		c.mu.Unlock()
		return ErrConnClosed
	}
	if c.out.full(len(b)) {
		c.mu.Unlock()
		c.kill(ErrSlowReceiver)
		return ErrSlowReceiver
	}
	c.out.add(f, b)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// write is the writing goroutine.
func (c *conn) write() {
	defer close(c.written)
	var box outbox
	for c.take(&box) {
		_ = c.raw.SetWriteDeadline(time.Now().Add(c.options().Slow))
		n, err := c.nc.Write(box.b)
		c.touch()
		if err != nil {
			c.kill(err)
			c.fail(&box, n, err)
			break
		}
		c.streams.sent.Add(uint64(len(box.marks)))
		box.reset()
	}
	c.failQueued()
}

// take waits for something to write and exchanges box with it; false when there will
// be nothing, or the connection is dead.
func (c *conn) take(box *outbox) bool {
	for {
		c.mu.Lock()
		dead, ending, queued := c.dead, c.ending, !c.out.empty()
		if queued && !dead {
			c.out, *box = *box, c.out
		}
		c.mu.Unlock()
		switch {
		case dead:
			return false
		case queued:
			return true
		case ending:
			return false
		}
		select {
		case <-c.wake:
		case <-c.stop:
		case <-c.done:
		}
	}
}

// failQueued tells the senders of what is still queued on a dead connection.
func (c *conn) failQueued() {
	c.mu.Lock()
	box, cause := c.out, c.cause
	c.out = outbox{}
	c.mu.Unlock()
	c.fail(&box, 0, cause)
}

func (c *conn) fail(box *outbox, written int, err error) {
	box.unsent(written, func(f Flow, b []byte) { c.handler().SendFailed(f, b, err) })
	c.streams.layer.Flush()
}
