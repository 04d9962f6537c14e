package loadtest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"clirgate/loadtest/oracle"
)

// Run is a load test: its sockets are open from New on.
type Run struct {
	config  *settings
	loops   []*Loop
	tally   oracle.Tally
	book    *Book
	rules   *subscribers
	watched []*watched

	start   time.Time
	total   *times
	sofar   Totals
	seconds []Sample
	length  time.Duration
}

// New opens the sockets of a run.
func New(c Config) (*Run, error) {
	s, err := c.settle()
	if err != nil {
		return nil, err
	}
	r := &Run{config: s, total: newTimes(3)}
	if !s.ElsewhereCallers {
		r.book = newBook(s.MaxInFlight)
	}
	callers, err := newCallers(s.CallerPrefix, s.Callers)
	if err != nil {
		return nil, err
	}
	r.rules = newSubscribers(s, callers)
	for i := range s.Loops {
		l, err := r.newLoop(i, callers)
		if err != nil {
			r.Close()
			return nil, err
		}
		r.loops = append(r.loops, l)
	}
	if err := r.open(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Run) newLoop(i int, callers *[habits][]*Caller) (*Loop, error) {
	s := r.config
	share := uint32(s.MaxInFlight / s.Loops)
	seed := s.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	l := &Loop{config: s, wheel: newWheel(0), began: time.Now(), callers: callers, random: random, seed: maphash.MakeSeed(), book: r.book}
	l.stats.init()
	l.slots = newSlots(uint32(i)*share, share, rand.Uint32())
	l.calls = make([]*leg, share)
	l.calleeGen = rand.Uint32()
	l.arrivals = &arrivals{profile: s.Profile, share: 1 / float64(s.Loops), random: random, even: s.Even}
	if s.Target != "" {
		if r.book == nil {
			return nil, errors.New("callers need a book: ElsewhereCallers goes with callees alone")
		}
		var err error
		if l.target, err = netip.ParseAddrPort(s.targetHost); err != nil {
			return nil, fmt.Errorf("target: %w", err)
		}
	}
	if s.Media {
		m, err := newMedia(l, netip.MustParseAddr("127.0.0.1"))
		if err != nil {
			return nil, err
		}
		l.media = m
	}
	return l, nil
}

// open opens callers, one each loop and address, and deals callees out to the loops.
func (r *Run) open() error {
	s := r.config
	tc, err := newTLS(s.Certificate)
	if err != nil {
		return err
	}
	add := func(l *Loop, role role, address string) error {
		ep, err := listen(l, role, address, tc)
		if err != nil {
			return err
		}
		ep.judge = oracle.Judge{Trusted: s.Trusted, WantPAI: s.WantPAI, NoMarker: s.NoMarker, Prefix: s.nationalPrefix(), Tally: &r.tally}
		if s.Lose > 0 || s.Reorder > 0 {
			ep.fault = &fault{lose: s.Lose, reorder: s.Reorder, by: heldFor, random: l.random}
		}
		l.all = append(l.all, ep)
		if role == calling {
			l.callersE = append(l.callersE, ep)
		}
		return nil
	}
	if s.Target != "" {
		addresses := s.CallerListen
		if len(addresses) == 0 {
			addresses = []string{s.network + ":127.0.0.1:0"}
		}
		for i, l := range r.loops {
			for _, a := range addresses {
				if err := add(l, calling, shift(a, i)); err != nil {
					return err
				}
			}
		}
	}
	n := 0
	for role, list := range map[role][]string{callee: s.CalleeListen, dying: s.DyingListen} {
		for _, a := range list {
			if err := add(r.loops[n%len(r.loops)], role, a); err != nil {
				return err
			}
			n++
		}
	}
	r.hideCallers()
	return nil
}

// heldFor bounds how long a reordered datagram waits.
const heldFor = 20 * time.Millisecond

// shift moves a fixed port on by n: each loop has its own sockets.
func shift(address string, n int) string {
	host, port, err := net.SplitHostPort(address)
	p, perr := strconv.Atoi(port)
	if err != nil || perr != nil || p == 0 {
		return address
	}
	return net.JoinHostPort(host, strconv.Itoa(p+n))
}

// hideCallers tells the judges the callers' addresses.
func (r *Run) hideCallers() {
	var hidden [][]byte
	for _, l := range r.loops {
		for _, ep := range l.callersE {
			hidden = append(hidden, ep.address)
		}
	}
	for _, l := range r.loops {
		for _, ep := range l.all {
			ep.judge.Addresses = hidden
		}
	}
}

// Addresses are the endpoints' own, callers first or callees.
func (r *Run) Addresses(callers bool) []string {
	var out []string
	for _, l := range r.loops {
		for _, ep := range l.all {
			if (ep.role == calling) == callers {
				out = append(out, ep.hostport.String())
			}
		}
	}
	return out
}

// Do runs the profile to its end, or until ctx is done, and waits for the calls under
// way. each, when not nil, gets a sample every second.
func (r *Run) Do(ctx context.Context, each func(Sample)) error {
	if err := r.rules.prepare(ctx); err != nil {
		return err
	}
	r.watched = newWatched(r.config.Watch)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	background, cancel := context.WithCancel(ctx)
	wg.Add(1)
	go func() { defer wg.Done(); r.rules.toggle(background) }()
	r.start = time.Now()
	for _, l := range r.loops {
		wg.Add(1)
		go func() { defer wg.Done(); l.run(r.start, stop) }()
	}
	r.watch(ctx, each)
	close(stop)
	cancel()
	wg.Wait()
	r.length = time.Since(r.start)
	r.hangUpHanging()
	r.sample()
	return nil
}

// watch takes samples until all is done.
func (r *Run) watch(ctx context.Context, each func(Sample)) {
	const every = 20 * time.Millisecond
	next := r.start.Add(time.Second)
	callersOnly := r.config.Target != ""
	drained := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		now := time.Now()
		if !now.Before(next) {
			next = next.Add(time.Second)
			s := r.sample()
			r.seconds = append(r.seconds, s)
			if each != nil {
				each(s)
			}
		}
		if !callersOnly || !r.idle(now.Sub(r.start)) {
			continue
		}
		// The callees' last acknowledgements are still on their way.
		if drained.IsZero() {
			drained = now
		}
		if now.Sub(drained) > settleTime {
			return
		}
	}
}

// settleTime is waited after the last call for what is still on its way.
const settleTime = 200 * time.Millisecond

func (r *Run) idle(since time.Duration) bool {
	for _, l := range r.loops {
		if !l.idle(since) {
			return false
		}
	}
	return true
}

// hangUpHanging counts the calls that were still under way as failed.
func (r *Run) hangUpHanging() {
	for _, l := range r.loops {
		l.mu.Lock()
		for _, g := range l.calls {
			if g != nil && g.stage != over {
				g.fail("under way when the test was stopped")
			}
		}
		l.mu.Unlock()
	}
}

// Close closes the sockets.
func (r *Run) Close() {
	for _, l := range r.loops {
		for _, ep := range l.all {
			ep.close()
		}
		if l.media != nil {
			l.media.close()
		}
	}
}

// Tally is what the oracle found.
func (r *Run) Tally() *oracle.Tally { return &r.tally }
