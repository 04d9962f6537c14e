package trace

import "time"

// backlogRetry is how long a store that has failed is left alone before it is offered
// once more what it refused.
const backlogRetry = time.Second

// write is the commit goroutine.
func (r *Recorder) write() {
	defer close(r.written)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for r.await(timer) {
		r.pace(timer)
		r.committing <- struct{}{}
		told := r.commit()
		<-r.committing
		if told {
			r.o.After()
		}
	}
}

// await blocks until there is a batch worth committing; false: closed, and nothing left.
// Where records are gathered it looks by itself, for a while, for what nobody waits for:
// under load that spares a wake-up for every commit.
func (r *Recorder) await(timer *time.Timer) bool {
	rested := !r.o.Gather
	for {
		some, urgent, closed := r.look(rested)
		switch {
		case urgent || some && closed:
			return true
		case closed:
			for r.owing() && r.repay() {
			}
			return false
		case some && rested && r.o.Gather:
			return true
		case some || !rested:
			if rested = r.lazy(timer); rested && some {
				return true
			}
		case r.owing():
			if !r.repay() {
				r.pause(timer, backlogRetry)
			}
		default:
			select {
			case <-r.kick:
			case <-r.closing:
			}
		}
	}
}

// look tells what there is to write. When nothing is and it will not look again by itself,
// whoever brings something must tell the writer.
func (r *Recorder) look(last bool) (some, urgent, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	some = len(r.filling.items) > 0
	r.dozing = last && !some
	return some, r.filling.waiting > 0 && (r.called || !r.o.Gather), r.closed
}

// lazy waits for somebody who waits; true: nobody came, it has been long enough, and nobody
// else commits meanwhile what there is.
func (r *Recorder) lazy(timer *time.Timer) bool {
	timer.Reset(r.o.Lazy)
	select {
	case <-timer.C:
		return r.sinceCommit() >= r.o.Lazy
	case <-r.kick:
	case <-r.closing:
	}
	return false
}

// pace keeps commits a window apart: whoever comes in it shares the next one.
func (r *Recorder) pace(timer *time.Timer) {
	wait := r.o.Window - r.sinceCommit()
	if wait <= 0 {
		return
	}
	timer.Reset(wait)
	select {
	case <-timer.C:
	case <-r.closing:
	}
}

// pause waits a while for something to write.
func (r *Recorder) pause(timer *time.Timer, d time.Duration) {
	timer.Reset(d)
	select {
	case <-timer.C:
	case <-r.kick:
	case <-r.closing:
	}
}
