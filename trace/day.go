package trace

import (
	"encoding/binary"
	"time"
)

// Day is a day in UTC, counted from 1 January 1970.
type Day uint32

const msPerDay = uint64(24 * time.Hour / time.Millisecond)

// DayOf is the day that holds t; times before 1970 count as the first one.
func DayOf(t time.Time) Day {
	return FirstID(t).Day()
}

// Day is the day the ID was made.
func (id ID) Day() Day { return Day(binary.BigEndian.Uint64(id[:8]) >> 16 / msPerDay) }

// Start is the first instant of the day; its end is the start of the next.
func (d Day) Start() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// String is the day as 2006-01-02.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// FirstKept is the first day that still holds a record within its retention at now;
// all days before it are to be dropped.
func FirstKept(now time.Time, months int) Day {
	d := DayOf(now.UTC().AddDate(0, -months, -4))
	for !Expiry((d + 1).Start().Add(-1), months).After(now) {
		d++
	}
	return d
}

// NextDrop is when the next day will be due: the next midnight, UTC. A record is gone
// within 24 hours of its expiry when days are dropped then.
func NextDrop(now time.Time) time.Time { return (DayOf(now) + 1).Start() }
