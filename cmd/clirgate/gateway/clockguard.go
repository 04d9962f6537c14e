package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

const (
	clockFile = "CLOCK" // in the data directory
	// A clock this far ahead of where it was when it was last looked at, and of the time
	// that passed since, is doubted; that a gateway was off for longer cannot be told from
	// it.
	clockAway = 24 * time.Hour
	// What is doubted for so long is believed: by then an operator has heard of it.
	clockDoubt = 24 * time.Hour
)

// clockGuard keeps a clock that jumps ahead from having everything deleted that has not
// expired: a local store has no other clock to compare with. It is of the goroutine that
// maintains. A nil one believes every clock.
type clockGuard struct {
	path string
	wall func() time.Time     // the clock
	up   func() time.Duration // what passed since the process began, whatever the clock says
	log  *slog.Logger

	read    bool
	last    clockSeen
	checked time.Duration // up, when last was
}

// clockSeen is what is known of the clock, kept over restarts.
type clockSeen struct {
	Good time.Time `json:"good"` // the last time it was believed; zero: never looked at
	// Since is when the doubt began, and Last when it was last looked at, both by the
	// doubted clock; zero: it is believed.
	Since time.Time `json:"since,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// may tells whether the clock can be believed.
func (c *clockGuard) may() bool {
	if c == nil {
		return true
	}
	c.load()
	now, up := c.wall().Round(0), c.up()
	passed := up - c.checked
	ahead := func(of time.Time) bool { return now.Sub(of)-passed > clockAway }
	s := c.last
	switch {
	case s.Good.IsZero(), !ahead(s.Good):
		s = clockSeen{Good: now}
	case s.Since.IsZero(), ahead(s.Last), now.Before(s.Since):
		s.Since, s.Last = now, now
		c.log.Error("the clock is ahead of when this gateway last ran: nothing is deleted until it is set right, or a day has passed",
			"then", s.Good, "now", now)
	case now.Sub(s.Since) >= clockDoubt:
		s = clockSeen{Good: now}
	default:
		// What Good says goes on with the time that passes, or a clock that is set right
		// would be doubted.
		s.Good, s.Last = s.Good.Add(passed), now
	}
	c.last, c.checked = s, up
	if err := c.save(); err != nil {
		c.log.Error("when this gateway last ran cannot be written down", "error", err)
	}
	return s.Since.IsZero()
}

// load reads what an earlier process knew. A file that cannot be read tells nothing.
func (c *clockGuard) load() {
	if c.read {
		return
	}
	c.read, c.checked = true, c.up()
	b, err := os.ReadFile(c.path)
	if err == nil {
		err = json.Unmarshal(b, &c.last)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.last = clockSeen{}
		c.log.Error("when this gateway last ran cannot be read", "error", err)
	}
}

func (c *clockGuard) save() error {
	b, err := json.Marshal(c.last)
	if err != nil {
		return err
	}
	half := c.path + ".new"
	if err := os.WriteFile(half, b, 0o600); err != nil {
		return fmt.Errorf("%s: %w", clockFile, err)
	}
	return os.Rename(half, c.path)
}

// guardClock has the real clock guarded where nobody else's is at hand.
func (g *Gateway) guardClock() {
	if g.shipping == nil && !g.otherClock {
		began := time.Now()
		g.guard = &clockGuard{path: filepath.Join(g.config().Data, clockFile), wall: g.now, up: func() time.Duration { return time.Since(began) }, log: g.log}
	}
}

// mayDelete tells whether this gateway's clock is good enough to delete by age.
func (g *Gateway) mayDelete() bool { return g.shipping.mayDelete() && g.guard.may() }
