package trace_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

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

// What is deleted has expired, and what expired a day ago is deleted.
func TestExpired(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		months := rapid.IntRange(1, 12).Draw(t, "months")
		now := time.Unix(rapid.Int64Range(1.7e9, 2.5e9).Draw(t, "now"), 0).UTC()
		start := now.AddDate(0, -months, rapid.IntRange(-4, 4).Draw(t, "days")).
			Add(time.Duration(rapid.IntRange(-86400, 86400).Draw(t, "seconds")) * time.Second)
		deleted, expiry := start.Before(trace.Expired(now, months)), trace.Expiry(start, months)
		if deleted && expiry.After(now) {
			t.Fatalf("record of %v deleted at %v, expires %v", start, now, expiry)
		}
		if !deleted && expiry.Before(now.Add(-24*time.Hour)) {
			t.Fatalf("record of %v kept at %v, expired %v", start, now, expiry)
		}
	})
}
