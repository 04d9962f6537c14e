package transaction

import "time"

// core is what server and client transactions have in common: the state and the
// two timers. The server transaction's lock guards it.
type core struct {
	repeat  timer // next retransmission
	until   timer // end of the state
	began   int64 // tick
	state   state
	tries   uint8 // retransmissions made in this state
	stream  bool
	pending bool // no final response, no failure yet; counted in Layer.Pending
	ours    bool // the layer's own, for CANCEL: the user hears nothing of it
}

// move makes the step that e is in this state, starts and stops timers, and tells
// what is to be done. It is not ok when the event is ignored.
func (c *core) move(l *Layer, m *machine, e event) (do action, ok bool) {
	st := m[c.state][e]
	if st.next == none {
		return 0, false
	}
	switch {
	case c.state != st.next:
		c.tries = 0
	case st.repeat == e:
		c.tries++
	}
	c.state = st.next
	c.set(l, &c.repeat, st.repeat)
	if c.set(l, &c.until, st.until) {
		c.state = m[c.state][st.until].next // a timer of zero (D, I, J, K on streams)
		c.set(l, &c.repeat, stop)
	}
	return st.do, true
}

// set starts or stops one of the two timers; atOnce means that it is zero.
func (c *core) set(l *Layer, t *timer, name event) (atOnce bool) {
	switch name {
	case keep:
		return false
	case stop:
		l.wheel.cancel(t)
		return false
	}
	d := l.options.duration(name, c.stream, c.tries)
	if name == timerB || name == timerF {
		d = max(d-tick*time.Duration(l.wheel.current.Load()-c.began), tick)
	}
	if d <= 0 {
		l.wheel.cancel(t)
		return d == 0
	}
	l.wheel.arm(t, name, d)
	return false
}

// settle takes the transaction out of the count of those without a final response.
func (c *core) settle(l *Layer) {
	if c.pending {
		c.pending = false
		l.count.pending.Add(-1)
	}
}

// enter starts the transaction in its first state.
func (c *core) enter(l *Layer, first state, owner timed, ours bool) {
	c.state, c.tries, c.began = first, 0, l.wheel.current.Load()
	c.repeat.owner, c.until.owner = owner, owner
	c.ours, c.pending = ours, !ours
	if c.pending {
		l.count.pending.Add(1)
	}
}

// fired takes note that t fired, if it is still meant to.
func (t *timer) fired(due int64) bool {
	if !t.armed || t.due != due {
		return false
	}
	t.armed = false
	return true
}
