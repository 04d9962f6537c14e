package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
	"clirgate/trace"
)

// Explanation is what the gateway would do with a request, and why.
type Explanation struct {
	From     string // the peer it comes from; empty: nobody known
	Boundary Boundary

	Decided   bool // the decision was reached
	Facts     rules.Call
	Dialled   numbering.Dialled
	Treatment rules.Treatment
	Steps     []rules.Step

	Next    *NextHop // nil: it goes nowhere
	Others  []NextHop
	Before  []byte // the request as received
	After   []byte // as it leaves; nil: it does not
	Headers []HeaderStep

	Status int      // of the gateway's own final answer, 0: none
	Phrase string   // its reason
	Note   string   // what that depends on, where the answer cannot be told from the request
	Events []string // what would be counted (Event)
}

// NextHop is a place to send to.
type NextHop struct {
	Peer     string // empty: no configured one
	Boundary Boundary
	Trusted  bool
	Net      transport.Network
	Addr     netip.AddrPort
}

// HeaderStep is what becomes of one header line. Added lines have no Before, removed ones
// no After.
type HeaderStep struct {
	Name   string
	Before string
	After  string
	Action privacy.Action // zero: added by the gateway
	Why    string         // where that is written
}

var (
	// ErrUnreadable: what was given is no SIP request. Wrapped around the cause.
	ErrUnreadable = errors.New("proxy: no SIP request")
	// ErrInDialog: only requests that may begin a dialog are explained.
	ErrInDialog = errors.New("proxy: the request belongs to a dialog")
	// ErrNoListener: no listener serves the source's transport and address family.
	ErrNoListener = errors.New("proxy: no listener for this source")
	// ErrUnresolved: a next hop's name was not resolved in time.
	ErrUnresolved = errors.New("proxy: the next hop's name is not resolved")
)

// Explain tells what would become of a request that comes from an address now, under the
// given rules (nil: those in force). It is the call path itself that is run, over a
// transport that only keeps what it is given: nothing is sent, counted or recorded.
//
// The run has a key ring of its own. So no token or identifier of a real call opens in
// it: an explanation never tells who a withheld caller is, and what it makes is of no use
// on the wire.
func (p *Proxy) Explain(ctx context.Context, msg []byte, from transport.Flow, with *rules.Snapshot) (*Explanation, error) {
	var m message.Message
	if err := m.Parse(msg); err != nil {
		return nil, errors.Join(ErrUnreadable, err)
	}
	_, _, numbered := m.CSeq()
	_, via := m.TopVia()
	switch {
	case !m.IsRequest() || !numbered || !via || m.Method() == message.ACK || m.Method() == message.CANCEL:
		return nil, ErrUnreadable
	case len(m.ToTag()) > 0:
		return nil, ErrInDialog
	}
	listener, ok := p.d.Transport.Pick(from.Net, from.Remote.Addr())
	if !ok {
		return nil, ErrNoListener
	}
	from.Listener = listener
	run, err := p.rehearse(with)
	if err != nil {
		return nil, err
	}
	layer := transaction.New(transaction.Options{}, run, run.proxy)
	defer layer.Close()
	layer.Receive(msg, from)
	select {
	case <-run.done:
	case <-ctx.Done():
		return nil, ErrUnresolved
	}
	return run.result(&m), nil
}

// SourceOf is an address that a peer's messages may come from; ok false when it has none.
func (p *Proxy) SourceOf(name string) (from transport.Flow, ok bool) {
	t := p.table.Load()
	var known *peer
	for _, q := range t.peers {
		if q.Name == name {
			known = q
		}
	}
	if known == nil {
		return from, false
	}
	var list []netip.AddrPort
	for _, s := range known.From {
		port := s.Port
		if port == 0 {
			port = 5060
		}
		list = append(list, netip.AddrPortFrom(s.Prefix.Addr(), port), netip.AddrPortFrom(s.Prefix.Addr().Next(), port))
	}
	for _, at := range p.addresses(known) {
		list = append(list, at.Addr)
	}
	for _, at := range list {
		if t.source(at) != known {
			continue
		}
		for n := transport.UDP; n <= transport.TLS; n++ {
			if _, ok := p.d.Transport.Pick(n, at.Addr()); ok {
				return transport.Flow{Net: n, Remote: at}, true
			}
		}
	}
	return from, false
}

// rehearsal is one run of the call path without consequences. It is the transport of the
// run's transactions.
type rehearsal struct {
	proxy *Proxy
	once  sync.Once
	done  chan struct{} // closed with the outcome

	mu   sync.Mutex // the run may go on after its end, when a name is resolved late
	told Explanation
	rows []headerRow
	over bool
}

// headerRow is what the table said of one line of the request.
type headerRow struct {
	line   message.Span
	action privacy.Action
	why    string
}

// rehearse makes a proxy that is as p is now, with counters, keys and memory of its own.
func (p *Proxy) rehearse(with *rules.Snapshot) (*rehearsal, error) {
	r := &rehearsal{done: make(chan struct{})}
	q := &Proxy{d: p.d, seed: p.seed, own: p.own, silent: p.silent, noTCP: p.noTCP, raised: new(raisedSet), asked: new(raisedSet), named: newNamedCalls(), rehearsal: r}
	q.d.Recorder = nil
	if q.d.Marks != nil {
		q.d.Marks = unmarked{r}
	}
	q.d.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	now := p.d.Now()
	t := p.table.Load()
	q.d.Keys = privacy.MemoryKeys(t.maxCall, now.Add(-time.Minute))
	if with == nil {
		with = p.snapshot()
	}
	q.d.Rules = rules.TableOf(with)
	q.prepare()
	q.draining.Store(p.Draining())
	r.proxy = q
	err := q.Reconfigure(t.config)
	for name, tally := range q.tallies.m {
		tally.drained.Store(p.tallies.of(name).drained.Load())
	}
	return r, err
}

// unmarked is the Marker of a rehearsal: it tells what would be done and does nothing. It
// looks for no call: whether one came is not for those to know who ask for explanations.
type unmarked struct{ r *rehearsal }

func (u unmarked) Mark(_ trace.Marking, told func(error)) {
	if told != nil {
		go told(nil)
	}
}

func (u unmarked) MarkLast(_ trace.Marking, told func(error)) {
	u.r.mu.Lock()
	u.r.told.Note = "the last withheld call to this line is marked as malicious; when none came of late the answer is 404 " + noCallToMark
	u.r.mu.Unlock()
	go told(nil)
}

// Send keeps the first request, or the answer to the sender.
func (r *rehearsal) Send(_ transport.Flow, b []byte) error {
	var m message.Message
	if m.Parse(b) != nil || !m.IsRequest() && m.Status() < 200 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil
	}
	r.over = true
	if m.IsRequest() {
		r.told.After = append([]byte(nil), b...)
	} else {
		r.told.Status, r.told.Phrase = m.Status(), string(m.Get(m.Reason()))
		r.told.Next, r.told.Others = nil, nil
	}
	r.once.Do(func() { close(r.done) })
	return nil
}

// Flush has nothing to do.
func (r *rehearsal) Flush() {}

// admitted notes who sends.
func (r *rehearsal) admitted(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told.From, r.told.Boundary = p.Name, p.Boundary
}

// decided notes the decision: the same walk as Decide, its steps kept.
func (r *rehearsal) decided(s *rules.Snapshot, f *rules.Call, c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told.Decided, r.told.Facts, r.told.Dialled = true, *f, c.facts.dialled
	r.told.Treatment, r.told.Steps = rules.Explain(s, f)
}

// attempt notes where the request is about to go.
func (r *rehearsal) attempt(c *call, b *branch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = r.rows[:0]
	hop := nextHop(target{peer: b.to.peer, at: transportTarget{Net: b.flow.Net, Addr: b.to.at.Addr}})
	r.told.Next, r.told.Others = &hop, nil
	for _, t := range c.hops.targets {
		if t.at.Addr != b.to.at.Addr || t.peer != b.to.peer {
			r.told.Others = append(r.told.Others, nextHop(t))
		}
	}
}

func nextHop(t target) NextHop {
	return NextHop{Peer: t.peer.Name, Boundary: t.peer.Boundary, Trusted: t.peer.Boundary == Trusted, Net: t.at.Net, Addr: t.at.Addr}
}

// row notes what the table says of one line.
func (r *rehearsal) row(h *message.Header, action privacy.Action, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, headerRow{h.Line, action, why})
}

// result is the explanation of m.
func (r *rehearsal) result(m *message.Message) *Explanation {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &r.told
	e.Before = m.Bytes()
	for event, n := range r.proxy.Stats().Events {
		if n > 0 {
			e.Events = append(e.Events, event)
		}
	}
	if e.After != nil {
		e.Headers = compare(m, e.After, r.rows)
	}
	return e
}
