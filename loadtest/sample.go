package loadtest

import (
	"sort"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"clirgate/loadtest/oracle"
)

// Totals are counts since the start.
type Totals struct {
	Offered         int64 `json:"offered"`
	Carried         int64 `json:"carried"`
	Failed          int64 `json:"failed"`
	NotPlaced       int64 `json:"not_placed"` // no number was free: too many in flight
	Seen            int64 `json:"seen_by_callee"`
	Sent            int64 `json:"messages_sent"`
	Received        int64 `json:"messages_received"`
	Retransmissions int64 `json:"retransmissions"`
	Strays          int64 `json:"strays"`
	SecondAnswers   int64 `json:"second_answers"`
	NoSIP           int64 `json:"not_understood"`
	Dropped         int64 `json:"not_taken_by_kernel"`
	CalleeFailed    int64 `json:"callee_failed"`
	InFlight        int   `json:"in_flight"`
	Leaks           int64 `json:"leaks"`
	Missing         int64 `json:"missing"`
	Unrestored      int64 `json:"unrestored"`
	Form            int64 `json:"form"`
}

// Quantiles of a duration, in microseconds.
type Quantiles struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_us"`
	P50   int64   `json:"p50_us"`
	P90   int64   `json:"p90_us"`
	P99   int64   `json:"p99_us"`
	P999  int64   `json:"p999_us"`
	Max   int64   `json:"max_us"`
}

func quantiles(h *hdrhistogram.Histogram) Quantiles {
	return Quantiles{h.TotalCount(), h.Mean(), h.ValueAtQuantile(50), h.ValueAtQuantile(90), h.ValueAtQuantile(99), h.ValueAtQuantile(99.9), h.Max()}
}

// Times are the durations of a run or a second of it (see times).
type Times struct {
	Answer   Quantiles `json:"answer"`
	Forward  Quantiles `json:"forward"`
	Backward Quantiles `json:"backward"`
	Bye      Quantiles `json:"bye"`
	Late     Quantiles `json:"late"`
}

func (t *times) quantiles() Times {
	return Times{quantiles(t.Answer), quantiles(t.Forward), quantiles(t.Backward), quantiles(t.Bye), quantiles(t.Late)}
}

// Sample is one second of a run.
type Sample struct {
	At      time.Duration `json:"at_ns"`
	Offered int64         `json:"offered"`
	Carried int64         `json:"carried"`
	Failed  int64         `json:"failed"`
	Totals  Totals        `json:"-"`
	Times   Times         `json:"times"`
	Flight  int           `json:"in_flight"`
	Usage   Usage         `json:"usage"`
}

// sample gathers what the loops counted since the last one.
func (r *Run) sample() Sample {
	var now Totals
	second := newTimes(3)
	for _, l := range r.loops {
		l.mu.Lock()
		l.stats.addTo(&now)
		now.InFlight += l.inFlight
		for _, ep := range l.all {
			now.NoSIP += ep.noSIP
			if ep.udp != nil {
				now.Dropped += ep.udp.lost
			}
		}
		second.merge(l.stats.interval)
		l.stats.interval.reset()
		l.mu.Unlock()
	}
	now.Leaks, now.Missing = r.tally.Total(oracle.Leak), r.tally.Total(oracle.Missing)
	now.Unrestored, now.Form = r.tally.Total(oracle.Restore), r.tally.Total(oracle.Form)
	r.total.merge(second)
	s := Sample{At: time.Since(r.start), Offered: now.Offered - r.sofar.Offered, Carried: now.Carried - r.sofar.Carried,
		Failed: now.Failed - r.sofar.Failed, Totals: now, Times: second.quantiles(), Flight: now.InFlight, Usage: r.usage()}
	r.sofar = now
	return s
}

func (s *stats) addTo(t *Totals) {
	t.Offered += s.offered
	t.NotPlaced += s.noSlot
	t.Seen += s.seen
	t.Sent += s.sent
	t.Received += s.received
	t.Retransmissions += s.retransmissions
	t.Strays += s.strays
	t.SecondAnswers += s.secondAnswers
	for _, n := range s.carried {
		t.Carried += n
	}
	for _, n := range s.failed {
		t.Failed += n
	}
	for _, n := range s.calleeFailed {
		t.CalleeFailed += n
	}
}

// Result is a finished run.
type Result struct {
	Totals     Totals           `json:"totals"`
	Times      Times            `json:"times"`
	Outcomes   []Outcome        `json:"outcomes"`
	Findings   []oracle.Count   `json:"findings"`
	Samples    []oracle.Sample  `json:"samples,omitempty"`
	Unrecorded *Unrecorded      `json:"unrecorded,omitempty"`
	Media      *MediaResult     `json:"media,omitempty"`
	Length     time.Duration    `json:"length_ns"`
	Seconds    []Sample         `json:"seconds,omitempty"`
	Processes  []ProcessSummary `json:"processes,omitempty"`
}

// Outcome is how many calls of a flow ended in one way.
type Outcome struct {
	Flow  string `json:"flow"`
	How   string `json:"how"`
	Calls int64  `json:"calls"`
}

// Result sums a run up, after Do.
func (r *Run) Result() Result {
	out := Result{Totals: r.sofar, Times: r.total.quantiles(), Findings: r.tally.Counts(), Samples: r.tally.Samples(), Length: r.length, Seconds: r.seconds, Media: r.mediaResult()}
	for _, w := range r.watched {
		out.Processes = append(out.Processes, w.summary(out.Totals.Offered))
	}
	counts := map[Outcome]int64{}
	for _, l := range r.loops {
		for f, n := range l.stats.carried {
			counts[Outcome{Flow: Flow(f).String(), How: "carried"}] += n
		}
		for f, n := range l.stats.failed {
			counts[Outcome{Flow: f.Flow.String(), How: "failed: " + f.Why}] += n
		}
		for why, n := range l.stats.calleeFailed {
			counts[Outcome{Flow: "at the callee", How: "failed: " + why}] += n
		}
	}
	for o, n := range counts {
		if n > 0 {
			o.Calls = n
			out.Outcomes = append(out.Outcomes, o)
		}
	}
	sort.Slice(out.Outcomes, func(i, j int) bool {
		a, b := out.Outcomes[i], out.Outcomes[j]
		return a.How < b.How || a.How == b.How && a.Flow < b.Flow
	})
	return out
}
