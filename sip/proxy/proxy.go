package proxy

import (
	"hash/maphash"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/overload"
	"clirgate/sip/privacy"
	"clirgate/sip/resolve"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
	"clirgate/trace"
)

// Health tells the call path which targets are silent.
type Health interface {
	Up(n transport.Network, a netip.AddrPort) bool
}

// Deps is what the proxy works with.
type Deps struct {
	Transport *transport.Layer
	Resolver  *resolve.Resolver // nil: numeric targets only
	Health    Health            // nil: everything is up
	Rules     *rules.Table      // nil: rules cannot be read (D9)
	Plan      *numbering.Plan
	Keys      *privacy.KeyRing
	Recorder  *trace.Recorder // nil: nothing is recorded (tests)
	Marks     Marker          // nil: nobody can mark a call
	Log       *slog.Logger    // nil: nothing is logged
	Now       func() time.Time
	Overload  *overload.Controller // nil: nobody is ever refused for it
}

// Proxy is the transaction user. Safe for concurrent use.
type Proxy struct {
	d        Deps
	table    atomic.Pointer[table]
	own      []own
	draining atomic.Bool

	count    counters
	tallies  tallies
	stranger *peer
	raised   *raisedSet
	asked    *raisedSet // for a caller's identity, and not answered yet
	named    *namedCalls
	silent   *cooldown // targets that did not answer lately
	noTCP    *cooldown // targets that refused TCP lately
	alarm    alarm
	shed     *shed
	throttles
	seed     maphash.Seed // of the loop hash
	calls    sync.Pool
	branches sync.Pool

	rehearsal *rehearsal // of a run that is only explained; nil on the call path
}

var _ transaction.User = (*Proxy)(nil)

// New makes a proxy. An error says which entry of the configuration is wrong.
func New(c *Config, d Deps) (*Proxy, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	p := &Proxy{
		d: d, seed: maphash.MakeSeed(), own: ownAddresses(d.Transport),
		raised: new(raisedSet), asked: new(raisedSet), named: newNamedCalls(), silent: new(cooldown), noTCP: new(cooldown),
		shed: new(shed),
	}
	p.prepare()
	return p, p.Reconfigure(c)
}

// prepare makes what a proxy counts with and takes its memory from.
func (p *Proxy) prepare() {
	p.stranger = newStranger(p.tallies.of(""))
	p.calls.New = func() any { return new(call) }
	p.branches.New = func() any { return new(branch) }
	p.alarm.log = p.d.Log
}

// Reconfigure puts another configuration in force for requests that come from now on.
// When it is refused, the present one stays.
func (p *Proxy) Reconfigure(c *Config) error {
	t, err := compile(c, p.tallies.of)
	if err != nil {
		return err
	}
	if t.domain == "" {
		t.domain = p.defaultDomain()
	}
	p.table.Store(t)
	return nil
}

// defaultDomain is the host we advertise.
func (p *Proxy) defaultDomain() string {
	if p.d.Transport.Listeners() == 0 {
		return "invalid"
	}
	name := p.d.Transport.Advertised(0)
	if host, _, err := net.SplitHostPort(name); err == nil {
		return host
	}
	return name
}

// Drain refuses new calls with 503 from now on, emergency calls and call-backs excepted;
// whatever has begun goes on (DESIGN 6.1).
func (p *Proxy) Drain() { p.draining.Store(true) }

// Resume ends what Drain began.
func (p *Proxy) Resume() { p.draining.Store(false) }

// Draining tells whether new calls are refused.
func (p *Proxy) Draining() bool { return p.draining.Load() }

func (p *Proxy) snapshot() *rules.Snapshot {
	if p.d.Rules == nil {
		return nil
	}
	return p.d.Rules.Snapshot()
}
