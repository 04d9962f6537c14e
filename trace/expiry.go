package trace

import "time"

// MaxRetention is the longest time records are kept, in months (promise 7, LAW-18).
const MaxRetention = 12

// Expiry is start plus calendar months, at the same time of day. Where the month has no
// such day, it is the last one it has: twelve months from 29 February end on
// 28 February, not on 1 March, so that nothing is kept longer than the months say.
func Expiry(start time.Time, months int) time.Time {
	y, m, d := start.Date()
	first := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, start.Location())
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, start.Location()).Day()
	h, mi, s := start.Clock()
	return time.Date(first.Year(), first.Month(), min(d, last), h, mi, s, start.Nanosecond(), start.Location())
}
