package loadtest

import (
	"fmt"
	"time"
)

// Limits are what a run must keep to pass. A negative limit is none.
type Limits struct {
	Leaks, Missing, Unrestored, Form int64
	Failed                           int64
	P99                              time.Duration // of the element's delay on first requests
	AnswerP99                        time.Duration
	PerCall                          time.Duration // CPU time of all processes watched
	Rate                             float64       // calls a second at least carried
	RSSGrowth                        float64       // of the last fifth over the third, as a factor
}

// NoLimits lets everything pass.
var NoLimits = Limits{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}

// Check answers what a result broke, one line each.
func (l Limits) Check(r *Result) []string {
	var broken []string
	count := func(what string, limit, got int64) {
		if limit >= 0 && got > limit {
			broken = append(broken, fmt.Sprintf("%d %s, at most %d allowed", got, what, limit))
		}
	}
	count("leaks", l.Leaks, r.Totals.Leaks)
	count("times identity missing", l.Missing, r.Totals.Missing)
	count("messages not restored", l.Unrestored, r.Totals.Unrestored)
	count("findings of form", l.Form, r.Totals.Form)
	count("calls failed or not placed", l.Failed, r.Totals.Failed+r.Totals.NotPlaced)
	within := func(what string, limit time.Duration, us int64) {
		if got := time.Duration(us) * time.Microsecond; limit >= 0 && got > limit {
			broken = append(broken, fmt.Sprintf("%s is %v, at most %v allowed", what, got, limit))
		}
	}
	within("p99 of the element's delay", l.P99, r.Times.Forward.P99)
	within("p99 of answer time", l.AnswerP99, r.Times.Answer.P99)
	if l.PerCall >= 0 {
		within("CPU time a call", l.PerCall, int64(r.PerCall()/time.Microsecond))
	}
	if rate := r.CarriedRate(); l.Rate >= 0 && rate < l.Rate {
		broken = append(broken, fmt.Sprintf("%.0f calls/s carried, at least %.0f wanted", rate, l.Rate))
	}
	if g := r.RSSGrowth(); l.RSSGrowth >= 0 && g > l.RSSGrowth {
		broken = append(broken, fmt.Sprintf("memory grew by a factor of %.2f, at most %.2f allowed", g, l.RSSGrowth))
	}
	return broken
}

// PerCall is CPU time of all processes watched by call offered.
func (r *Result) PerCall() time.Duration {
	var d time.Duration
	for _, p := range r.Processes {
		d += p.PerCall
	}
	return d
}

// CarriedRate is calls carried a second.
func (r *Result) CarriedRate() float64 {
	if r.Length <= 0 {
		return 0
	}
	return float64(r.Totals.Carried) / r.Length.Seconds()
}

// RSSGrowth compares memory at the end with memory half way: the mean of the last fifth of
// the seconds over that of the third fifth. Before, buffers of bounded size are still being
// filled for the first time (200,000 calls fill the gateway's). 0 when too little was seen.
func (r *Result) RSSGrowth() float64 {
	n := len(r.Seconds) / 5
	if n == 0 {
		return 0
	}
	mean := func(s []Sample) float64 {
		var sum float64
		for _, one := range s {
			sum += float64(one.Usage.RSS)
		}
		return sum / float64(len(s))
	}
	before := mean(r.Seconds[2*n : 3*n])
	if before == 0 {
		return 0
	}
	return mean(r.Seconds[len(r.Seconds)-n:]) / before
}
