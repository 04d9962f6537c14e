package transaction

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/sip/transport"
)

// Options; zero values mean the standard's defaults (SIP-19).
type Options struct {
	T1, T2, T4 time.Duration
	C          time.Duration // timer C [3 min 10 s]
	Now        func() time.Time
	Gate       Gate   // nil: nothing is refused, no load is told
	Patrol     func() // called every 10 to 30 ms, whatever the load; nil: nothing
}

func (o *Options) setDefaults() {
	setDefault(&o.T1, 500*time.Millisecond)
	setDefault(&o.T2, 4*time.Second)
	setDefault(&o.T4, 5*time.Second)
	setDefault(&o.C, 190*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Patrol == nil {
		o.Patrol = func() {}
	}
}

func setDefault(d *time.Duration, standard time.Duration) {
	if *d <= 0 {
		*d = standard
	}
}

// Layer holds all transactions. Safe for concurrent use; it is a transport.Handler.
type Layer struct {
	options   Options
	transport Transport
	user      User

	seed    maphash.Seed
	tagSeed maphash.Seed
	servers index[*Server] // by branch, sent-by and method
	invites index[*Server] // INVITE, by Call-ID, From tag and CSeq number
	clients index[*Client] // by branch and method
	wheel   *wheel
	count   counters

	serverPool sync.Pool
	clientPool sync.Pool

	done    chan struct{}
	stopped chan struct{}
	once    sync.Once
}

// New makes a layer and starts its timer goroutine; Close stops it.
func New(o Options, t Transport, u User) *Layer {
	l := newLayer(o, t, u)
	go func() {
		defer close(l.stopped)
		l.wheel.run(l.done, t.Flush, l.options.Patrol)
	}()
	return l
}

// newLayer is a layer whose wheel does not turn.
func newLayer(o Options, t Transport, u User) *Layer {
	o.setDefaults()
	l := &Layer{
		options: o, transport: t, user: u,
		seed: maphash.MakeSeed(), tagSeed: maphash.MakeSeed(),
		wheel: newWheel(o.Now),
		done:  make(chan struct{}), stopped: make(chan struct{}),
	}
	l.servers.init()
	l.invites.init()
	l.clients.init()
	return l
}

// Close stops the timer goroutine; transactions are dropped.
func (l *Layer) Close() {
	l.once.Do(func() { close(l.done) })
	<-l.stopped
}

// Help fires timers that are due; what they send leaves with the next Flush. The layer does
// so by itself: whoever comes by often, as a reader of messages, spares it the wake-ups.
func (l *Layer) Help() { l.wheel.help() }

// SendStateless sends an ACK for a 2xx, or anything else without a transaction.
func (l *Layer) SendStateless(f transport.Flow, b []byte) error { return l.send(f, b) }

func (l *Layer) send(f transport.Flow, b []byte) error {
	l.count.sent.Add(1)
	return l.transport.Send(f, b)
}

type counters struct {
	servers, clients, pending                         atomic.Int64
	retransmitted, absorbed, strays, unparsable, sent atomic.Uint64
	refused                                           atomic.Uint64
}

// Stats is a snapshot of gauges and counters.
type Stats struct {
	Servers, Clients int    // transactions not yet terminated
	Retransmitted    uint64 // messages sent again, by a timer or because they came again
	Absorbed         uint64 // retransmissions received, and messages a machine ignores
	Strays           uint64 // responses without a transaction
	Unparsable       uint64 // messages that could not be read or matched
	Sent             uint64 // messages handed to the transport
	Refused          uint64 // requests answered 503 without state, by the gate
}

// Stats reads gauges and counters.
func (l *Layer) Stats() Stats {
	c := &l.count
	return Stats{
		Servers: int(c.servers.Load()), Clients: int(c.clients.Load()),
		Retransmitted: c.retransmitted.Load(), Absorbed: c.absorbed.Load(),
		Strays: c.strays.Load(), Unparsable: c.unparsable.Load(), Sent: c.sent.Load(),
		Refused: c.refused.Load(),
	}
}

// Pending is the number of transactions, server and client, without a final
// response (for draining).
func (l *Layer) Pending() int { return int(l.count.pending.Load()) }
