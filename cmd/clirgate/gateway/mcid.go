package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"clirgate/casework"
	"clirgate/casework/marks"
	"clirgate/sip/proxy"
	"clirgate/trace"
)

// MarksFile holds marks of malicious calls until they are filed.
const MarksFile = "marks"

const (
	markTime     = 5 * time.Second // to find the last call: a phone waits
	sharedTime   = 3 * time.Second // of it, for the records of all nodes
	fileTime     = 20 * time.Second
	fileRetry    = 250 * time.Millisecond
	longestCall  = 24 * time.Hour     // how long before the time set the last call may have begun
	unknownAfter = 7 * 24 * time.Hour // a record not found by then is not waited for: its call went on without one
	lookups      = 16                 // searches for a last call at once
)

// marker marks malicious calls (TS 24.616): durable in its queue first, then in the call's
// record, then, if the call was withheld (Tw 11.11(1)), with a case.
type marker struct {
	g     *Gateway
	queue *marks.Queue
	cases *casework.Service
	busy  chan struct{}
}

var _ proxy.Marker = (*marker)(nil)

func (g *Gateway) makeMarker() {
	m := &marker{g: g, cases: g.casework.Cases, busy: make(chan struct{}, lookups)}
	m.queue = marks.Open(marks.Options{Path: g.path(MarksFile), Seal: trace.NewKeys(g.ring), File: m.file, Retry: fileRetry, Alarm: g.marksAlarm})
	g.onClose(m.queue.Close)
	g.marker = m
}

func (g *Gateway) marksAlarm(err error) {
	if err == nil {
		g.log.Info("marks of malicious calls are filed again")
		return
	}
	g.log.Error("marks of malicious calls wait", "error", err)
}

// Mark keeps a mark.
func (m *marker) Mark(x trace.Marking, told func(error)) { m.queue.Add(x, inTime(told)) }

var errMarkLate = errors.New("mark: not durable in time")

// inTime tells after markTime at the latest: a request waits that belongs to a call under
// way, and a disk that hangs must not keep it.
func inTime(told func(error)) func(error) {
	if told == nil {
		return nil
	}
	var once sync.Once
	tell := func(err error) { once.Do(func() { told(err) }) }
	late := time.AfterFunc(markTime, func() { tell(errMarkLate) })
	return func(err error) {
		late.Stop()
		tell(err)
	}
}

// MarkLast marks the last withheld call to a number.
func (m *marker) MarkLast(x trace.Marking, told func(error)) {
	select {
	case m.busy <- struct{}{}:
	default:
		m.g.work.Go(func() { told(marks.ErrFull) })
		return
	}
	m.g.work.Go(func() {
		defer func() { <-m.busy }()
		ctx, cancel := context.WithTimeout(context.Background(), markTime)
		defer cancel()
		last, err := m.last(ctx, x)
		if err != nil {
			told(err)
			return
		}
		x.Record = last.ID
		m.queue.Add(x, inTime(told))
	})
}

// last finds the last withheld call to a number, on this node, whose records may not all
// have been shipped yet, and on every node. While the shared store is away, what this node
// knows must do: a phone waits, and the store may be away for a day.
func (m *marker) last(ctx context.Context, x trace.Marking) (last *trace.Record, err error) {
	within := time.Duration(m.g.config().Trace.MarkWithin)
	q := trace.Query{
		Called: x.Called, From: x.At.Add(-within - longestCall), To: x.At.Add(time.Second),
		OnlyWithheld: true, Basis: trace.BasisNuisance,
	}
	later := func(r *trace.Record) bool {
		if r.Method != "INVITE" || r.Egress == "" { // refused here: it never rang
			return true
		}
		if last == nil || r.Start.After(last.Start) {
			last = r
		}
		return false
	}
	err = m.g.vault.Search(ctx, q, later)
	if m.g.vault != m.g.search {
		ctx, cancel := context.WithTimeout(ctx, sharedTime)
		defer cancel()
		err = errors.Join(err, m.g.search.Search(ctx, q, later))
	}
	switch recent := last != nil && x.At.Sub(lastHeard(last)) <= within; {
	case recent:
		return last, nil
	case err != nil:
		return nil, err
	}
	return nil, proxy.ErrNoCall
}

// lastHeard is when a call ended, or where it did not, when it was heard of last.
func lastHeard(r *trace.Record) time.Time {
	switch {
	case !r.End.IsZero():
		return r.End
	case !r.Answer.IsZero():
		return time.Now() // it goes on
	}
	return r.Start
}

// file files a mark: in the record, seen there, and then with a case.
func (m *marker) file(ctx context.Context, x trace.Marking) error {
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	r, err := m.record(ctx, x)
	switch {
	case err != nil:
		return err
	case r == nil && time.Since(x.At) > unknownAfter:
		return marks.ErrLost
	case r == nil: // of another node, and not shipped yet
		return marks.ErrLater
	case r.Mark == trace.MarkNone:
		m.g.recorder.Finish(&trace.Record{ID: x.Record, Mark: x.How, Marked: x.At})
		m.g.recorder.Flush() // no message may come for hours that would have it written
		return marks.ErrLater
	case !r.Withheld: // LAW-07: the called party has seen the number
		return nil
	}
	_, err = m.cases.Mark(ctx, casework.Mark{Record: r.ID, Called: x.Called, At: r.Start, How: x.How.String(), Marked: x.At})
	return err
}

func (m *marker) record(ctx context.Context, x trace.Marking) (found *trace.Record, err error) {
	at := x.Record.Time()
	q := trace.Query{Called: x.Called, From: at, To: at.Add(time.Millisecond), Basis: trace.BasisNuisance}
	err = m.g.search.Search(ctx, q, func(r *trace.Record) bool {
		if r.ID == x.Record {
			found = r
		}
		return found == nil
	})
	if errors.Is(err, trace.ErrMore) {
		err = nil
	}
	return found, err
}

var (
	marksWaitDesc  = prometheus.NewDesc("clirgate_marks_waiting", "Marks of malicious calls that wait to be filed.", nil, nil)
	marksFiledDesc = prometheus.NewDesc("clirgate_marks_filed_total", "Marks of malicious calls filed.", nil, nil)
	marksLostDesc  = prometheus.NewDesc("clirgate_marks_lost_total", "Marks whose call has no record.", nil, nil)
	marksAgainDesc = prometheus.NewDesc("clirgate_marks_failed_total", "Attempts to file a mark that will be made again.", nil, nil)
)

func (m *marker) collect(out chan<- prometheus.Metric) {
	s := m.queue.Stats()
	out <- prometheus.MustNewConstMetric(marksWaitDesc, prometheus.GaugeValue, float64(s.Waiting))
	for d, v := range map[*prometheus.Desc]uint64{marksFiledDesc: s.Filed, marksLostDesc: s.Lost, marksAgainDesc: s.Failed} {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
}
