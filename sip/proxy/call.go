package proxy

import (
	"sync"
	"time"

	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
	"clirgate/trace"
)

// call is one request on its way and what its responses need. The lock of its server
// transaction guards it. An ACK has none: its call lives as long as it is handled.
type call struct {
	p      *Proxy
	t      *table // the configuration it began with
	tx     *transaction.Server
	m      *message.Message // the request as received; nil when the transaction has let it go
	flow   transport.Flow   // where it came from
	method message.Method
	now    time.Time
	from   *peer // who sent it; the stranger when no peer is configured for the source

	uri  message.URI // of m's Request-URI
	path path

	// The dialog: what a token told, or what the first request of one begins.
	dialog    privacy.Dialog
	token     tokenKind
	initial   bool         // outside a dialog, as far as the gateway knows
	sender    privacy.Side // who sent the request
	treatment rules.Treatment
	facts     facts
	raised    [2]raising // by side: Caller, Callee

	hops     hops
	asked    query   // the name an ACK waits for
	invite   *call   // of an ACK: the INVITE it acknowledges, if that is known
	branch   *branch // the last one begun
	branches *branch // all, newest first

	out       *[]byte // finished request that waits for its record
	waiting   bool    // for the record, or for a name to be resolved
	recorded  bool
	finished  bool // the record has its outcome
	cancelled bool
	ended     bool // the transaction is gone; whoever waits gives the call back
	inquired  bool // the caller's network was asked who it is
}

// raising is how a side came to be withheld after the dialog had begun.
type raising uint8

const (
	notRaised  raising = iota
	raisedBare         // its tag and the Call-ID have been seen: they stay
	raisedNew          // they have not: they are mapped as on W
)

func side(s privacy.Side) int { return int(s - privacy.Caller) }

// branch is one attempt to reach one target.
type branch struct {
	next      *branch
	client    *transaction.Client
	to        target
	flow      transport.Flow
	hop       privacy.Hop
	id        [maxBranch]byte
	idLen     int
	bySize    bool // over TCP only because of its size
	recordTo  bool // a Record-Route of ours went with it
	responded bool
	tagShown  bool // a response of it has shown the responder's own tag
}

// work is what one step of the call path works with; pooled, used by one goroutine at a
// time.
type work struct {
	e       message.Edits
	t       privacy.Transit
	needles privacy.Needles
	dialog  privacy.Dialog // the copy that is sealed
	out     []byte         // the finished message
	other   []byte
	buf     []byte
	routes  []byte
	parties []byte // how a caller writes itself and the other side
	reread  message.Message
	record  trace.Record
}

var works = sync.Pool{New: func() any { return new(work) }}

func takeWork() *work     { return works.Get().(*work) }
func (w *work) giveBack() { w.t = privacy.Transit{}; works.Put(w) }

// buffers hold finished requests that wait; pooled apart from calls, which live longer.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func takeBytes(b []byte) *[]byte {
	p := buffers.Get().(*[]byte)
	*p = append((*p)[:0], b...)
	return p
}

func giveBytes(p *[]byte) { buffers.Put(p) }

// newCall takes a call from the pool. Slices keep their memory.
func (p *Proxy) newCall(tx *transaction.Server, m *message.Message, f transport.Flow) *call {
	c := p.calls.Get().(*call)
	c.p, c.t, c.tx, c.m, c.flow = p, p.table.Load(), tx, m, f
	c.method, c.now = m.Method(), p.d.Now()
	c.from = p.stranger
	return c
}

// keepMost bounds the memory that a pooled call keeps of one slice.
const keepMost = 2048

func kept(b []byte) []byte {
	if cap(b) > keepMost {
		return nil
	}
	return b[:0]
}

// giveBack puts a call and its branches into their pools.
func (c *call) giveBack() {
	p := c.p
	for b := c.branches; b != nil; {
		next := b.next
		*b = branch{}
		p.branches.Put(b)
		b = next
	}
	d := &c.dialog
	*c = call{
		dialog: privacy.Dialog{Self: kept(d.Self), Peer: kept(d.Peer), Target: kept(d.Target), Routes: kept(d.Routes)},
		path:   path{uri: kept(c.path.uri), next: kept(c.path.next), routes: kept(c.path.routes)},
		hops:   hops{queries: c.hops.queries[:0], targets: c.hops.targets[:0], skipped: c.hops.skipped[:0]},
	}
	p.calls.Put(c)
}

// newBranch begins an attempt.
func (c *call) newBranch(t target) *branch {
	b := c.p.branches.Get().(*branch)
	b.next, c.branches = c.branches, b
	b.to = t
	return b
}

// refuse answers the request with a response of the gateway's own (STANDARDS 6.11) and
// counts why. ACK is never answered. It answers false, so that steps end with it.
func (c *call) refuse(status int, reason string, extra []byte, why Event) bool {
	c.p.note(why)
	if c.tx != nil && c.method != message.ACK {
		c.tx.Reply(status, reason, extra)
	}
	return false
}

// Terminated: the transaction and all its clients are gone.
func (p *Proxy) Terminated(tx *transaction.Server) {
	c, ok := tx.Data.(*call)
	if !ok {
		return
	}
	if c.waiting {
		c.ended = true
		return
	}
	c.giveBack()
}

// withheld tells whether a side's identity is withheld from the other.
func (c *call) withheld(s privacy.Side) bool {
	switch {
	case c.dialog.Class == rules.E:
		return false
	case s == privacy.Caller:
		return c.dialog.CallerWithheld
	}
	return c.dialog.CalleeWithheld
}
