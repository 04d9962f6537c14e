package outbox_test

import (
	"context"
	"testing"
	"time"

	"clirgate/store/pebble"
	"clirgate/trace"
	"clirgate/trace/keyring"
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

// asked counts the questions put to a store.
type asked struct {
	*pebble.Store
	finds int
}

func (a *asked) Find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) error {
	a.finds++
	return a.Store.Find(ctx, filed, from, to, newest, yield)
}

// A search of a month asks the store behind a quorum once, not day by day.
func TestQuorumSearchesManyDaysAtOnce(t *testing.T) {
	sink := new(outboxtest.Sink)
	n := newNode(t, sink)
	store := &asked{Store: n.store}
	ring, err := keyring.Open(ctx, new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	q := outbox.NewQuorum(store, n.store, outbox.New(n.store, sink, outbox.Options{}), time.Nanosecond, func(error) {})
	v := trace.NewVault(q, trace.NewKeys(ring), func() time.Time { return now })
	const days = 20
	called := tracetest.Record(now).Called
	for i := range days {
		r := tracetest.Record(now.AddDate(0, 0, -i))
		r.Called = called
		if err := v.Append([]trace.Entry{{ID: r.ID, Value: v.AppendSealed(nil, r)}}); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	query := trace.Query{Called: called, From: now.AddDate(0, 0, -29), To: now.Add(time.Minute), Basis: trace.BasisNuisance}
	if err := v.Search(ctx, query, func(*trace.Record) bool { found++; return true }); err != nil || found != days || store.finds != 1 {
		t.Errorf("%d found by %d questions, %v", found, store.finds, err)
	}
}
