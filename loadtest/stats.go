package loadtest

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"clirgate/loadtest/oracle"
)

// stats is what a loop counted; it is read under the loop's lock.
type stats struct {
	offered, noSlot         int64
	sent, received          int64
	retransmissions, strays int64
	secondAnswers, seen     int64
	carried                 [flows]int64
	failed                  map[failure]int64
	calleeFailed            map[string]int64
	ledger                  []seenCall
	interval                *times // of the current second
}

// failure is why calls of a flow failed.
type failure struct {
	Flow Flow
	Why  string
}

// times are durations in microseconds.
type times struct {
	Answer   *hdrhistogram.Histogram // intended start to 2xx, without the callee's ringing
	Forward  *hdrhistogram.Histogram // first request, caller to callee: the element's delay
	Backward *hdrhistogram.Histogram // 2xx, callee to caller
	Bye      *hdrhistogram.Histogram // BYE to its response, there and back
	Late     *hdrhistogram.Histogram // how much later than intended calls began: our own fault
}

const (
	minTime = 1          // 1 us
	maxTime = 60_000_000 // 60 s
)

func newTimes(digits int) *times {
	h := func() *hdrhistogram.Histogram { return hdrhistogram.New(minTime, maxTime, digits) }
	return &times{h(), h(), h(), h(), h()}
}

func (t *times) all() [5]*hdrhistogram.Histogram {
	return [5]*hdrhistogram.Histogram{t.Answer, t.Forward, t.Backward, t.Bye, t.Late}
}

func (t *times) merge(o *times) {
	a, b := t.all(), o.all()
	for i := range a {
		a[i].Merge(b[i])
	}
}

func (t *times) reset() {
	for _, h := range t.all() {
		h.Reset()
	}
}

// record adds ns nanoseconds; out of range counts as the nearest.
func record(h *hdrhistogram.Histogram, ns int64) {
	_ = h.RecordValue(min(max(ns/1000, minTime), maxTime))
}

func (s *stats) init() {
	s.failed, s.calleeFailed = map[failure]int64{}, map[string]int64{}
	s.interval = newTimes(3)
}

func (s *stats) fail(f Flow, why string) { s.failed[failure{f, why}]++ }

func (s *stats) calleeFail(why string) { s.calleeFailed[why]++ }

func (s *stats) late(d time.Duration) { record(s.interval.Late, int64(d)) }

// arrived notes a call's first request at the callee, once.
func (l *Loop) arrived(slot uint32, p *page, class oracle.Class, at int64) {
	if p == nil || !p.arrival.CompareAndSwap(0, at) {
		return
	}
	s := &l.stats
	s.seen++
	if l.config.Ledger {
		s.ledger = append(s.ledger, seenCall{callName{slot, p.gen.Load()}, p.caller, class})
	}
	if sent := p.sent.Load(); sent != 0 {
		record(s.interval.Forward, at-sent)
	}
}

// answer notes a 2xx at the caller. How long the callee let it ring is taken off: by
// the book, else as was asked for.
func (s *stats) answer(g *leg, at int64) {
	rang := int64(g.loop.config.Ring)
	if answered := g.page.answered.Load(); answered != 0 {
		rang = answered - g.page.arrival.Load()
		record(s.interval.Backward, at-answered)
	}
	record(s.interval.Answer, at-g.intended-rang)
}

func (s *stats) byeDelay(g *leg, at int64) {
	if sent := g.byeOut.Load(); sent != 0 {
		record(s.interval.Bye, at-sent)
	}
}
