package loadtest

import (
	"time"

	"clirgate/loadtest/proc"
)

// ProcessSummary is what the processes watched cost between first and last call.
type ProcessSummary struct {
	Name   string        `json:"name"`
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
	// PerCall is user and system time by call offered.
	PerCall time.Duration `json:"per_call_ns"`
	MaxRSS  int64         `json:"max_rss"`
	EndRSS  int64         `json:"end_rss"`
}

// watched is one process, with its descendants, over a run.
type watched struct {
	pid     int
	name    string
	before  proc.Usage
	last    proc.Usage
	highest int64
}

func newWatched(pids []int) []*watched {
	var all []*watched
	for _, pid := range pids {
		w := &watched{pid: pid, name: proc.Name(pid)}
		w.before, _ = proc.Of(pid)
		w.last = w.before
		all = append(all, w)
	}
	return all
}

// look reads the process; one that ended keeps what was read last.
func (w *watched) look() {
	if u, err := proc.Of(w.pid); err == nil {
		w.last = u
		w.highest = max(w.highest, u.RSS)
	}
}

func (w *watched) summary(calls int64) ProcessSummary {
	s := ProcessSummary{Name: w.name, User: w.last.User - w.before.User, System: w.last.System - w.before.System,
		MaxRSS: w.highest, EndRSS: w.last.RSS}
	if calls > 0 {
		s.PerCall = (s.User + s.System) / time.Duration(calls)
	}
	return s
}

// Usage is a second of the processes watched.
type Usage struct {
	CPU time.Duration `json:"cpu_ns"`
	RSS int64         `json:"rss"`
}

// usage looks at all processes and answers what they used since the last look.
func (r *Run) usage() Usage {
	var u Usage
	for _, w := range r.watched {
		before := w.last.CPU()
		w.look()
		u.CPU += w.last.CPU() - before
		u.RSS += w.last.RSS
	}
	return u
}
