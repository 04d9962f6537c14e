package loadtest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Phase is a stretch of time over which the rate goes evenly from From to To calls/s.
type Phase struct {
	From, To float64
	For      time.Duration
}

// Profile is the rate over time.
type Profile []Phase

// ParseProfile reads phases separated by commas: "1000x10s" is a constant rate,
// "100-1000x30s" a ramp. So steps are "500x10s,1000x10s", a soak is "700x10m".
func ParseProfile(text string) (Profile, error) {
	var p Profile
	for _, part := range strings.Split(text, ",") {
		rate, length, ok := strings.Cut(strings.TrimSpace(part), "x")
		if !ok {
			return nil, fmt.Errorf("profile: %q lacks a length: want RATExTIME or FROM-TOxTIME", part)
		}
		d, err := time.ParseDuration(length)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("profile: %q: the length is no positive duration", part)
		}
		from, to, ramp := strings.Cut(rate, "-")
		if !ramp {
			to = from
		}
		a, err1 := strconv.ParseFloat(from, 64)
		b, err2 := strconv.ParseFloat(to, 64)
		if err1 != nil || err2 != nil || a < 0 || b < 0 {
			return nil, fmt.Errorf("profile: %q: the rate is no number of calls a second", part)
		}
		p = append(p, Phase{a, b, d})
	}
	return p, nil
}

// Length is how long the profile lasts.
func (p Profile) Length() time.Duration {
	var d time.Duration
	for _, ph := range p {
		d += ph.For
	}
	return d
}

// Rate is the rate at a time since the start, 0 behind the end.
func (p Profile) Rate(at time.Duration) float64 {
	for _, ph := range p {
		if at < ph.For {
			return ph.From + (ph.To-ph.From)*float64(at)/float64(ph.For)
		}
		at -= ph.For
	}
	return 0
}

// arrivals is a Poisson process with the profile's rate: intended start times, one
// after the other, whatever becomes of the calls.
type arrivals struct {
	profile Profile
	share   float64 // of the rate
	next    time.Duration
	random  *rand.Rand
	even    bool // equal distances instead of Poisson
}

// idle is how far the process looks ahead while the rate is nought.
const idle = 10 * time.Millisecond

// due answers the next intended start up to now, or false.
func (a *arrivals) due(now time.Duration) (time.Duration, bool) {
	for a.next <= now {
		rate := a.profile.Rate(a.next) * a.share
		at := a.next
		if rate <= 0 {
			if at >= a.profile.Length() {
				return 0, false
			}
			a.next += idle
			continue
		}
		gap := 1.0
		if !a.even {
			gap = a.random.ExpFloat64()
		}
		a.next += time.Duration(gap / rate * float64(time.Second))
		return at, true
	}
	return 0, false
}

// over tells whether no more calls will come after now.
func (a *arrivals) over(now time.Duration) bool { return now >= a.profile.Length() }
