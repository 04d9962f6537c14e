package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"clirgate/loadtest"
)

// The search for the highest rate: from a first rate on by factors until one is not
// held, then halving the interval, then holding what was found, or less.
const (
	firstRate   = 500
	rateFactor  = 1.6
	bisections  = 2
	holdBackoff = 0.9
	holdTries   = 4
	tooLate     = 100_000 // us: the generator itself could not keep up
	repeatShare = 0.001   // retransmissions by message sent
)

// clean tells whether a rate was held: no call failed, none had to be repeated.
func clean(r *loadtest.Result) bool {
	return r.Totals.Failed == 0 && r.Totals.NotPlaced == 0 && r.Totals.CalleeFailed == 0 &&
		float64(r.Totals.Retransmissions) <= repeatShare*float64(r.Totals.Sent) && r.Times.Late.P99 < tooLate
}

// highest looks for the highest rate an element holds.
func (s *site) highest(ctx context.Context, e *element, p plan, m *measured) error {
	if e.missing != "" {
		return nil
	}
	var cmd *exec.Cmd // the element; started anew after it was overloaded
	halt := func() {
		if cmd != nil {
			s.stop(cmd)
			cmd = nil
		}
	}
	defer halt()
	try := func(rate float64, length time.Duration) (bool, *loadtest.Result, error) {
		if cmd == nil {
			var err error
			if cmd, err = s.start(ctx, e); err != nil {
				return false, nil, err
			}
			if _, err := s.call(ctx, firstRate, time.Second, cmd.Process.Pid); err != nil {
				return false, nil, err
			}
		}
		r, err := s.call(ctx, rate, length, cmd.Process.Pid)
		if err != nil {
			return false, nil, err
		}
		ok := clean(r)
		if !ok {
			defer halt()
		}
		fmt.Fprintf(os.Stderr, "  %6.0f/s for %v: %v (%d failed, %d repeated, generator late p99 %d us)\n",
			rate, length, map[bool]string{true: "held", false: "not held"}[ok], r.Totals.Failed, r.Totals.Retransmissions, r.Times.Late.P99)
		return ok, r, nil
	}
	good, bad, rate := 0.0, 0.0, float64(firstRate)
	for bad == 0 {
		ok, _, err := try(rate, p.step)
		if err != nil {
			return err
		}
		if ok {
			good, rate = rate, rate*rateFactor
		} else {
			bad = rate
		}
	}
	for range bisections {
		mid := (good + bad) / 2
		ok, _, err := try(mid, p.step)
		if err != nil {
			return err
		}
		if ok {
			good = mid
		} else {
			bad = mid
		}
	}
	m.lowest = bad
	for range holdTries {
		ok, r, err := try(good, p.hold)
		if err != nil {
			return err
		}
		if ok {
			m.rate, m.perCall = good, float64(r.PerCall())/1e3
			return nil
		}
		m.lowest, good = good, good*holdBackoff
	}
	return nil
}
