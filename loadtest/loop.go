package loadtest

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Loop owns sockets, calls and timers of both sides; one goroutine turns it. Readers of
// streams take its lock for a message.
type Loop struct {
	mu       sync.Mutex
	config   *settings
	target   netip.AddrPort
	wheel    *wheel
	callersE []*endpoint // endpoints calls come from, in turn
	turns    int
	all      []*endpoint
	book     *Book
	slots    *slots
	calls    []*leg // by slot
	free     *leg
	legs     int
	inFlight int
	bufs     [][]byte
	callers  *[habits][]*Caller
	random   *rand.Rand
	arrivals *arrivals
	stats    stats
	media    *media
	seed     maphash.Seed
	scratch  []byte

	began     time.Time // of the wheel
	calleeGen uint32
}

// clock is Unix ns; the kernel's stamps are of the same clock.
func (l *Loop) clock() int64 { return time.Now().UnixNano() }

func (l *Loop) hash(b []byte) uint64 { return maphash.Bytes(l.seed, b) }

// getBuf and putBuf keep buffers of messages waiting to be repeated.
func (l *Loop) getBuf() []byte {
	if n := len(l.bufs); n > 0 {
		b := l.bufs[n-1]
		l.bufs = l.bufs[:n-1]
		return b
	}
	return make([]byte, 0, 1024)
}

func (l *Loop) putBuf(b *[]byte) {
	if *b != nil {
		l.bufs = append(l.bufs, (*b)[:0])
		*b = nil
	}
}

// perTurn bounds what a turn receives on one socket before timers get their chance.
const perTurn = 1024

// turn does everything that is due. start is when arrivals count from; zero: none yet.
func (l *Loop) turn(start time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ep := range l.all {
		if ep.udp != nil {
			ep.release(l.clock())
			l.receive(ep)
		}
	}
	now := time.Now()
	l.wheel.advance(int64(now.Sub(l.began)/tick), func(t *timer) { t.leg.fire(t.kind) })
	if l.media != nil {
		l.media.receive()
	}
	l.dyingTurn()
	if !start.IsZero() && len(l.callersE) > 0 {
		l.arrive(start, now)
	}
	for _, ep := range l.all {
		ep.flush()
	}
	if l.media != nil {
		l.media.flush()
	}
}

func (l *Loop) receive(ep *endpoint) {
	ep.udp.receive(perTurn, func(b []byte, from netip.AddrPort, at int64) {
		ep.receive(b, dest{addr: from}, at)
	})
	ep.flush()
}

// arrive starts the calls whose time has come.
func (l *Loop) arrive(start, now time.Time) {
	for {
		at, ok := l.arrivals.due(now.Sub(start))
		if !ok {
			return
		}
		id, flow := l.config.Mix.draw(l.random)
		ep := l.callersE[l.turns%len(l.callersE)]
		l.turns++
		intended := start.Add(at)
		l.stats.late(now.Sub(intended))
		l.place(ep, id, flow, intended.UnixNano())
	}
}

// dyingTurn lets callees die and return: they hear and say nothing meanwhile. Calls
// that rang go on ringing, and are answered once the callee is back.
func (l *Loop) dyingTurn() {
	period := int64(l.config.DyingEvery / tick)
	for _, ep := range l.all {
		if ep.role != dying {
			continue
		}
		ep.dead = l.wheel.now/period%2 == 1
	}
}

// run turns the loop until stop is closed.
func (l *Loop) run(start time.Time, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		began := time.Now()
		l.turn(start)
		if rest := l.config.Turn - time.Since(began); rest > 0 {
			time.Sleep(rest)
		}
	}
}

// idle tells whether no call of the loop is under way, and that none will come.
func (l *Loop) idle(since time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight == 0 && l.arrivals.over(since)
}
