package transaction

import (
	"errors"

	"clirgate/sip/message"
	"clirgate/sip/transport"
)

// unreadable answers what is a request for all its faults, once and without state,
// and is silent on everything else.
func (l *Layer) unreadable(w *scratch, f transport.Flow, why error) {
	if errors.Is(why, message.Empty) {
		return // keep-alive
	}
	l.count.unparsable.Add(1)
	m := &w.m
	if m.IsRequest() && m.Answerable() && m.Method() != message.ACK {
		if via, ok := m.TopVia(); ok {
			l.answerStateless(w, &via, f, statusFor(why), nil)
		}
	}
	l.user.Malformed(f, why)
}

// statusFor is the status a parse error suggests.
func statusFor(err error) int {
	var e interface{ Status() int }
	if errors.As(err, &e) {
		return e.Status()
	}
	return 400
}

// answerStateless answers a request as RFC 3261 8.2.7 has it: nothing is kept, and
// a repetition gets the same answer.
func (l *Layer) answerStateless(w *scratch, via *message.Via, f transport.Flow, status int, extra []byte) {
	w.out = l.appendReply(w, &w.m, status, "", extra, f)
	if via.OC && l.options.Gate != nil {
		w.out = append(w.out[:0], l.reported(w, w.out)...)
	}
	// A response that cannot be sent is dropped (RFC 3261 16.9).
	_ = l.send(responseFlow(&w.m, via, f), w.out)
}

// ErrDiscarded: input that transport threw away before it was a message.
var ErrDiscarded = errors.New("transaction: input discarded by transport")

// Discarded counts input that was no message. Keep-alives and what exceeded a limit
// are nothing malformed.
func (l *Layer) Discarded(f transport.Flow, why transport.Discard) {
	switch why {
	case transport.DiscardTooLarge, transport.DiscardFraming, transport.DiscardSlow:
		l.count.unparsable.Add(1)
		l.user.Malformed(f, ErrDiscarded)
	}
}
