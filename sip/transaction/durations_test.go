package transaction

import (
	"testing"
	"time"
)

// RFC 3261 table 4, RFC 6026 8.11.
func TestDurations(t *testing.T) {
	var o Options
	o.setDefaults()
	const s, ms = time.Second, time.Millisecond
	for _, c := range []struct {
		timer         event
		tries         uint8
		datagram, tcp time.Duration
	}{
		{timerA, 0, 500 * ms, never}, {timerA, 1, 1 * s, never}, {timerA, 5, 16 * s, never}, {timerA, 200, 64 * s, never},
		{timerB, 0, 32 * s, 32 * s},
		{timerC, 0, 190 * s, 190 * s},
		{timerD, 0, 32 * s, 0},
		{timerE, 0, 500 * ms, never}, {timerE, 2, 2 * s, never}, {timerE, 3, 4 * s, never}, {timerE, 9, 4 * s, never},
		{timerE2, 0, 4 * s, never},
		{timerF, 0, 32 * s, 32 * s},
		{timerG, 0, 500 * ms, never}, {timerG, 4, 4 * s, never},
		{timerH, 0, 32 * s, 32 * s},
		{timerI, 0, 5 * s, 0},
		{timerJ, 0, 32 * s, 0},
		{timerK, 0, 5 * s, 0},
		{timerL, 0, 32 * s, 32 * s},
		{timerM, 0, 32 * s, 32 * s},
		{timerCancelled, 0, 32 * s, 32 * s},
		{timer100, 0, 200 * ms, 200 * ms},
		{timerQuiet, 0, 3500 * ms, 3500 * ms}, // 0.5 + 1 + 2, RFC 4320 4.1
	} {
		if got := o.duration(c.timer, false, c.tries); got != c.datagram {
			t.Errorf("%s after %d tries on UDP: %v, want %v", eventTexts[c.timer], c.tries, got, c.datagram)
		}
		if got := o.duration(c.timer, true, c.tries); got != c.tcp {
			t.Errorf("%s after %d tries on a stream: %v, want %v", eventTexts[c.timer], c.tries, got, c.tcp)
		}
	}
}
