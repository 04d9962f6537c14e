// Package health asks targets by OPTIONS whether they are there (RFC 3261 11), as a
// sipgo client, and tells the call path which are silent. Nothing of a message is
// ever logged: sipgo's loggers are silenced.
//
// The questions leave from a port of their own: a peer that answers only the
// gateway's SIP port must not be checked.
package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"clirgate/sip/transport"
)

// Target is something to ask; zero values mean the defaults in brackets. Comparable.
type Target struct {
	Name     string // for the callback
	Net      transport.Network
	Addr     netip.AddrPort
	URI      string        // Request-URI [sip: and the address]
	Local    netip.Addr    // to ask from [any]
	Every    time.Duration // from one answer to the next question [30 s]
	Timeout  time.Duration // longest wait for an answer [2 s]
	Down     int           // failures in a row that take it out [3]
	Up       int           // answers in a row that take it back [1]
	BusyDown bool          // 503 counts as a failure; any other final response is a sign of life
}

// Options of a Checker; zero values mean the defaults in brackets.
type Options struct {
	Hostname string                                 // of From [invalid]
	TLS      *tls.Config                            // client side [TLS 1.2 or later, system roots]
	Changed  func(t Target, up bool)                // from the checking goroutine; not to call Set or Close
	After    func(d time.Duration) <-chan time.Time // [time.After]
	Checked  func(t Target, status int, alive bool) // after every question; status 0: no answer
}

// Checker asks its targets, each on a goroutine of its own. Safe for concurrent use.
type Checker struct {
	o      Options
	ua     *sipgo.UserAgent
	client *sipgo.Client
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	states atomic.Pointer[map[key]*state] // never changed once stored
}

type key struct {
	net  transport.Network
	addr netip.AddrPort
}

// state is what is known of a target.
type state struct {
	target Target
	stop   context.CancelFunc
	down   atomic.Bool
	streak int // results in a row that speak against what down says; the goroutine's own
}

var silence = sync.OnceFunc(func() { sip.SetDefaultLogger(slog.New(slog.DiscardHandler)) })

// New makes a Checker without targets.
func New(o Options) (*Checker, error) {
	silence()
	if o.After == nil {
		o.After = time.After
	}
	if o.Hostname == "" {
		o.Hostname = "anonymous.invalid"
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	quiet := slog.New(slog.DiscardHandler)
	ua, err := sipgo.NewUA(
		sipgo.WithUserAgent("clirgate"), sipgo.WithUserAgentHostname(o.Hostname), sipgo.WithUserAgenTLSConfig(o.TLS),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)),
	)
	if err != nil {
		return nil, fmt.Errorf("health: user agent: %w", err)
	}
	client, err := sipgo.NewClient(ua, sipgo.WithClientLogger(quiet), sipgo.WithClientNAT())
	if err != nil {
		_ = ua.Close()
		return nil, fmt.Errorf("health: client: %w", err)
	}
	c := &Checker{o: o, ua: ua, client: client}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.states.Store(&map[key]*state{})
	return c, nil
}

// Up tells whether a target answers; what is not checked, or not known to be silent
// yet, is up. No lock, no allocation.
func (c *Checker) Up(n transport.Network, a netip.AddrPort) bool {
	s := (*c.states.Load())[key{n, a}]
	return s == nil || !s.down.Load()
}

// Set replaces the targets. Those that stay keep what is known of them; of several
// with one network and address the first counts.
func (c *Checker) Set(targets []Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	old := *c.states.Load()
	next := make(map[key]*state, len(targets))
	for _, t := range targets {
		t = t.withDefaults()
		k := key{t.Net, t.Addr}
		switch was := old[k]; {
		case next[k] != nil:
		case was != nil && was.target == t:
			next[k] = was
		default:
			next[k] = c.begin(t, was)
		}
	}
	for k, was := range old {
		if next[k] != was {
			was.stop()
		}
	}
	c.states.Store(&next)
}

func (t Target) withDefaults() Target {
	t.Addr = netip.AddrPortFrom(t.Addr.Addr().Unmap(), t.Addr.Port())
	if t.Every <= 0 {
		t.Every = 30 * time.Second
	}
	if t.Timeout <= 0 {
		t.Timeout = 2 * time.Second
	}
	if t.Down <= 0 {
		t.Down = 3
	}
	if t.Up <= 0 {
		t.Up = 1
	}
	return t
}

// begin starts to ask t; was is what is known of its address.
func (c *Checker) begin(t Target, was *state) *state {
	ctx, stop := context.WithCancel(c.ctx)
	s := &state{target: t, stop: stop}
	if was != nil {
		s.down.Store(was.down.Load())
	}
	c.wg.Go(func() {
		defer stop()
		c.watch(ctx, s)
	})
	return s
}

// watch asks until ctx is done.
func (c *Checker) watch(ctx context.Context, s *state) {
	for {
		status := c.ask(ctx, s.target)
		if ctx.Err() != nil {
			return
		}
		alive := status != 0 && !(s.target.BusyDown && status == sip.StatusServiceUnavailable)
		changed := s.note(alive)
		if c.o.Checked != nil {
			c.o.Checked(s.target, status, alive)
		}
		if changed && c.o.Changed != nil {
			c.o.Changed(s.target, alive)
		}
		select {
		case <-c.o.After(s.target.Every):
		case <-ctx.Done():
			return
		}
	}
}

// note counts a result; true when it changes the state.
func (s *state) note(alive bool) bool {
	down := s.down.Load()
	if alive != down {
		s.streak = 0
		return false
	}
	s.streak++
	if limit := s.target.limit(down); s.streak < limit {
		return false
	}
	s.streak = 0
	s.down.Store(!down)
	return true
}

func (t Target) limit(down bool) int {
	if down {
		return t.Up
	}
	return t.Down
}

// Close stops asking and waits.
func (c *Checker) Close() error {
	c.mu.Lock()
	was := c.closed
	c.closed = true
	c.mu.Unlock()
	if was {
		return nil
	}
	c.cancel()
	c.wg.Wait()
	if err := c.ua.Close(); err != nil {
		return fmt.Errorf("health: closing the user agent: %w", err)
	}
	return nil
}
