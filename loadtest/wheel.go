package loadtest

// timer is one place in a wheel; it belongs to a leg, which is told its kind.
type timer struct {
	prev, next *timer
	due        int64 // tick
	leg        *leg
	kind       timerKind
}

// wheel holds timers in slots of one tick each, several rounds deep. A tick is a
// millisecond. Setting and stopping are a few assignments.
type wheel struct {
	slots  [wheelSlots]timer // list heads
	firing timer             // list head of what is due in this tick
	now    int64             // tick reached
}

const wheelSlots = 8192

func newWheel(now int64) *wheel {
	w := &wheel{now: now}
	w.firing.prev, w.firing.next = &w.firing, &w.firing
	for i := range w.slots {
		w.slots[i].prev, w.slots[i].next = &w.slots[i], &w.slots[i]
	}
	return w
}

// set arms t after so many ticks, at least one; it may be armed already.
func (w *wheel) set(t *timer, after int64) {
	w.stop(t)
	t.due = w.now + max(after, 1)
	w.slots[t.due%wheelSlots].push(t)
}

// stop disarms t.
func (w *wheel) stop(t *timer) {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.prev, t.next = nil, nil
}

// armed tells whether t waits.
func (t *timer) armed() bool { return t.next != nil }

// advance fires what is due up to and including tick now. What is fired may arm and
// stop any timer.
func (w *wheel) advance(now int64, fire func(*timer)) {
	for w.now < now {
		w.now++
		head := &w.slots[w.now%wheelSlots]
		for t := head.next; t != head; {
			next := t.next
			if t.due <= w.now {
				w.stop(t)
				w.firing.push(t)
			}
			t = next
		}
		for w.firing.next != &w.firing {
			t := w.firing.next
			w.stop(t)
			fire(t)
		}
	}
}

// push puts t at the end of the list that head heads.
func (head *timer) push(t *timer) {
	t.prev, t.next = head.prev, head
	head.prev.next, head.prev = t, t
}
