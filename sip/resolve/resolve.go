// Package resolve finds the transport, address and port to send a request to
// (RFC 3263): NAPTR, SRV, A and AAAA through github.com/miekg/dns, with a cache that
// honours the records' TTL. The call path asks the cache and never waits; what it
// does not know is looked up on a bounded number of goroutines.
package resolve

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"clirgate/sip/transport"
)

// Query is the part of a SIP URI that decides where a request goes (RFC 3263 4).
// Comparable.
type Query struct {
	Secure    bool   // sips: TLS only
	Host      string // name or address, IPv6 with or without brackets; the maddr parameter instead if there is one
	Port      uint16 // 0: none given
	Transport string // transport parameter, lower case; empty: none given
}

// Target is one place to send to.
type Target struct {
	Net  transport.Network
	Addr netip.AddrPort
}

// Options of a Resolver; zero values mean the defaults in brackets.
type Options struct {
	Servers  []string            // host:port, asked in order [those of /etc/resolv.conf]
	Networks []transport.Network // what we can send by [UDP, TCP, TLS]
	Try      time.Duration       // longest wait for one answer of one server [1 s]
	Tries    int                 // rounds through the servers [2]
	Timeout  time.Duration       // longest lookup, all its questions together [5 s]
	Workers  int                 // lookups at once [16]
	Pending  int                 // lookups waiting for a worker, beyond that ErrBusy [1024]
	MaxNames int                 // cache entries [4096]
	MaxTTL   time.Duration       // longest time an answer is believed [1 day]
	MaxStale time.Duration       // how long after that it serves while no server answers (RFC 8767) [1 h]
	IPv6     bool                // IPv6 addresses of a host before its IPv4 ones

	Now  func() time.Time      // [time.Now]
	Rand func(n uint64) uint64 // uniform in [0, n) [math/rand/v2]
}

const (
	minTTL      = time.Second
	negativeTTL = 30 * time.Second // of an answer without SOA
	maxNegative = 5 * time.Minute
	staleTTL    = 30 * time.Second // between attempts to refresh what has expired
)

// Resolver answers queries. Safe for concurrent use.
type Resolver struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	ask    func(ctx context.Context, m *dns.Msg) (*dns.Msg, error)

	mu      sync.RWMutex
	plans   map[Query]*plan
	waiting map[Query][]func([]Target, error) // lookups begun or queued
	queue   []Query
	workers int
	closed  bool
}

// New makes a Resolver; it asks nothing yet.
func New(o Options) (*Resolver, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	r := &Resolver{o: o, plans: map[Query]*plan{}, waiting: map[Query][]func([]Target, error){}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.ask = (&asker{servers: o.Servers, try: o.Try, tries: o.Tries}).ask
	return r, nil
}

func (o *Options) defaults() error {
	if len(o.Servers) == 0 {
		c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil {
			return fmt.Errorf("resolve: system configuration: %w", err)
		}
		for _, s := range c.Servers {
			o.Servers = append(o.Servers, joinHostPort(s, c.Port))
		}
	}
	if len(o.Networks) == 0 {
		o.Networks = []transport.Network{transport.UDP, transport.TCP, transport.TLS}
	}
	orDefault(&o.Try, time.Second)
	orDefault(&o.Tries, 2)
	orDefault(&o.Timeout, 5*time.Second)
	orDefault(&o.Workers, 16)
	orDefault(&o.Pending, 1024)
	orDefault(&o.MaxNames, 4096)
	orDefault(&o.MaxTTL, 24*time.Hour)
	orDefault(&o.MaxStale, time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Uint64N
	}
	return nil
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

func (r *Resolver) supports(n transport.Network) bool { return slices.Contains(r.o.Networks, n) }

// Cached appends the targets of q to dst, best first, when they are known without
// asking: numeric hosts (no allocation) and what the cache holds. ok true with nothing
// appended means that the name is known to have none. Each call draws anew among SRV
// records of one priority.
func (r *Resolver) Cached(dst []Target, q Query) (targets []Target, ok bool) {
	if dst, ok := r.direct(dst, q); ok {
		return dst, true
	}
	q = q.normal()
	now := r.o.Now()
	r.mu.RLock()
	p := r.plans[q]
	r.mu.RUnlock()
	if p == nil || !now.Before(p.expires) {
		return dst, false
	}
	if now.After(p.refresh) && p.refreshing.CompareAndSwap(false, true) {
		r.Lookup(q, func([]Target, error) {})
	}
	return p.appendTargets(dst, r.o.Rand), true
}

// Lookup resolves q and calls done exactly once, from a goroutine of the resolver,
// with targets in the order to try them or an error (ErrNoTarget, ErrTimeout, ...).
// targets is valid only during the call. Equal queries share one lookup.
func (r *Resolver) Lookup(q Query, done func(targets []Target, err error)) {
	q = q.normal()
	r.mu.Lock()
	defer r.mu.Unlock()
	callers, begun := r.waiting[q]
	switch {
	case r.closed:
		go done(nil, ErrClosed)
		return
	case !begun && len(r.queue) >= r.o.Pending:
		go done(nil, ErrBusy)
		return
	}
	r.waiting[q] = append(callers, done)
	if begun {
		return
	}
	r.queue = append(r.queue, q)
	if r.workers < r.o.Workers {
		r.workers++
		r.wg.Go(r.work)
	}
}

// work does lookups until none waits.
func (r *Resolver) work() {
	for {
		r.mu.Lock()
		if len(r.queue) == 0 {
			r.workers--
			r.mu.Unlock()
			return
		}
		q := r.queue[0]
		r.queue = r.queue[1:]
		r.mu.Unlock()
		r.resolve(q)
	}
}

// resolve looks q up, keeps what it learns, and tells who waits.
func (r *Resolver) resolve(q Query) {
	targets, ok := r.direct(nil, q)
	var p *plan
	var err error
	if !ok {
		p, err = r.find(q)
	}
	r.mu.Lock()
	callers := r.waiting[q]
	delete(r.waiting, q)
	if p != nil {
		r.keep(q, p)
	}
	r.mu.Unlock()
	for _, done := range callers {
		if p != nil {
			targets = p.appendTargets(targets[:0], r.o.Rand)
		}
		switch {
		case err != nil:
			done(nil, err)
		case len(targets) == 0:
			done(nil, ErrNoTarget)
		default:
			done(targets, nil)
		}
	}
}

// find makes the plan for q; when no server answers, an older one serves on.
func (r *Resolver) find(q Query) (*plan, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.o.Timeout)
	defer cancel()
	f := finder{r: r, ctx: ctx, ttl: r.o.MaxTTL}
	services, err := f.services(q)
	now := r.o.Now()
	if err == nil {
		return newPlan(services, now, f.ttl), nil
	}
	if r.ctx.Err() != nil {
		return nil, ErrClosed
	}
	r.mu.RLock()
	old := r.plans[q]
	r.mu.RUnlock()
	if old == nil || !now.Before(old.known.Add(r.o.MaxStale)) {
		return nil, err
	}
	return old.again(now, staleTTL), nil
}

// keep stores p; mu is held. A full cache loses what has expired, else anything.
func (r *Resolver) keep(q Query, p *plan) {
	if _, known := r.plans[q]; !known && len(r.plans) >= r.o.MaxNames {
		now := r.o.Now()
		maps.DeleteFunc(r.plans, func(_ Query, p *plan) bool { return !now.Before(p.expires) })
		for other := range r.plans {
			if len(r.plans) < r.o.MaxNames {
				break
			}
			delete(r.plans, other)
		}
	}
	r.plans[q] = p
}

// Close ends all lookups (ErrClosed) and waits for their callbacks.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
}
