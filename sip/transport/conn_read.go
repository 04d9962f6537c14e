package transport

import (
	"errors"
	"io"
	"os"
	"time"
)

// end is how reading a connection ended.
type end uint8

const (
	endFinished   end = iota // idle, or we are closing
	endHalfClosed            // the peer has stopped sending and may wait for responses
	endRefused               // the peer sent what cannot be read on
	endBroken
)

// read reads until the connection is of no more use for it.
func (c *conn) read() end {
	in := inbox{max: c.options().MaxMessage}
	f := framer{max: c.options().MaxMessage}
	blanks := 0
	var began time.Time // of a message incomplete yet
	for {
		if !c.armRead(began) {
			return endFinished
		}
		n, err := c.nc.Read(in.space())
		if n > 0 {
			in.added(n)
			c.touch()
			c.measure()
			whole, why := c.deliver(&in, &f, &blanks)
			if why != 0 {
				c.discard(why)
				return endRefused
			}
			c.streams.layer.Flush()
			began = begins(began, len(in.bytes()) > 0, whole)
			c.partial.Store(!began.IsZero())
		}
		if err == nil {
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && began.IsZero() && c.stillUsed() {
			continue
		}
		return c.readEnd(err, !began.IsZero())
	}
}

// begins is when the incomplete message began to come.
func begins(began time.Time, partial, whole bool) time.Time {
	switch {
	case !partial:
		return time.Time{}
	case began.IsZero() || whole:
		return time.Now()
	}
	return began
}

// armRead sets how long to wait for input; false when the connection is to end.
func (c *conn) armRead(began time.Time) bool {
	deadline := time.Unix(0, c.active.Load()).Add(c.options().Idle)
	if !began.IsZero() {
		deadline = began.Add(c.options().Slow)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ending && c.raw.SetReadDeadline(deadline) == nil
}

// stillUsed: there was traffic after the deadline had been set.
func (c *conn) stillUsed() bool {
	return time.Now().UnixNano()-c.active.Load() < int64(c.options().Idle)
}

// deliver gives whole messages to the Handler; whole: there was one. A reason to
// discard means that the rest cannot be read.
func (c *conn) deliver(in *inbox, f *framer, blanks *int) (whole bool, why Discard) {
	for {
		c.skipBlank(in, f, blanks)
		b := in.bytes()
		if len(b) == 0 {
			return whole, 0
		}
		n, what := f.next(b)
		switch what {
		case frameMore:
			return whole, 0
		case frameBad:
			return whole, DiscardFraming
		case frameTooLarge:
			return whole, DiscardTooLarge
		}
		whole = true
		c.carried.Store(true)
		c.streams.received.Add(1)
		c.handler().Receive(b[:n], c.flow)
		in.took(n)
		f.reset()
		if what == frameNoLength {
			return whole, DiscardFraming
		}
	}
}

// skipBlank takes line ends before a message off and answers a keep-alive: CRLF for
// CRLFCRLF (RFC 5626 4.4.1). blanks counts the bytes of it that have come.
func (c *conn) skipBlank(in *inbox, f *framer, blanks *int) {
	if f.pos > 0 { // within a message
		return
	}
	for b := in.bytes(); len(b) > 0; b = b[1:] {
		switch {
		case b[0] == "\r\n"[*blanks%2]:
			*blanks++
		case b[0] == '\r':
			*blanks = 1
		case b[0] == '\n':
			*blanks = 0
		default:
			*blanks = 0
			return
		}
		in.took(1)
		if *blanks == 4 {
			*blanks = 0
			_ = c.enqueue(Flow{}, crlf)
			c.discard(DiscardEmpty)
		}
	}
}

// readEnd judges a read error.
func (c *conn) readEnd(err error, partial bool) end {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		if partial && !c.isEnding() {
			c.discard(DiscardSlow)
			return endRefused
		}
		return endFinished
	case !errors.Is(err, io.EOF) || partial:
		if partial {
			c.discard(DiscardFraming)
		}
		if errors.Is(err, io.EOF) {
			return endFinished
		}
		return endBroken
	case c.dialled || !c.carried.Load():
		return endFinished
	}
	return endHalfClosed
}

func (c *conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending || c.dead
}

func (c *conn) discard(why Discard) { c.handler().Discarded(c.flow, why) }
