package transaction

import (
	"clirgate/sip/message"
	"clirgate/sip/overload"
	"clirgate/sip/transport"
)

// Gate refuses new requests before anything is kept of them, and tells neighbours that
// want to know how busy we are (RFC 7339). Its methods are called without any lock held.
type Gate interface {
	// Watching tells whether Refuses is to be asked at all: asked for every new request.
	Watching() bool
	// Refuses tells whether a new request gets 503, without state, and which header lines
	// go with that. key names its transaction: the same one when it is sent again.
	Refuses(m *message.Message, f transport.Flow, key uint64) (refused bool, extra []byte)
	// AppendReport appends the Via parameters that tell a neighbour of our load.
	AppendReport(dst []byte) []byte
}

// refused answers a request that is new and that the gate refuses.
func (l *Layer) refused(w *scratch, via *message.Via, n uint32, f transport.Flow) bool {
	w.key = appendServerKey(w.key[:0], &w.m, w.m.Method(), via, n)
	hash := l.hash(w.key)
	if s, known := l.servers.find(hash, w.key); known {
		s.release()
		return false
	}
	refused, extra := l.options.Gate.Refuses(&w.m, f, hash)
	if refused {
		l.count.refused.Add(1)
		l.answerStateless(w, via, f, 503, extra)
	}
	return refused
}

// reported is a response with our report in its topmost Via, in the place of what the
// neighbour had offered there.
func (l *Layer) reported(w *scratch, response []byte) []byte {
	m := &w.sent
	if m.Parse(response) != nil {
		return response
	}
	via, ok := m.TopVia()
	if !ok {
		return response
	}
	at, out := 0, w.told[:0]
	for p := range m.Params(via.Params) {
		if overload.IsParam(m.Get(p.Name)) {
			out = append(out, response[at:p.Whole.Off]...)
			at = int(p.Whole.End)
		}
	}
	out = append(out, response[at:via.Whole.End]...)
	out = l.options.Gate.AppendReport(out)
	w.told = append(out, response[via.Whole.End:]...)
	return w.told
}
