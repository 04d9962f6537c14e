package transaction

import "time"

// never is the duration of a timer that is not started.
const never time.Duration = -1

// duration is how long a timer runs (RFC 3261 table 4, RFC 6026 8.11). tries counts
// the retransmissions already made; on streams nothing is retransmitted and the
// timers that only wait for retransmissions are zero. Timers B and F are counted
// from the start of the transaction, by the caller.
func (o *Options) duration(t event, stream bool, tries uint8) time.Duration {
	switch t {
	case timerA:
		return unlessStream(stream, o.T1<<min(tries, 7), never)
	case timerE, timerG:
		return unlessStream(stream, min(o.T1<<min(tries, 7), o.T2), never)
	case timerE2:
		return unlessStream(stream, o.T2, never)
	case timerD, timerJ:
		return unlessStream(stream, 64*o.T1, 0)
	case timerI, timerK:
		return unlessStream(stream, o.T4, 0)
	case timerC:
		return o.C
	case timer100:
		return 200 * time.Millisecond
	case timerQuiet:
		return o.quiet()
	}
	return 64 * o.T1 // B, F, H, L, M, cancelled, late
}

func unlessStream(stream bool, datagram, onStream time.Duration) time.Duration {
	if stream {
		return onStream
	}
	return datagram
}

// quiet is the time a client's timer E takes to be set to T2: T1 + 2*T1 + ... [3.5 s].
func (o *Options) quiet() (sum time.Duration) {
	for e := o.T1; e < o.T2; e *= 2 {
		sum += e
	}
	return sum
}
