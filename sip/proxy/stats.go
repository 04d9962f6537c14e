package proxy

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/rules"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
)

// Event is something the proxy counts. Its text is a metric label: no number, address or
// identifier is ever part of it.
type Event uint8

const (
	UnknownSource   Event = iota // request from no peer: 403
	ForgedToken                  // token that is foreign, forged or gone: 403, or dropped
	ExpiredToken                 // token older than a call may last
	StrangerDialog               // in-dialog request with a valid token from no peer: accepted
	BadScheme                    // 416
	TooManyHops                  // 483
	BadExtension                 // 420
	Loop                         // 482
	NoBreadth                    // 440
	Incomplete                   // 484
	NoRoute                      // 404
	NoDialog                     // 481
	Anonymous                    // 433
	Critical                     // Privacy: critical that cannot be done: 500
	UnsupportedBody              // 415
	Drained                      // 503 while draining, or because the only peer is
	Options                      // OPTIONS answered here
	LeakRequest                  // leak guard: request not sent
	LeakCleaned                  // leak guard: header or body taken out
	LeakDropped                  // leak guard: message not sent
	FailClosed                   // rules unreadable: withheld (D9)
	Unrecorded                   // went on without a record on disk
	Failover                     // next target tried
	TooLargeForUDP               // sent over TCP because of its size
	TCPRefused                   // and back to UDP
	AckDropped                   // ACK without a dialog
	Malformed                    // not parsable, or unmatchable
	Stray                        // response without transaction
	Raised                       // dialog raised from N to W
	Unplanned                    // edits that did not fit: a fault of ours
	Shed                         // 503 while overloaded
	Insecure                     // 480: sips, and no next hop has TLS
	Throttled                    // 503 because all next hops want fewer calls (RFC 7339)
	Marked                       // a call was marked as malicious
	MarkRefused                  // by somebody who may not, or with no call to mark
	MarkFailed                   // the mark could not be kept
	ForeignToken                 // token that was given to another peer: 403
	IdentityAsked                // a caller's network was asked who it is
	IdentityTold                 // and said so
	eventCount
)

var eventNames = [eventCount]string{
	"unknown_source", "forged_token", "expired_token", "stranger_dialog", "bad_scheme", "too_many_hops",
	"bad_extension", "loop", "no_breadth", "incomplete", "no_route", "no_dialog", "anonymous", "critical",
	"unsupported_body", "drained", "options", "leak_request", "leak_cleaned", "leak_dropped", "fail_closed",
	"unrecorded", "failover", "too_large_for_udp", "tcp_refused", "ack_dropped", "malformed", "stray",
	"raised", "unplanned", "shed", "insecure", "throttled", "marked", "mark_refused", "mark_failed",
	"foreign_token", "identity_asked", "identity_told",
}

func (e Event) String() string {
	if e >= eventCount {
		return "unknown"
	}
	return eventNames[e]
}

// counters are all of the proxy but the peers'.
type counters struct {
	events  [eventCount]atomic.Uint64
	classes [rules.E + 1]atomic.Uint64
	rules   [rules.D9 + 1]atomic.Uint64
	leaks   [len(vectors)]atomic.Uint64
	records waits // from the request's arrival until its record was on disk
}

func (p *Proxy) note(e Event) { p.count.events[e].Add(1) }

// vectors are the spellings the leak guard finds (privacy.Leak.Vector).
var vectors = [...]string{"digits", "escaped", "hex", "base64", "bcd", "other"}

func (c *counters) leak(vector string) {
	for i, v := range vectors {
		if v == vector || i == len(vectors)-1 {
			c.leaks[i].Add(1)
			return
		}
	}
}

// tally counts what became of requests sent to one peer, and what came from it.
type tally struct {
	requests atomic.Uint64    // received from it
	sent     atomic.Uint64    // sent to it
	status   [7]atomic.Uint64 // final responses by class, index 1 to 6; 0: none came
	failed   atomic.Uint64    // transport errors
	shed     atomic.Uint64    // refused while overloaded
	drained  atomic.Bool      // new calls are kept away from it
}

// tallies holds each peer's tally by name, through all configurations.
type tallies struct {
	mu sync.Mutex
	m  map[string]*tally
}

func (t *tallies) of(name string) *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[string]*tally{}
	}
	if t.m[name] == nil {
		t.m[name] = new(tally)
	}
	return t.m[name]
}

// PeerStats is what became of the requests of one peer; Name is empty for neighbours
// that no peer is configured for.
type PeerStats struct {
	Name           string
	Received, Sent uint64
	Status         [7]uint64 // final responses by class; 0: timed out
	Failed         uint64
	Shed           uint64 // refused because of overload
}

// Stats is a snapshot of all counters.
type Stats struct {
	Events  map[string]uint64 // by Event
	Classes map[string]uint64 // initial requests by class N, W, E
	Rules   map[string]uint64 // by the row that decided, D1 to D9
	Leaks   map[string]uint64 // leak guard hits by vector
	Peers   []PeerStats
	Records Waits // from a request's arrival until its record was on disk
}

// Stats reads the counters.
func (p *Proxy) Stats() Stats {
	s := Stats{Events: map[string]uint64{}, Classes: map[string]uint64{}, Rules: map[string]uint64{}, Leaks: map[string]uint64{}}
	for e := range p.count.events {
		s.Events[Event(e).String()] = p.count.events[e].Load()
	}
	for c := rules.N; c <= rules.E; c++ {
		s.Classes[c.String()] = p.count.classes[c].Load()
	}
	for r := rules.D1; r <= rules.D9; r++ {
		s.Rules[r.String()] = p.count.rules[r].Load()
	}
	for i, v := range vectors {
		s.Leaks[v] = p.count.leaks[i].Load()
	}
	s.Records = p.count.records.read()
	p.tallies.mu.Lock()
	defer p.tallies.mu.Unlock()
	for name, t := range p.tallies.m {
		ps := PeerStats{Name: name, Received: t.requests.Load(), Sent: t.sent.Load(), Failed: t.failed.Load(), Shed: t.shed.Load()}
		for i := range t.status {
			ps.Status[i] = t.status[i].Load()
		}
		s.Peers = append(s.Peers, ps)
	}
	return s
}

// Malformed counts what is no message.
func (p *Proxy) Malformed(transport.Flow, error) { p.note(Malformed) }

// Stray counts responses nobody waits for.
func (p *Proxy) Stray(transport.Flow) { p.note(Stray) }

// alarm logs what somebody must look at, each kind at most once in a while.
type alarm struct {
	log  *slog.Logger
	last [eventCount]atomic.Int64 // unix seconds
}

const alarmEvery = 10 // seconds

// raise logs an alarm. attrs hold no number, address of a subscriber or message content.
func (a *alarm) raise(now time.Time, e Event, text string, attrs ...any) {
	s := now.Unix()
	last := a.last[e].Load()
	if s-last < alarmEvery || !a.last[e].CompareAndSwap(last, s) {
		return
	}
	a.log.Error(text, append(attrs, "event", e.String())...)
}

// outcome counts a final response of a peer, or the lack of one.
func (t *tally) outcome(status int) {
	if c := status / 100; c >= 1 && c < len(t.status) {
		t.status[c].Add(1)
		return
	}
	t.status[0].Add(1)
}

// failure counts how a transaction with a peer failed.
func (t *tally) failure(why transaction.Failure) {
	if why == transaction.TransportError {
		t.failed.Add(1)
		return
	}
	t.status[0].Add(1)
}
