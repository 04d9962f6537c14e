package loadtest

import (
	"sync/atomic"

	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// timerKind says which of a leg's timers fired.
type timerKind uint8

const (
	inviteTimer  timerKind = iota // A and B of RFC 3261 17.1.1.2
	requestTimer                  // E and F
	serverTimer                   // G and H; 2xx until ACK (13.3.1.4); reliable 1xx (RFC 3262)
	stepTimer                     // the next act of the flow
	guardTimer                    // the call hangs; or, once over, its leg may go
	mediaTimer                    // the next RTP packet
)

// stage is how far a leg is.
type stage uint8

const (
	begun     stage = iota // INVITE sent or got
	ringing                // the peer rings, or we do
	cancelled              // CANCEL sent
	answered               // 2xx sent or got
	confirmed              // ACK sent or got
	leaving                // BYE sent
	over                   // done; the leg lingers for retransmissions
)

// leg is one user agent's side of one call.
type leg struct {
	loop    *Loop
	ep      *endpoint
	next    *leg // in the free list
	name    callName
	stage   stage
	flow    Flow
	does    behaviour
	asks    Identity
	variant uint32 // which way of several to ask for it
	class   oracle.Class
	page    *page
	who     *Caller
	dest    dest

	store   []byte // what the slices below point into
	callID  []byte
	local   []byte // own From or To value, with tag
	remote  []byte // the peer's, with its tag once known
	dialled []byte // the peer's as we first wrote it, without tag
	uri     []byte // Request-URI of our first INVITE
	contact []byte // own Contact URI
	target  []byte // remote target
	routes  []byte // route set as header lines

	cseq    uint32 // ours, last used
	version uint32 // of our session description
	branch  uint8  // last used
	tagged  bool   // the peer's tag is known
	asked   bool   // the flow's request within the dialog was made
	got     bool   // the peer's request within the dialog came
	byeDone bool
	inv     clientTx
	req     clientTx
	srv     serverTx
	step    timer
	guard   timer
	media   *stream

	intended int64        // when the call was to begin, Unix ns
	byeOut   atomic.Int64 // when the BYE left
}

// clientTx is a request waiting for its final response.
type clientTx struct {
	timer       timer
	msg         []byte // for retransmission
	method      wire.Method
	cseq        uint32
	branch      uint8
	active      bool
	provisional bool
	interval    int64 // ticks
	until       int64 // tick
}

// serverTx is an INVITE being answered.
type serverTx struct {
	timer    timer
	head     []byte // what all its responses have in common
	msg      []byte // last response, for retransmission
	cseq     uint32
	rseq     uint32
	final    bool
	reliable bool // a reliable provisional waits for its PRACK
	acked    bool
	interval int64
	until    int64
}

// newLeg takes a leg from the free list.
func (l *Loop) newLeg(ep *endpoint, name callName) *leg {
	g := l.free
	if g == nil {
		g = &leg{store: make([]byte, 0, storeSize)}
	} else {
		l.free = g.next
		store := g.store[:0]
		*g = leg{store: store}
	}
	g.loop, g.ep, g.name = l, ep, name
	g.inv.timer = timer{leg: g, kind: inviteTimer}
	g.req.timer = timer{leg: g, kind: requestTimer}
	g.srv.timer = timer{leg: g, kind: serverTimer}
	g.step = timer{leg: g, kind: stepTimer}
	g.guard = timer{leg: g, kind: guardTimer}
	l.legs++
	return g
}

// storeSize holds a dialog's identifiers, route set and remote target.
const storeSize = 1024

// keep copies b into the leg's store.
func (g *leg) keep(b []byte) []byte {
	at := len(g.store)
	g.store = append(g.store, b...)
	return g.store[at:len(g.store):len(g.store)]
}

// kept ends a value written at the end of store since at.
func (g *leg) kept(at int) []byte { return g.store[at:len(g.store):len(g.store)] }

// fire is what happens when one of the leg's timers is due.
func (g *leg) fire(k timerKind) {
	switch k {
	case inviteTimer:
		g.retry(&g.inv)
	case requestTimer:
		g.retry(&g.req)
	case serverTimer:
		g.retryResponse()
	case stepTimer:
		if g.ep.role == calling {
			g.callerStep()
		} else {
			g.calleeStep()
		}
	case guardTimer:
		if g.stage == over {
			g.release()
			return
		}
		g.fail("hung")
	case mediaTimer:
		g.media.turn()
	}
}

// alive notes that the call goes on.
func (g *leg) alive() {
	if g.stage != over {
		g.loop.wheel.set(&g.guard, g.loop.config.patience)
	}
}

// after arms the flow's next act.
func (g *leg) after(ticks int64) { g.loop.wheel.set(&g.step, ticks) }

// carried ends a call that went as its flow says.
func (g *leg) carried() {
	if g.stage == over {
		return
	}
	if g.ep.role == calling {
		g.loop.stats.carried[g.flow]++
	}
	g.end()
}

// fail ends a call that did not.
func (g *leg) fail(why string) {
	if g.stage == over {
		return
	}
	if g.ep.role == calling {
		g.loop.stats.fail(g.flow, why)
	} else if g.loop.config.judgesCallee() {
		g.loop.stats.calleeFail(why)
	}
	g.end()
}

// end stops the leg's timers and lets it linger.
func (g *leg) end() {
	l := g.loop
	g.stage = over
	if g.ep.role == calling {
		l.inFlight--
	}
	g.inv.stop(l)
	g.req.stop(l)
	l.wheel.stop(&g.step)
	if g.media != nil {
		g.media.stop()
		g.media = nil
	}
	l.wheel.set(&g.guard, l.config.linger)
}

// release forgets the leg; its slot may be used again.
func (g *leg) release() {
	l := g.loop
	g.inv.stop(l)
	g.req.stop(l)
	g.srv.stop(l)
	l.putBuf(&g.srv.head)
	l.wheel.stop(&g.step)
	l.wheel.stop(&g.guard)
	if g.media != nil {
		g.media.stop()
		g.media = nil
	}
	if g.ep.role == calling {
		l.slots.put(g.name.slot)
		l.calls[g.name.slot-l.slots.base] = nil
	} else {
		h := l.hash(g.callID)
		if g.ep.legs[h] == g {
			delete(g.ep.legs, h)
		}
	}
	l.legs--
	g.next, l.free = l.free, g
}
