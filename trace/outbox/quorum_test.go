package outbox_test

import (
	"context"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/outbox"
	"clirgate/trace/outbox/outboxtest"
	"clirgate/trace/tracetest"
)

func TestQuorum(t *testing.T) {
	sink := new(outboxtest.Sink)
	n := newNode(t, sink)
	shipper := outbox.New(n.store, sink, outbox.Options{Every: time.Hour}) // only when told
	var alarms []error
	patient := func(budget time.Duration) *outbox.Quorum {
		return outbox.NewQuorum(n.store, n.store, shipper, budget, func(err error) { alarms = append(alarms, err) })
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); shipper.Run(running) }()
	defer func() { stop(); <-done }()
	put := func(q *outbox.Quorum) {
		t.Helper()
		r := tracetest.Record(time.Now())
		e := trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)}
		if err := q.Append([]trace.Entry{e}); err != nil {
			t.Fatal(err)
		}
		n.want[key{e.ID, 0}] = true
	}

	q := patient(time.Minute)
	for range 5 {
		put(q)
		n.once() // there when Append comes back
	}
	if q.Fallen() != 0 || q.Behind() {
		t.Errorf("%d fallen", q.Fallen())
	}

	// A shared store that hangs costs one budget, and then nothing.
	q = patient(10 * time.Millisecond)
	release := sink.Hang()
	put(q)
	if q.Fallen() != 1 || !q.Behind() || len(alarms) != 1 || alarms[0] == nil {
		t.Errorf("%d fallen, alarms %v", q.Fallen(), alarms)
	}
	began := time.Now()
	for range 100 {
		put(q)
	}
	if q.Fallen() != 101 || len(alarms) != 1 {
		t.Errorf("%d fallen, alarms %v after %v", q.Fallen(), alarms, time.Since(began))
	}
	release()
	eventually(t, func() bool { return len(sink.Entries()) == len(n.want) })
	n.once()

	// Caught up: calls wait for it again.
	eventually(t, func() bool { put(q); return !q.Behind() })
	if alarms[len(alarms)-1] != nil {
		t.Errorf("alarms %v", alarms)
	}

	// One that fails does not make anybody wait.
	q = patient(time.Hour)
	sink.Faults(func() outboxtest.Fault { return outboxtest.Refused })
	put(q)
	put(q)
	if q.Fallen() != 2 {
		t.Errorf("%d fallen", q.Fallen())
	}
	sink.Faults(nil)
	if err := q.Append(nil); err != nil {
		t.Error(err)
	}
}
