package proxy

import (
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// guarded tells whether the sender's numbers must not be in a message to that hop: it is
// withheld, and the hop is outside the trust domain, cannot carry Privacy, or leads to a
// callee that wants no numbers.
func (c *call) guarded(sender privacy.Side, next *privacy.Hop) bool {
	if !c.withheld(sender) || c.dialog.Class == rules.E {
		return false
	}
	hidden := sender == privacy.Caller && c.treatment.HideFromCallee
	return !next.Trusted && !next.Emergency || !next.SupportsPrivacy || hidden
}

// needles prepares the search for the sender's numbers. The other side's own are no
// secret from it, and the number that was called is in every message; so who calls himself
// is not searched for.
func (c *call) needles(w *work, sender privacy.Side) bool {
	d := &c.dialog
	numbers, other := d.CallerNumbers, d.CalleeNumbers
	if sender == privacy.Callee {
		numbers, other = other, numbers
		numbers[0] = 0 // as called
		other[1] = d.CalleeNumbers[0]
	}
	for i, n := range numbers {
		for _, o := range other {
			if n == o {
				numbers[i] = 0
			}
		}
	}
	w.needles.Set(c.p.d.Plan, numbers[0], numbers[1])
	return !w.needles.Empty()
}

// guard searches a finished request. A hit in the first request of a dialog means that it
// is not sent; in a later one what holds the number is taken out (STANDARDS 0.5).
func (c *call) guard(w *work, b *branch) error {
	if !c.guarded(c.sender, &b.hop) || !c.needles(w, c.sender) {
		return nil
	}
	leak, hit := findLeak(w)
	if !hit {
		return nil
	}
	c.alarmLeak(leak)
	if c.initial || !c.clean(w, leak) {
		return errLeak
	}
	return nil
}

// findLeak searches the finished message in w.out. What a response repeats of its request
// is the requester's own word and tells it nothing: in a dialog that was raised, the
// other side goes on writing the number it was shown at first.
func findLeak(w *work) (leak privacy.Leak, hit bool) {
	from := 0
	for {
		if leak, hit = w.needles.Find(w.out[from:]); !hit {
			return leak, false
		}
		leak.Off, leak.End = leak.Off+from, leak.End+from
		end, ok := repeated(w, leak)
		if !ok {
			return leak, true
		}
		from = end
	}
}

// repeated tells whether a leak is in a line of a response that its request wrote, and
// where that line ends.
func repeated(w *work, leak privacy.Leak) (end int, ok bool) {
	m := &w.reread
	if m.Parse(w.out) != nil || m.IsRequest() {
		return 0, false
	}
	for i := range m.Headers() {
		h := &m.Headers()[i]
		if int(h.Line.Off) > leak.Off || leak.Off >= int(h.Line.End) {
			continue
		}
		switch h.ID {
		case message.HVia, message.HFrom, message.HTo, message.HCallID, message.HCSeq:
			return int(h.Line.End), leak.End <= int(h.Line.End)
		}
		return 0, false
	}
	return 0, false
}

func (c *call) alarmLeak(leak privacy.Leak) {
	c.p.count.leak(leak.Vector)
	c.p.alarm.raise(c.now, LeakRequest, "leak guard: a withheld number was about to leave", "vector", leak.Vector, "method", c.method.String())
}

const maxCuts = 16 // what hits oftener is given up

// clean takes out of the finished message in w.out what holds a withheld number: the header
// line, or the whole body. false: it is in something the message cannot be without.
func (c *call) clean(w *work, leak privacy.Leak) bool {
	for range maxCuts {
		if !cut(w, leak) {
			c.p.note(LeakDropped)
			return false
		}
		c.p.note(LeakCleaned)
		var hit bool
		if leak, hit = findLeak(w); !hit {
			return true
		}
		c.p.count.leak(leak.Vector)
	}
	c.p.note(LeakDropped)
	return false
}

// cut takes one leak out of w.out.
func cut(w *work, leak privacy.Leak) bool {
	m := &w.reread
	if m.Parse(w.out) != nil {
		return false
	}
	e := &w.e
	e.Reset(m)
	at := uint16(leak.Off)
	if m.Body().Off <= at {
		e.Body(nil)
		for _, id := range bodyHeaders {
			e.RemoveAll(id)
		}
	} else if !cutLine(e, m, at) {
		return false
	}
	var err error
	if w.other, err = e.Apply(w.other[:0]); err != nil {
		return false
	}
	w.out, w.other = w.other, w.out
	return true
}

// bodyHeaders speak of a body.
var bodyHeaders = [...]message.HeaderID{
	message.HContentType, message.HContentEncoding, message.HContentDisposition,
	message.HContentID, message.HContentLocation, message.HContentDescription, message.HMIMEVersion,
}

func cutLine(e *message.Edits, m *message.Message, at uint16) bool {
	for i := range m.Headers() {
		h := &m.Headers()[i]
		if h.Line.Off <= at && at < h.Line.End {
			if !dispensable(h.ID) {
				return false
			}
			e.Remove(h.Line)
			return true
		}
	}
	return false // in the start line
}

// dispensable tells whether a message is one without that header.
func dispensable(id message.HeaderID) bool {
	switch id {
	case message.HVia, message.HFrom, message.HTo, message.HCallID, message.HCSeq, message.HMaxForwards,
		message.HContact, message.HRoute, message.HRecordRoute, message.HContentLength:
		return false
	}
	return true
}

// noteConnected keeps the numbers by which a withheld responder names itself, for the
// search: the called number is not one of them.
func (c *call) noteConnected(m *message.Message) {
	d := &c.dialog
	see := func(s message.Span) {
		na, ok := m.NameAddr(s)
		if !ok {
			return
		}
		var n numbering.Number
		if n = numberIn(c.p.d.Plan, m, na.URI); n != 0 && n != d.CalleeNumbers[0] && d.CalleeNumbers[1] == 0 {
			d.CalleeNumbers[1] = n
		}
	}
	for _, s := range m.ValuesOf(message.HPAssertedIdentity) {
		see(s)
	}
	for _, s := range m.ValuesOf(message.HContact) {
		see(s)
	}
}
