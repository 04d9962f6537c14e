package proxy

import (
	"unsafe"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/trace"
)

// recordable: every call and every message, and whatever else went out withheld.
func (c *call) recordable() bool {
	if c.p.d.Recorder == nil || !c.initial {
		return false
	}
	return c.method == message.INVITE || c.method == message.MESSAGE || c.withheld(privacy.Caller)
}

// record has the record written and the finished request wait for it; false when it need
// not wait (DESIGN D6). Recorded goes on.
func (c *call) record(w *work, b *branch) (waits bool) {
	if c.recorded || !c.recordable() {
		return false
	}
	c.recorded = true
	c.out = takeBytes(w.out)
	c.branch = b
	c.waiting = true
	c.tx.Hold()
	if c.treatment.MarkAlways {
		c.markAlways()
	}
	c.fillRecord(w)
	w.record.Egress = b.to.peer.Name
	c.p.d.Recorder.Begin(&w.record, c)
	return true
}

// Recorded is called when the record is on disk, or will not be in time: the request
// leaves in any case, unless the caller has hung up meanwhile.
func (c *call) Recorded(err error) {
	p, tx := c.p, c.tx
	tx.Lock()
	c.waiting = false
	out := c.out
	c.out = nil
	p.count.records.add(p.d.Now().Sub(c.now))
	if err != nil {
		p.note(Unrecorded)
		p.alarm.raise(p.d.Now(), Unrecorded, "calls go on without their record on disk", "cause", err.Error())
	}
	switch {
	case c.ended:
		c.giveBack()
	case c.cancelled || tx.Answered() || !tx.Alive():
	default:
		w := takeWork()
		if !c.send(w, *out, c.branch) {
			c.forward(w)
		}
		w.giveBack()
	}
	giveBytes(out)
	tx.Unlock()
	tx.Release()
}

// fillRecord writes what is remembered of the call into w.record (STANDARDS 5.1). Its texts
// are views, valid only until Begin returns.
func (c *call) fillRecord(w *work) {
	f := &c.facts
	w.record = trace.Record{
		ID: trace.ID(c.dialog.ID), Method: c.methodName(), Start: c.now,
		Calling: f.network, Trust: f.trust, Shown: f.shown, Asserted: f.asserted,
		Called: f.called, CalledClass: c.calledClass(), Withhold: f.dialled.Withhold,
		DivertedFrom: f.diverted, Chain: f.chain,
		Withheld: c.treatment.Class == rules.W && !c.treatment.Override, // not: CLIP off (LAW-07)
		Class:    c.treatment.Class, Rule: c.treatment.Rule, Revision: c.treatment.Revision,
		Ingress: c.from.Name, Source: c.flow.Remote,
		CallIDIn: view(c.m.CallID()),
		Bases:    trace.BasisTransmission | trace.BasisNuisance,
	}
	w.record.CallIDOut = w.record.CallIDIn
	if c.withheld(privacy.Caller) {
		w.buf = c.p.d.Keys.MapID(w.buf[:0], &c.dialog, c.m.CallID())
		w.record.CallIDOut = view(w.buf)
	}
	if c.treatment.Class == rules.E {
		w.record.Bases |= trace.BasisEmergency
	}
}

func (c *call) methodName() string {
	if name := c.method.String(); name != "" {
		return name
	}
	return string(c.m.MethodName())
}

func (c *call) calledClass() string {
	switch f := &c.facts; {
	case f.emergency:
		return "emergency"
	case f.called.Kind() == numbering.International:
		return "number"
	case f.called.Kind() == numbering.Short:
		return "short"
	}
	return "other"
}

// view is b as a string without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// recordRefusal remembers a call that the gateway itself refused (GPP-14). Nobody waits
// for that.
func (c *call) recordRefusal(w *work, status int) {
	if c.recorded {
		c.finish(status)
		return
	}
	if !c.recordable() {
		return
	}
	c.recorded, c.finished = true, true
	c.fillRecord(w)
	w.record.Status, w.record.End = status, c.now
	c.p.d.Recorder.Begin(&w.record, nil)
}

// finish notes the outcome in the record, once.
func (c *call) finish(status int) {
	if !c.recorded || c.finished {
		return
	}
	c.finished = true
	now := c.p.d.Now()
	rec := trace.Record{ID: trace.ID(c.dialog.ID), Status: status}
	if status/100 == 2 && c.method == message.INVITE {
		rec.Answer = now
	} else {
		rec.End = now
		if c.treatment.MarkUnanswered && c.method == message.INVITE && c.branch != nil {
			c.markByRule(&rec, trace.MarkUnanswered)
		}
	}
	c.update(&rec)
}

// noteEnd: BYE ends the call that its token tells of.
func (c *call) noteEnd(w *work) {
	if c.method != message.BYE || c.initial || c.p.d.Recorder == nil {
		return
	}
	w.record = trace.Record{ID: trace.ID(c.dialog.ID), End: c.now}
	c.p.d.Recorder.Finish(&w.record)
}

func (c *call) update(rec *trace.Record) {
	w := takeWork()
	w.record = *rec
	c.p.d.Recorder.Finish(&w.record)
	w.giveBack()
}

var _ trace.Waiter = (*call)(nil)
