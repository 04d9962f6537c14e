package trace_test

import (
	"testing"
	"time"

	"clirgate/trace"
)

func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		start  string
		months int
		want   string
	}{
		{"2026-11-23T22:34:05+01:00", 12, "2027-11-23T22:34:05+01:00"},
		{"2024-02-29T12:00:00+01:00", 12, "2025-02-28T12:00:00+01:00"},
		{"2023-02-28T12:00:00+01:00", 12, "2024-02-28T12:00:00+01:00"},
		{"2026-01-31T00:00:00Z", 1, "2026-02-28T00:00:00Z"},
		{"2024-01-31T00:00:00Z", 1, "2024-02-29T00:00:00Z"},
		{"2026-08-31T23:59:59Z", 6, "2027-02-28T23:59:59Z"},
		{"2026-12-31T01:02:03Z", 2, "2027-02-28T01:02:03Z"},
		{"2026-12-15T01:02:03Z", 1, "2027-01-15T01:02:03Z"},
	} {
		start, _ := time.Parse(time.RFC3339, c.start)
		want, _ := time.Parse(time.RFC3339, c.want)
		if got := trace.Expiry(start, c.months); !got.Equal(want) {
			t.Errorf("%s + %d months = %v, want %s", c.start, c.months, got, c.want)
		}
	}
}
