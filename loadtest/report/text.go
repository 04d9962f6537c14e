// Package report writes what a load test found: live lines, a text, JSON, and one HTML
// page that needs nothing else.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"clirgate/loadtest"
)

// Text writes the result for people.
func Text(w io.Writer, r *loadtest.Result) {
	t := &r.Totals
	fmt.Fprintf(w, "calls      %d offered in %.1f s (%.0f/s), %d carried (%.0f/s), %d failed, %d not placed\n",
		t.Offered, r.Length.Seconds(), float64(t.Offered)/r.Length.Seconds(), t.Carried, r.CarriedRate(), t.Failed, t.NotPlaced)
	fmt.Fprintf(w, "oracle     %d leaks, %d identity missing, %d not restored, %d form; %d calls seen by the callee\n",
		t.Leaks, t.Missing, t.Unrestored, t.Form, t.Seen)
	fmt.Fprintf(w, "messages   %d sent, %d received, %d retransmissions, %d strays, %d second answers, %d not understood, %d not taken by the kernel\n",
		t.Sent, t.Received, t.Retransmissions, t.Strays, t.SecondAnswers, t.NoSIP, t.Dropped)
	fmt.Fprintf(w, "\n%-34s %9s %9s %9s %9s %9s %9s\n", "", "count", "p50", "p90", "p99", "p99.9", "max")
	for _, row := range []struct {
		name string
		q    loadtest.Quantiles
	}{
		{"element's delay, first request", r.Times.Forward},
		{"element's delay, 2xx", r.Times.Backward},
		{"answer time without ringing", r.Times.Answer},
		{"BYE to its response", r.Times.Bye},
		{"generator late (its own fault)", r.Times.Late},
	} {
		fmt.Fprintf(w, "%-34s %9d %9s %9s %9s %9s %9s\n", row.name, row.q.Count, us(row.q.P50), us(row.q.P90), us(row.q.P99), us(row.q.P999), us(row.q.Max))
	}
	textLists(w, r)
}

func textLists(w io.Writer, r *loadtest.Result) {
	fmt.Fprintln(w)
	for _, o := range r.Outcomes {
		fmt.Fprintf(w, "%9d  %-16s %s\n", o.Calls, o.Flow, o.How)
	}
	if len(r.Findings) > 0 {
		fmt.Fprintf(w, "\nfindings by vector\n")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%9d  %-8s %-28s %-34s in %s\n", f.Times, f.Kind, f.Vector, f.What, f.Method)
	}
	if r.Unrecorded != nil {
		fmt.Fprintf(w, "\nrecords    %v\n", r.Unrecorded)
	}
	if m := r.Media; m != nil {
		fmt.Fprintf(w, "\nmedia      %d packets sent, %d received (%.3f %% lost), %d reordered, %d of the wrong call; %d of %d streams heard nothing\n",
			m.Sent, m.Received, m.LossPercent(), m.Reordered, m.Wrong, m.Silent, m.Streams)
		fmt.Fprintf(w, "           delay p50 %s p99 %s, jitter p99 %s, gap around re-INVITE p99 %s\n", us(m.Delay.P50), us(m.Delay.P99), us(m.Jitter.P99), us(m.Gap.P99))
	}
	for _, p := range r.Processes {
		fmt.Fprintf(w, "\nprocess    %s: %.1f us CPU a call (user %.2f s, system %.2f s), memory at most %.1f MB, %.1f MB at the end\n",
			p.Name, float64(p.PerCall)/1e3, p.User.Seconds(), p.System.Seconds(), mb(p.MaxRSS), mb(p.EndRSS))
	}
}

// us prints microseconds as a time of three figures.
func us(v int64) string {
	d := time.Duration(v) * time.Microsecond
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.String()
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// JSON writes the result for programs.
func JSON(w io.Writer, r *loadtest.Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
