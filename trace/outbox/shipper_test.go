package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clirgate/store/pebble"
	"clirgate/trace"
	"clirgate/trace/outbox"
	"clirgate/trace/outbox/outboxtest"
	"clirgate/trace/tracetest"
)

var ctx = context.Background()

// node is a node with a store, which counts what was appended to it.
type node struct {
	t       *testing.T
	dir     string
	store   *pebble.Store
	shipper *outbox.Shipper
	sink    *outboxtest.Sink
	want    map[key]bool
	alarms  []error
	rows    int
}

type key struct {
	id   trace.ID
	kind byte
}

func newNode(t *testing.T, sink *outboxtest.Sink) *node {
	n := &node{t: t, dir: filepath.Join(t.TempDir(), "records"), sink: sink, want: make(map[key]bool)}
	n.open()
	t.Cleanup(func() { _ = n.store.Close() })
	return n
}

func (n *node) open() {
	n.t.Helper()
	s, err := pebble.Open(n.dir, pebble.Options{Outbox: true})
	if err != nil {
		n.t.Fatal(err)
	}
	n.store = s
	n.shipper = outbox.New(s, n.sink, outbox.Options{Node: "gw1", Rows: n.rows, Alarm: func(err error) { n.alarms = append(n.alarms, err) }})
}

func (n *node) reopen() {
	n.t.Helper()
	if err := n.store.Close(); err != nil {
		n.t.Fatal(err)
	}
	n.open()
}

// call appends a record and its end.
func (n *node) call(at time.Time) {
	n.t.Helper()
	r := tracetest.Record(at)
	n.put(trace.Entry{ID: r.ID, Value: trace.AppendRecord(nil, r)})
	n.put(trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, &trace.Record{ID: r.ID, End: at.Add(time.Minute)})})
}

func (n *node) put(batch ...trace.Entry) {
	n.t.Helper()
	if err := n.store.Append(batch); err != nil {
		n.t.Fatal(err)
	}
	for _, e := range batch {
		n.want[key{e.ID, e.Kind()}] = true
	}
}

func (n *node) ship() {
	n.t.Helper()
	if err := n.shipper.Ship(ctx); err != nil {
		n.t.Fatal(err)
	}
}

// once expects all that was appended in the sink, and nothing twice.
func (n *node) once() {
	n.t.Helper()
	got := make(map[key]int)
	for _, e := range n.sink.Entries() {
		got[key{e.ID, e.Kind()}]++
	}
	for k, times := range got {
		if times != 1 || !n.want[k] {
			n.t.Fatalf("%s/%d is there %d times (appended: %v)", k.id, k.kind, times, n.want[k])
		}
	}
	if len(got) != len(n.want) {
		n.t.Fatalf("%d entries shipped of %d", len(got), len(n.want))
	}
}

func TestShip(t *testing.T) {
	n := newNode(t, new(outboxtest.Sink))
	start := time.Now()
	n.ship() // nothing
	for i := range 20 {
		n.call(start.Add(time.Duration(i) * time.Second))
	}
	if st := n.shipper.Status(); st.Entries != 40 || st.Bytes == 0 || st.Oldest.IsZero() {
		t.Errorf("before: %+v", st)
	}
	n.ship()
	n.once()
	if st := n.shipper.Status(); st.Entries != 0 || !st.Oldest.IsZero() || st.Shipped != 40 || st.Failed != nil {
		t.Errorf("after: %+v", st)
	}
	// In the order of appending: a record before its end.
	seen := make(map[trace.ID]bool)
	for _, e := range n.sink.Entries() {
		if e.Kind() != 0 && !seen[e.ID] {
			t.Fatal("an end before its record")
		}
		seen[e.ID] = true
	}
	// An end that comes much later.
	var last trace.ID
	for k := range n.want {
		last = k.id
	}
	n.put(trace.Entry{ID: last, Value: trace.AppendUpdate(nil, &trace.Record{ID: last, Status: 487})})
	n.ship()
	n.once()
}

// Whatever the connection does, and however often the node starts anew: all of it, once.
func TestShipThroughFaults(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel() // it waits for the disk
			random := rand.New(rand.NewPCG(seed, 0))
			sink := new(outboxtest.Sink)
			n := newNode(t, sink)
			n.rows = 1 + random.IntN(7)
			n.reopen()
			sink.Faults(func() outboxtest.Fault { return outboxtest.Fault(random.IntN(3)) })
			start := time.Now()
			for i := range 60 {
				switch random.IntN(8) {
				case 0:
					n.reopen()
				case 1, 2:
					_ = n.shipper.Ship(ctx) // may fail
				case 3:
					sink.Backup()
				case 4:
					sink.Restore() // the server is put back from its last backup
				default:
					n.call(start.Add(time.Duration(i) * time.Second))
				}
			}
			sink.Faults(nil)
			n.ship()
			n.call(start) // a store that went back while nothing came is seen by the next batch
			n.ship()
			n.reopen()
			n.ship()
			n.once()
		})
	}
}

// The node's database is put back from a copy that is older than what was shipped.
func TestShipAfterOldCopy(t *testing.T) {
	n := newNode(t, new(outboxtest.Sink))
	now := time.Now()
	n.call(now)
	n.ship()
	if err := n.store.Close(); err != nil {
		t.Fatal(err)
	}
	aside := n.dir + ".copy"
	if err := os.CopyFS(aside, os.DirFS(n.dir)); err != nil {
		t.Fatal(err)
	}
	n.open()
	n.call(now)
	n.ship()
	if err := errors.Join(n.store.Close(), os.RemoveAll(n.dir), os.Rename(aside, n.dir)); err != nil {
		t.Fatal(err)
	}
	n.open()
	n.call(now)
	n.ship()
	n.once()
}

// A database that was the whole store before becomes an outbox while calls go on.
func TestEarlier(t *testing.T) {
	n := newNode(t, new(outboxtest.Sink))
	n.dir += "2"
	alone, err := pebble.Open(n.dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = n.store.Close()
	n.store = alone
	start := time.Now().Add(-time.Hour)
	for i := range 1200 {
		at := start.Add(time.Duration(i) * time.Second)
		r := tracetest.Record(at)
		batch := []trace.Entry{{ID: r.ID, Value: trace.AppendRecord(nil, r)}}
		if i%3 == 0 {
			batch = append(batch, trace.Entry{ID: r.ID, Value: trace.AppendUpdate(nil, r)})
		}
		n.put(batch...)
	}
	n.reopen()
	for more, i := true, 0; more; i++ {
		n.call(time.Now().Add(time.Second))
		if i == 1 {
			n.reopen() // and goes on where it was
		}
		if more, err = n.store.LogEarlier(); err != nil {
			t.Fatal(err)
		}
		n.ship()
	}
	n.once()
	n.reopen()
	if more, err := n.store.LogEarlier(); more || err != nil {
		t.Errorf("again: %v, %v", more, err)
	}
	n.ship()
	n.once()
	// Opened alone for a while, it remembers all the same.
	_ = n.store.Close()
	if n.store, err = pebble.Open(n.dir, pebble.Options{}); err != nil {
		t.Fatal(err)
	}
	n.call(time.Now())
	n.reopen()
	n.ship()
	n.once()
}

func TestTidy(t *testing.T) {
	sink := new(outboxtest.Sink)
	n := newNode(t, sink)
	now := time.Now()
	old := now.AddDate(0, 0, -5)
	n.call(old)
	n.call(now)
	today := trace.DayOf(now)
	if records, ok, err := n.shipper.Tidy(ctx, n.store, today); records != 0 || ok || err != nil {
		t.Errorf("before all is shipped: %d, %v, %v", records, ok, err)
	}
	n.ship()
	if records, ok, err := n.shipper.Tidy(ctx, n.store, today); records != 1 || !ok || err != nil {
		t.Errorf("%d, %v, %v", records, ok, err)
	}
	left := 0
	if err := n.store.Scan(old, now.Add(time.Hour), func(*trace.Record) bool { left++; return true }); err != nil || left != 1 {
		t.Errorf("%d left, %v", left, err)
	}
	// The batches were appended today: a server that lost everything gets what is there.
	sink.Restore()
	n.call(now)
	n.ship()
	for k := range n.want {
		if k.id.Day() < today {
			delete(n.want, k)
		}
	}
	n.once()
	if st := n.shipper.Status(); st.Again == 0 || st.Lost != 0 {
		t.Errorf("%+v", st)
	}
	// Tidied so far that batches are gone, it says how many.
	if _, ok, err := n.shipper.Tidy(ctx, n.store, today+1); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	n.alarms = nil
	sink.Restore()
	n.call(now.AddDate(0, 0, 2))
	n.ship()
	if st := n.shipper.Status(); st.Lost != 6 || len(n.alarms) != 2 {
		t.Errorf("%+v, alarms %v", st, n.alarms)
	}
}

func TestAlarms(t *testing.T) {
	sink := new(outboxtest.Sink)
	n := newNode(t, sink)
	sink.Faults(func() outboxtest.Fault { return outboxtest.Refused })
	n.call(time.Now())
	for range 3 {
		if err := n.shipper.Ship(ctx); !errors.Is(err, outbox.ErrUnavailable) || !errors.Is(n.shipper.Status().Failed, outbox.ErrUnavailable) {
			t.Error(err)
		}
	}
	sink.Faults(nil)
	n.ship()
	n.ship()
	if len(n.alarms) != 2 || !errors.Is(n.alarms[0], outbox.ErrUnavailable) || n.alarms[1] != nil {
		t.Errorf("%v", n.alarms)
	}
}

// Run ships by itself, also what comes later and after a failure, and ends.
func TestRun(t *testing.T) {
	sink := new(outboxtest.Sink)
	n := newNode(t, sink)
	shipper := outbox.New(n.store, sink, outbox.Options{Every: time.Millisecond, Check: time.Millisecond})
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); shipper.Run(running) }()
	all := func() bool { return len(sink.Entries()) == len(n.want) }
	n.call(time.Now())
	eventually(t, all)
	sink.Faults(func() outboxtest.Fault { return outboxtest.Refused })
	n.call(time.Now())
	eventually(t, func() bool { return shipper.Status().Failed != nil })
	sink.Faults(nil)
	eventually(t, all)
	sink.Restore() // empty, and nothing new comes: the next check sees it
	eventually(t, all)
	stop()
	<-done
	n.once()
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
	}
}

// Two nodes ship to one store, each its own.
func TestTwoNodes(t *testing.T) {
	sink := new(outboxtest.Sink)
	a, b := newNode(t, sink), newNode(t, sink)
	for range 10 {
		a.call(time.Now())
		b.call(time.Now())
		a.ship()
		b.ship()
	}
	for k := range b.want {
		a.want[k] = true
	}
	a.once()
	epochs, err := a.store.Epochs()
	if err != nil || len(epochs) != 1 || slices.Contains(epochs, func() outbox.Epoch { e, _ := b.store.Last(); return e }()) {
		t.Errorf("%v, %v", epochs, err)
	}
}
