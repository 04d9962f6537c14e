package caseaudit

import (
	"context"
	"strings"
	"time"

	"clirgate/casework"
)

const (
	keyName = "audit/subjects/" // and the day
	day     = time.DateOnly
	year    = "2006" // of keys that were made before there was one a day
)

func dayKey(t time.Time) string  { return keyName + t.UTC().Format(day) }
func yearKey(t time.Time) string { return keyName + t.UTC().Format(year) }

// over tells whether a key seals only what is before a time.
func over(name string, since time.Time) bool {
	text, ok := strings.CutPrefix(name, keyName)
	if !ok {
		return false
	}
	if first, err := time.Parse(day, text); err == nil {
		return !first.AddDate(0, 0, 1).After(since)
	}
	first, err := time.Parse(year, text)
	return err == nil && !first.AddDate(1, 0, 0).After(since)
}

// Forget destroys the keys of subjects whose time is over, and says how many, never whose.
// The entries themselves are never changed.
func (l *Log) Forget(ctx context.Context) (n int, err error) {
	since := casework.SeenSince(l.now())
	for _, name := range l.ring.Names() {
		if over(name, since) {
			n++
		}
	}
	if n == 0 && !l.ring.Locked() { // names that wait for the master key are not told
		return 0, nil
	}
	if n > 0 {
		err = l.Audit(ctx, casework.Event{At: l.now(), Actor: "clirgate", Action: "forget subjects", Purpose: casework.PurposeRetention, Count: n})
		if err != nil {
			return 0, err
		}
	}
	return l.ring.Destroy(ctx, func(name string) bool { return over(name, since) })
}
