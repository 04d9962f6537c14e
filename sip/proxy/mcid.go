package proxy

import (
	"errors"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/trace"
)

// Marker keeps marks of malicious calls (TS 24.616). It never blocks; told is called once,
// from another goroutine, with nil when the mark is durable. told may be nil.
type Marker interface {
	Mark(m trace.Marking, told func(error))
	// MarkLast marks the last withheld call to a number; ErrNoCall when there is none of
	// late.
	MarkLast(m trace.Marking, told func(error))
}

// ErrNoCall: no call to mark.
var ErrNoCall = errors.New("proxy: no withheld call to mark")

// What a subscriber is told who marks a call. A phone shows the phrase, or plays a tone:
// the one of a refusal for what was done, another one for what was not. 603, because
// nobody then tries elsewhere [decision].
const (
	marked        = "Call Marked"
	noCallToMark  = "No Call To Mark"
	notMarked     = "Call Not Marked"
	notArranged   = "Malicious Call Identification Not Provided"
	statusMarked  = 603
	statusNoCall  = 404
	statusFailed  = 503
	statusRefused = 403
)

// mayMark tells whether a number may have its calls marked: provided by arrangement
// (GPP-16).
func (c *call) mayMark(n numbering.Number) bool {
	s, _ := c.p.snapshot().Subscriber(n, c.now)
	return n != 0 && s.MCID != rules.MCIDNone
}

// markLast: the code that marks the last call was dialled. The number of the line it was
// dialled on is the one that was called.
func (c *call) markLast() bool {
	if c.method != message.INVITE || c.p.d.Marks == nil {
		return c.refuse(484, "", nil, Incomplete)
	}
	c.readIdentity()
	if !c.mayMark(c.facts.network) || c.from.Boundary != Access && !c.from.asserts() {
		return c.refuse(statusRefused, notArranged, nil, MarkRefused)
	}
	m := trace.Marking{Called: c.facts.network, At: c.now, How: trace.MarkCode}
	c.awaitMark(m, c.p.d.Marks.MarkLast, func(err error) {
		switch {
		case err == nil:
			c.refuse(statusMarked, marked, nil, Marked)
		case errors.Is(err, ErrNoCall):
			c.refuse(statusNoCall, noCallToMark, nil, MarkRefused)
		default:
			c.unmarked(err)
			c.refuse(statusFailed, notMarked, nil, MarkFailed)
		}
	})
	return false
}

// mark: the called party marks the call it is in, by a body of a request in its dialog.
// The sealed token says which call that is, so any gateway can tell, after any restart.
// INFO with nothing else is answered here and goes nowhere. Others go on without the body,
// as the table has it: a re-INVITE asks for an answer that only the other side can give
// (RFC 3261 14.2), so it is neither answered here nor kept from it.
func (c *call) mark(*work) bool {
	if c.token == noToken || c.initial || c.dialog.Class == rules.E || !mayHoldMark(c.method) || !c.m.Has(message.HContentType) {
		return true
	}
	found, alone := privacy.MaliciousCall(c.m)
	if !found || c.p.d.Marks == nil {
		return true
	}
	info := alone && c.method == message.INFO
	if info && c.sender == privacy.Caller && c.takeIdentity() {
		return false
	}
	if c.sender != privacy.Callee || !c.mayMark(c.dialog.CalleeNumbers[0]) {
		// A trusted neighbour may have something to say of its own side (GPP-17).
		if info && c.from.Boundary != Trusted {
			return c.refuse(statusRefused, notArranged, nil, MarkRefused)
		}
		c.p.note(MarkRefused)
		return true
	}
	m := trace.Marking{Record: trace.ID(c.dialog.ID), Called: c.dialog.CalleeNumbers[0], At: c.now, How: trace.MarkMessage}
	c.awaitMark(m, c.p.d.Marks.Mark, func(err error) {
		switch {
		case err != nil && info:
			c.unmarked(err)
			c.refuse(statusFailed, notMarked, nil, MarkFailed)
		case err != nil: // the session must not suffer from it
			c.unmarked(err)
			c.p.note(MarkFailed)
			c.goOn()
		case info:
			c.p.note(Marked)
			c.tx.Reply(200, "", nil)
		default:
			c.p.note(Marked)
			c.goOn()
		}
	})
	return false
}

func mayHoldMark(m message.Method) bool {
	return m == message.INFO || m == message.INVITE || m == message.UPDATE
}

// awaitMark has a mark kept; then goes on, unless the request is over meanwhile. The
// transaction's lock is given back in between.
func (c *call) awaitMark(m trace.Marking, keep func(trace.Marking, func(error)), then func(error)) {
	p, tx := c.p, c.tx
	c.waiting = true
	tx.Hold()
	keep(m, func(err error) {
		tx.Lock()
		c.waiting = false
		switch {
		case c.ended:
			c.giveBack()
		case c.cancelled || tx.Answered() || !tx.Alive():
		default:
			then(err)
		}
		tx.Unlock()
		tx.Release()
		p.d.Transport.Flush()
	})
}

// goOn takes the step that mark stands before.
func (c *call) goOn() {
	w := takeWork()
	c.forward(w)
	w.giveBack()
}

func (c *call) unmarked(err error) {
	c.p.alarm.raise(c.p.d.Now(), MarkFailed, "a malicious call could not be marked", "cause", err.Error())
}

// markByRule marks a call whose called party has it so: in its record, and for a case.
// Nobody waits for that.
func (c *call) markByRule(rec *trace.Record, how trace.Mark) {
	if c.method != message.INVITE && c.method != message.MESSAGE {
		return
	}
	now := c.p.d.Now()
	rec.Mark, rec.Marked = how, now
	c.p.note(Marked)
	if c.p.d.Marks != nil {
		c.p.d.Marks.Mark(trace.Marking{Record: trace.ID(c.dialog.ID), Called: c.facts.called, At: now, How: how}, nil)
	}
}

// markAlways marks the call before its record is written: the mark is then on the disk
// when the record is.
func (c *call) markAlways() {
	rec := trace.Record{ID: trace.ID(c.dialog.ID)}
	c.markByRule(&rec, trace.MarkAlways)
	c.p.d.Recorder.Finish(&rec)
}
