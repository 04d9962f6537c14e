//go:build linux && !portable

package transport

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// beat is how often a busy socket is read. Waking for every message costs more than
	// handling it, so that under load whoever waits shares the wake-up, and the commit of
	// the records as well.
	beat = 3500 * time.Microsecond

	// emptyBeats is how many beats in a row may find nothing before the reader waits to be
	// woken: that, and beginning to look again, costs as much as ten looks.
	emptyBeats = 4
)

// receive waits for messages and tells how many came. errReport: failures has
// something to tell.
func (d *datagrams) receive() (int, error) {
	for d.busy {
		if d.in.n < receiveMessages { // else there may be more
			d.rest(nextBeat())
		}
		if d.tryReceive() {
			d.empty = 0
			return d.received(nil)
		}
		if d.empty++; d.empty > emptyBeats {
			d.busy, d.empty = false, 0
			d.gate.open()
		}
	}
	err := d.gate.pass(d.in.attempt)
	if now := time.Now(); err == nil && d.in.errno == 0 {
		if now.Sub(d.last) < emptyBeats*beat {
			d.busy = true
			d.gate.shut()
			d.leave()
		}
		d.last = now
	}
	return d.received(err)
}

// nextBeat is when the next beat is, of all sockets.
func nextBeat() time.Time {
	now := time.Now()
	return now.Add(beat - time.Duration(now.UnixNano())%beat)
}

// sleep rests as anybody does.
func sleep(then time.Time) { time.Sleep(time.Until(then)) }

// keepPlace makes the reader rest without telling the scheduler, see Options.Readers.
func (d *datagrams) keepPlace() { d.rest, d.leave = restInPlace, rousePoller }

// rousePoller has another thread look after the timers and the runtime's poller. This one
// may have come from there, and the scheduler does not send the next before it is back:
// timers would be late by up to 20 ms.
func rousePoller() { go func() {}() }

// restInPlace sleeps on the thread. A signal ends a sleep early, as when the collector
// stops all; it can do so between two sleeps. Then whoever was made ready here runs.
func restInPlace(then time.Time) {
	for wait := time.Until(then); wait > 0; wait = time.Until(then) {
		ts := unix.NsecToTimespec(int64(wait))
		_, _, _ = unix.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	}
	yield()
}

// yield gives the place to those that wait for it. The scheduler stops whoever never does,
// every 10 ms, by a signal, and wakes other threads to take over: that cost a twentieth of
// all CPU time. runtime.Gosched wakes them as well, this does not.
//
//go:linkname yield runtime.goyield
func yield()
