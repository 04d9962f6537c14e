package loadtest

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"
)

// Config is one run. Its zero values mean what the comments say.
type Config struct {
	// Target is the element under test, as udp|tcp|tls:host:port. Empty: no callers.
	Target string
	// CallerListen are addresses calls come from. Default: the target's network on
	// 127.0.0.1, port 0, one each loop.
	CallerListen []string
	// CalleeListen are addresses that answer, for ordinary and emergency calls alike.
	CalleeListen []string
	// DyingListen are addresses that answer and are away every other DyingEvery.
	DyingListen []string
	DyingEvery  time.Duration // default: 5s

	// Mix says what calls there are; default: star31, answered.
	Mix *Mix
	// Profile is the rate over time.
	Profile Profile
	// Even sends calls at equal distances instead of as a Poisson process.
	Even bool
	// Ring and Hold are how long a call rings and stands. Default: 50ms each.
	Ring, Hold time.Duration
	// MaxInFlight bounds the calls under way. Default: 200,000.
	MaxInFlight int
	// Linger is how long an ended call still answers retransmissions. Default: 5s.
	Linger time.Duration
	// T1 and T2 are the timers of RFC 3261. Default: 500ms, 4s.
	T1, T2 time.Duration

	// CallerPrefix begins the callers' numbers, CalledPrefix those called.
	// Default: +3161234 and +317.
	CallerPrefix, CalledPrefix string
	// Callers is how many there are of each habit. Default: 100.
	Callers int
	// Domain stands in From and To. Default: carrier.example.
	Domain string

	// Trusted, WantPAI, NoMarker say what the callee's side is to the element
	// (oracle.Judge).
	Trusted, WantPAI, NoMarker bool
	// ElsewhereCallers: the callers are in another program; their numbers are known by
	// CallerPrefix only.
	ElsewhereCallers bool

	// Lose and Reorder are parts of the datagrams, on either side of the element and in
	// both directions; what is reordered is held back by up to 20 ms.
	Lose, Reorder float64

	// Ledger keeps what the callee saw, for Compare.
	Ledger bool
	// Media sends RTP on every call.
	Media bool
	// API is the element's admin API, for the rules the mix needs; Token a bearer token.
	API, Token string
	// ToggleEvery is how often a toggled line's rule changes. Default: 500ms.
	ToggleEvery time.Duration

	// Watch are local processes whose cost, with that of their descendants, is measured.
	Watch []int

	// Loops share the work. Default: 1.
	Loops int
	// Turn is how long a loop sleeps when it has nothing to do. Default: 1ms.
	Turn time.Duration
	// Seed of everything random; 0: another each time.
	Seed uint64
	// Certificate of TLS listeners; default: a self-signed one. Authorities of the
	// target's certificate are not checked: this is a test tool.
	Certificate *tls.Certificate
}

// ticks of the wheel; a tick is a millisecond.
type ticks = int64

// settings is a Config with its defaults, in the units the loops use.
type settings struct {
	Config
	targetHost string
	network    string
	ring, hold ticks
	t1, t2     ticks
	linger     ticks
	patience   ticks // without any message a call hangs after this
}

const tick = time.Millisecond

func (c Config) settle() (*settings, error) {
	s := &settings{Config: c}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&s.Ring, 50*time.Millisecond)
	def(&s.Hold, 50*time.Millisecond)
	def(&s.Linger, 5*time.Second)
	def(&s.T1, 500*time.Millisecond)
	def(&s.T2, 4*time.Second)
	def(&s.DyingEvery, 5*time.Second)
	def(&s.ToggleEvery, 500*time.Millisecond)
	def(&s.Turn, time.Millisecond)
	text := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	text(&s.CallerPrefix, "+3161234")
	text(&s.CalledPrefix, "+317")
	text(&s.Domain, "carrier.example")
	if s.Loops <= 0 {
		s.Loops = 1
	}
	if s.Callers <= 0 {
		s.Callers = 100
	}
	if s.MaxInFlight <= 0 {
		s.MaxInFlight = 200_000
	}
	if s.MaxInFlight > maxSlots {
		return nil, fmt.Errorf("%d calls in flight: at most %d have numbers", s.MaxInFlight, maxSlots)
	}
	if s.Mix == nil {
		s.Mix, _ = ParseMix("star31")
	}
	if len(s.CalledPrefix)+codeDigits != len("+31612345678") || !strings.HasPrefix(s.CalledPrefix, "+") {
		return nil, fmt.Errorf("called prefix of %d characters: want +, country code, and one digit", len(s.CalledPrefix))
	}
	s.ring, s.hold, s.linger = int64(s.Ring/tick), int64(s.Hold/tick), int64(s.Linger/tick)
	s.t1, s.t2 = int64(s.T1/tick), int64(s.T2/tick)
	s.patience = s.ring + s.hold + 64*s.t1 + s.t1*16
	if s.Target == "" {
		return s, nil
	}
	network, address, err := splitAddress(s.Target)
	if err != nil {
		return nil, err
	}
	s.network = network
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", s.Target, err)
	}
	s.targetHost = resolved.String()
	return s, nil
}

// calledPrefix is what numbers called begin with.
func (s *settings) calledPrefix() string { return s.CalledPrefix }

// judgesCallee tells whether the callees' side knows how calls should go: not when it
// may have been away.
func (s *settings) judgesCallee() bool { return len(s.DyingListen) == 0 }

// nationalPrefix begins the callers' national numbers.
func (s *settings) nationalPrefix() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.CallerPrefix, "+"), "31")
}
