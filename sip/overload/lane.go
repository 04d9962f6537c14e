package overload

// lane is what is known of one queue.
type lane struct {
	at     int64 // unix nanoseconds: when a wait was told last
	stood  int64 // that wait; 0 when the queue had been empty before: its reader was held up, there was not too much
	least  int64 // shortest wait of the interval and 1; 0: none told
	since  int64 // since when all waits are above the target, or when that was last looked at; 0: they are not
	peak   int64 // longest of these waits
	peakAt int64
}

// stands takes in a wait and tells whether the queue stands: for an interval it has not
// been empty (the oldest message came before others were taken last), nothing in it has
// waited less than the target, and it does not become short by itself.
func (l *lane) stands(wait, at int64, o *Options) bool {
	emptied := at-wait > l.at || at < l.at // or the clock was set back
	if l.at, l.stood = at, wait; emptied {
		l.stood = 0
	}
	if l.least == 0 || wait < l.least-1 {
		l.least = wait + 1
	}
	if wait <= int64(o.Target) {
		l.since = 0
		return false
	}
	if l.since == 0 || emptied {
		l.since, l.peak = at, 0
	}
	if wait >= l.peak {
		l.peak, l.peakAt = wait, at
	}
	if at-l.since < int64(o.Interval) {
		return false
	}
	l.since = at
	pace := float64(l.peak-wait) / float64(max(at-l.peakAt, int64(o.Interval)))
	return float64(wait-int64(o.Target)) > pace*horizon*float64(o.Interval)
}

// forget ends an interval: its shortest wait, -1 if none was told.
func (l *lane) forget() int64 {
	least := l.least - 1
	l.least = 0
	return least
}
