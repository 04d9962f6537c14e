package gateway

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/sip/privacy"
)

// A clock that jumps ahead, while the gateway runs or before it starts, has nothing
// deleted until it is set right or was doubted for a day.
func TestClockThatJumpsAhead(t *testing.T) {
	const hour, day, year = time.Hour, 24 * time.Hour, 365 * 24 * time.Hour
	type step struct {
		passes  time.Duration // before it looks
		jumps   time.Duration // the clock, besides
		restart bool
		may     bool
	}
	for name, steps := range map[string][]step{
		"an ordinary day":           {{may: true}, {passes: hour, may: true}, {passes: 23 * hour, may: true}},
		"off for a night":           {{may: true}, {passes: 12 * hour, restart: true, may: true}},
		"while it runs":             {{may: true}, {passes: hour, jumps: year}, {passes: hour}, {passes: 23 * hour, may: true}},
		"before it starts":          {{may: true}, {jumps: year, restart: true}, {passes: 23 * hour}, {passes: hour, may: true}},
		"set right":                 {{may: true}, {passes: hour, jumps: year}, {passes: hour, jumps: -year, may: true}},
		"set right late":            {{may: true}, {passes: hour, jumps: year}, {passes: 20 * hour}, {passes: hour, jumps: -year, may: true}},
		"restarted while doubted":   {{may: true}, {jumps: year}, {passes: 20 * hour, restart: true}, {passes: 4 * hour, may: true}},
		"jumps again":               {{may: true}, {jumps: year}, {passes: hour, jumps: year}, {passes: 23 * hour}, {passes: hour, may: true}},
		"again, before it starts":   {{may: true}, {jumps: year}, {jumps: year, restart: true}, {passes: 23 * hour}, {passes: hour, may: true}},
		"back, then as it was":      {{may: true}, {jumps: -year, may: true}, {jumps: year}, {passes: day, may: true}},
		"asleep without any notice": {{may: true}, {jumps: 2 * day}, {passes: day, may: true}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), clockFile)
			now, up := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), time.Duration(0)
			var log bytes.Buffer
			begin := func() *clockGuard {
				return &clockGuard{path: path, wall: func() time.Time { return now }, up: func() time.Duration { return up },
					log: slog.New(slog.NewTextHandler(&log, nil))}
			}
			c, doubted := begin(), false
			for i, s := range steps {
				now, up = now.Add(s.passes+s.jumps), up+s.passes
				if s.restart {
					c, up = begin(), 0
				}
				if may := c.may(); may != s.may {
					t.Fatalf("step %d: %v\n%s", i, may, &log)
				}
				doubted = doubted || !s.may
			}
			if doubted != strings.Contains(log.String(), "nothing is deleted") {
				t.Errorf("the operator heard:\n%s", &log)
			}
		})
	}
}

func TestClockFileThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), clockFile)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := &clockGuard{path: path, wall: time.Now, up: func() time.Duration { return 0 }, log: slog.New(slog.NewTextHandler(&log, nil))}
	if !c.may() || !strings.Contains(log.String(), "cannot be read") {
		t.Errorf("%s", &log)
	}
	if !(*clockGuard)(nil).may() {
		t.Error("a clock that nobody guards is doubted")
	}
}

// A clock that jumps ahead destroys no key that a call under way needs.
func TestClockThatJumpsAheadDestroysNoKey(t *testing.T) {
	dir, now, up := t.TempDir(), time.Now(), time.Duration(0)
	keys, err := privacy.LoadKeys(filepath.Join(dir, "keys"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Rotate(now); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	g := &Gateway{keys: keys, log: log, clock: func() time.Time { return now }}
	g.guard = &clockGuard{path: filepath.Join(dir, clockFile), wall: g.now, up: func() time.Duration { return up }, log: log}
	for _, step := range []struct {
		name          string
		passes, jumps time.Duration
		left          int
	}{
		{"a call may still last", time.Minute, 0, 2},
		{"the clock jumps", time.Minute, 365 * 24 * time.Hour, 2},
		{"it was so for a day", 24 * time.Hour, 0, 1},
	} {
		now, up = now.Add(step.passes+step.jumps), up+step.passes
		g.pruneKeys()
		if n := len(keys.List(now)); n != step.left {
			t.Errorf("%s: %d keys, want %d", step.name, n, step.left)
		}
	}
}
