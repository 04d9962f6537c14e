package main

import (
	"bytes"
	"io"
	"testing"
	"time"

	"clirgate/store/pebble"
)

// On a terminal one line tells how far it is and is taken away; elsewhere there are plain
// lines, and not many.
func TestVerifyProgress(t *testing.T) {
	steps := []struct {
		after  time.Duration
		looked pebble.Looked
	}{
		{0, pebble.Looked{At: "records", Of: 400}},
		{time.Second, pebble.Looked{At: "records", Done: 100, Of: 400}},
		{time.Millisecond, pebble.Looked{At: "records", Done: 200, Of: 400}},
		{time.Minute, pebble.Looked{At: "records", Done: 300, Of: 400}},
		{time.Millisecond, pebble.Looked{At: "updates", Done: 0}},
	}
	for terminal, want := range map[bool]string{
		true:  "\r\x1b[Krecords: 0 of 400 (0%)\r\x1b[Krecords: 100 of 400 (25%)\r\x1b[Krecords: 300 of 400 (75%)\r\x1b[Kupdates: 0\r\x1b[Kverdict\n",
		false: "records: 0 of 400 (0%)\nrecords: 300 of 400 (75%)\nupdates: 0\nverdict\n",
	} {
		var out bytes.Buffer
		now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
		p := verifyProgress{w: &out, terminal: terminal, now: func() time.Time { return now }}
		for _, s := range steps {
			now = now.Add(s.after)
			p.show(s.looked)
		}
		if _, err := io.WriteString(&afterProgress{&out, &p}, "verdict\n"); err != nil {
			t.Fatal(err)
		}
		p.end()
		if got := out.String(); got != want {
			t.Errorf("terminal %v: %q", terminal, got)
		}
	}
}
