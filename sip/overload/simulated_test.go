package overload

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// gateway is a simulated one: a single queue, a server that takes up to 64 messages from
// it at a time, an INVITE and later messages of a call that cannot be refused. All in
// virtual time, so that what is shown is the rule and nothing else.
type gateway struct {
	*clock
	begin  time.Time
	rng    *rand.Rand
	queue  []message
	later  [laterCount][]time.Time // of calls taken: when their further messages come
	next   time.Time               // the next INVITE
	calls  []callSeen
	speaks float64 // part of the INVITEs that come from neighbours that would
	throt  Throttle
}

type message struct {
	came   time.Time
	invite bool
	speaks bool
}

type callSeen struct {
	at             time.Duration // since the beginning, of its coming
	wait           time.Duration
	served, speaks bool
}

const (
	inviteCost  = 100 * time.Microsecond
	refusalCost = 10 * time.Microsecond
	laterCost   = 20 * time.Microsecond
	laterCount  = 5
	callCost    = inviteCost + laterCount*laterCost
)

func newGateway() *gateway {
	k := newClock()
	return &gateway{clock: k, begin: k.now, next: k.now, rng: rand.New(rand.NewPCG(1, 2))}
}

// offer has calls come at a load (1: all that can be served) for a time; the server stops
// once, at the beginning, for a while.
func (g *gateway) offer(load float64, d, stop time.Duration) {
	end := g.now.Add(d)
	g.next = g.now
	g.arrive(load, g.now.Add(stop))
	for g.now = g.now.Add(stop); g.now.Before(end); g.arrive(load, g.now) {
		if len(g.queue) == 0 {
			g.now = g.soonest()
			continue
		}
		n := min(64, len(g.queue))
		g.c.Waited(0, g.now.Sub(g.queue[0].came), g.now)
		for _, m := range g.queue[:n] {
			g.serve(m)
		}
		g.queue = g.queue[n:]
	}
}

// soonest is when the next message comes.
func (g *gateway) soonest() time.Time {
	at := g.next
	for _, l := range g.later {
		if len(l) > 0 && l[0].Before(at) {
			at = l[0]
		}
	}
	return at
}

// arrive puts into the queue what comes until then: INVITEs as a Poisson process.
func (g *gateway) arrive(load float64, until time.Time) {
	old := len(g.queue)
	for !g.next.After(until) {
		m := message{came: g.next, invite: true, speaks: g.rng.Float64() < g.speaks}
		if !m.speaks || !g.throt.Drops(g.next) {
			g.queue = append(g.queue, m)
		}
		g.next = g.next.Add(time.Duration(g.rng.ExpFloat64() * float64(callCost) / load))
	}
	for i := range g.later { // each list is in order: a message's own number
		l, n := g.later[i], 0
		for n < len(l) && !l[n].After(until) {
			g.queue = append(g.queue, message{came: l[n]})
			n++
		}
		g.later[i] = l[n:]
	}
	slices.SortStableFunc(g.queue[min(old, len(g.queue)):], func(a, b message) int { return a.came.Compare(b.came) })
}

func (g *gateway) serve(m message) {
	if !m.invite {
		g.now = g.now.Add(laterCost)
		return
	}
	refuses := g.c.Refuses
	if m.speaks {
		refuses = g.c.RefusesLast
		g.throt.Learn(report(string(g.c.AppendReport(nil, g.now)[1:])), g.now)
	}
	refused := g.c.Active(g.now) && refuses(g.rng.Uint64(), g.now)
	g.calls = append(g.calls, callSeen{m.came.Sub(g.begin), g.now.Sub(m.came), !refused, m.speaks})
	if refused {
		g.now = g.now.Add(refusalCost)
		return
	}
	g.now = g.now.Add(inviteCost)
	for i := range g.later {
		g.later[i] = append(g.later[i], g.now.Add(time.Duration(i+1)*30*ms))
	}
}

// seen counts the calls that came within a time.
func (g *gateway) seen(from, to time.Duration, which func(callSeen) bool) (served, refused int, p99 time.Duration) {
	var waits []time.Duration
	for _, c := range g.calls {
		switch {
		case c.at < from || c.at >= to || which != nil && !which(c):
		case c.served:
			served++
			waits = append(waits, c.wait)
		default:
			refused++
		}
	}
	slices.Sort(waits)
	if len(waits) > 0 {
		p99 = waits[len(waits)*99/100]
	}
	return served, refused, p99
}

const most = float64(time.Second) / float64(callCost) // calls a second, when none is refused

// However much is offered, nearly all that can be served is, beside what refusing costs,
// and nobody who is served has waited long; from the first second on.
func TestStepsOfLoad(t *testing.T) {
	for _, load := range []float64{0.5, 0.9, 1.1, 1.5, 2, 3, 6} {
		g := newGateway()
		g.offer(0.5, time.Second, 0)
		g.offer(load, 5*time.Second, 0)
		served, refused, p99 := g.seen(time.Second, 6*time.Second, nil)
		carried := float64(served) / 5 / most
		possible := min(load, (1-load*float64(refusalCost)/float64(callCost))/(1-float64(refusalCost)/float64(callCost)))
		t.Logf("load %v: %.2f carried, %.2f possible, p99 of waits %v", load, carried, possible, p99)
		if carried < 0.95*possible {
			t.Errorf("load %v: %.2f carried of %.2f possible", load, carried, possible)
		}
		if load < 1 && refused > 0 {
			t.Errorf("load %v: %d refused", load, refused)
		}
		if p99 > 100*ms {
			t.Errorf("load %v: p99 of waits %v", load, p99)
		}
	}
}

// Even when refusing alone is more than can be done, some are served.
func TestMoreThanCanBeRefused(t *testing.T) {
	g := newGateway()
	g.offer(30, 2*time.Second, 0)
	g.calls = g.calls[len(g.calls)/2:] // when it stands
	if served, refused, _ := g.seen(0, time.Hour, nil); served < refused/50 || refused == 0 {
		t.Errorf("%d served, %d refused", served, refused)
	}
}

// A held-up server (a collection, a disk, another process) refuses nobody afterwards as
// long as it can catch up.
func TestHiccups(t *testing.T) {
	for _, load := range []float64{0.001, 0.01, 0.1, 0.5, 0.8, 0.9} {
		for _, stop := range []time.Duration{30 * ms, 100 * ms, 250 * ms} {
			g := newGateway()
			g.offer(load, time.Second, 0)
			g.offer(load, 5*time.Second, stop)
			if _, refused, _ := g.seen(0, time.Hour, nil); refused > 0 {
				t.Errorf("load %v: %d refused after %v", load, refused, stop)
			}
		}
	}
}

// When the load is over nobody is refused any more, at once.
func TestRecovery(t *testing.T) {
	for _, load := range []float64{1.5, 3, 8} {
		g := newGateway()
		g.offer(load, 5*time.Second, 0)
		g.offer(0.5, 5*time.Second, 0)
		if _, refused, _ := g.seen(0, 5*time.Second, nil); refused == 0 {
			t.Errorf("load %v: nobody is refused", load)
		}
		if _, refused, _ := g.seen(5200*ms, time.Hour, nil); refused > 0 {
			t.Errorf("load %v: %d refused after it was over", load, refused)
		}
		if g.c.Active(g.now) {
			t.Errorf("load %v: it stands for ever", load)
		}
		if text := string(g.c.AppendReport(nil, g.now)); text[:len(";oc=0;")] != ";oc=0;" {
			t.Errorf("load %v: neighbours are told %s", load, text)
		}
	}
}

// Neighbours that keep calls back (RFC 7339): as much is carried, hardly anybody of theirs
// is refused, and they do not get less than those who do not.
func TestNeighboursKeepBack(t *testing.T) {
	for _, speaks := range []float64{0.2, 0.5, 0.8, 1} {
		for _, load := range []float64{1.5, 3} {
			g := newGateway()
			g.speaks = speaks
			g.offer(load, 10*time.Second, 0)
			theirs := func(c callSeen) bool { return c.speaks }
			others := func(c callSeen) bool { return !c.speaks }
			got, refused, p99 := g.seen(2*time.Second, 10*time.Second, theirs)
			rest, turned, _ := g.seen(2*time.Second, 10*time.Second, others)
			offered := load * most * 8
			t.Logf("load %v, %.0f %% speak it: %.2f carried; of theirs %.2f served, %.3f refused; of others %.2f; p99 of waits %v", load, speaks*100,
				float64(got+rest)/8/most, float64(got)/(offered*speaks), float64(refused)/(offered*speaks), float64(rest)/max(offered*(1-speaks), 1), p99)
			if carried := float64(got+rest) / 8 / most; carried < 0.8 {
				t.Errorf("load %v, %v speak it: %.2f carried", load, speaks, carried)
			}
			if part := float64(refused) / (offered * speaks); part > 0.1 {
				t.Errorf("load %v, %v speak it: %.3f of theirs refused", load, speaks, part)
			}
			if speaks < 1 && float64(got)/speaks < 0.8*float64(rest)/(1-speaks) {
				t.Errorf("load %v, %v speak it: %d served, of others %d and %d refused", load, speaks, got, rest, turned)
			}
		}
	}
}
