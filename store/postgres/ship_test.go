package postgres

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clirgate/store/pebble"
	"clirgate/store/postgres/pgtest"
	"clirgate/trace"
	"clirgate/trace/outbox"
)

// shippingNode is a node that records calls all the time and ships them.
type shippingNode struct {
	store   *pebble.Store
	shipper *outbox.Shipper
	calls   map[trace.ID]bool
}

// ship starts nodes on a database; stop ends their calls, waits until everything is
// shipped, and answers all calls there were.
func ship(t *testing.T, db *DB, names ...string) (nodes []*shippingNode, stop func() map[trace.ID]bool) {
	ctx, cancel := context.WithCancel(context.Background())
	calling, hangUp := context.WithCancel(ctx)
	var running, calls sync.WaitGroup
	for _, name := range names {
		s, err := pebble.Open(filepath.Join(t.TempDir(), name), pebble.Options{Outbox: true})
		if err != nil {
			t.Fatal(err)
		}
		n := &shippingNode{store: s, calls: make(map[trace.ID]bool)}
		n.shipper = outbox.New(s, db.Records(nil), outbox.Options{
			Node: name, Every: 5 * time.Millisecond, Rows: 50, Retry: 20 * time.Millisecond, Check: time.Second,
		})
		running.Go(func() { n.shipper.Run(ctx) })
		calls.Go(func() { n.call(t, calling) })
		nodes = append(nodes, n)
	}
	t.Cleanup(func() {
		cancel()
		hangUp()
		calls.Wait()
		running.Wait()
		for _, n := range nodes {
			_ = n.store.Close()
		}
	})
	return nodes, func() map[trace.ID]bool {
		hangUp()
		calls.Wait()
		all := make(map[trace.ID]bool)
		for _, n := range nodes {
			eventually(t, "everything shipped", func() bool { st := n.shipper.Status(); return st.Entries == 0 && st.Failed == nil })
			for id := range n.calls {
				all[id] = true
			}
		}
		return all
	}
}

// call records calls, four a batch, and their ends.
func (n *shippingNode) call(t *testing.T, ctx context.Context) {
	for ctx.Err() == nil {
		var begun, ended []trace.Entry
		for range 4 {
			e := plain(time.Now())
			n.calls[e.ID] = true
			begun = append(begun, e)
			ended = append(ended, trace.Entry{ID: e.ID, Value: trace.AppendUpdate(nil, &trace.Record{ID: e.ID, Status: 486})})
		}
		if err := errors.Join(n.store.Append(begun), n.store.Append(ended)); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(time.Millisecond) // a rate, not a wait for something
	}
}

// expectOnce counts by ID: every call once, with its end.
func expectOnce(t *testing.T, db *DB, want map[trace.ID]bool) {
	t.Helper()
	ctx := context.Background()
	var rows, ids, updates int
	// The pool may still hold a connection to a server that was killed.
	eventually(t, "an answer", func() bool { return db.pool.Ping(ctx) == nil })
	err := db.pool.QueryRow(ctx, "SELECT count(*), count(DISTINCT id), (SELECT count(*) FROM record_updates) FROM records").Scan(&rows, &ids, &updates)
	if err != nil || rows != len(want) || ids != len(want) || updates != len(want) {
		t.Errorf("%d records of %d calls, %d ends; want %d (%v)", rows, ids, updates, len(want), err)
	}
	missing := len(want)
	err = db.Records(nil).Scan(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), func(r *trace.Record) bool {
		if want[r.ID] && r.Status == 486 {
			missing--
		}
		return true
	})
	if err != nil || missing != 0 {
		t.Errorf("%d calls are not found, %v", missing, err)
	}
	t.Logf("%d calls, each once", rows)
}

func shippedMore(t *testing.T, nodes []*shippingNode) {
	t.Helper()
	for _, n := range nodes {
		at := n.shipper.Status().Shipped
		eventually(t, "more shipped", func() bool { return n.shipper.Status().Shipped > at+200 })
	}
}

// The server is stopped, and killed, and comes back, while two nodes ship to it.
func TestShipThroughOutage(t *testing.T) {
	own := pgtest.Start(t)
	db := open(t, own.Database(t))
	nodes, stop := ship(t, db, "gw1", "gw2")
	for _, end := range []func(testing.TB){own.Stop, own.Kill} {
		shippedMore(t, nodes)
		end(t)
		for _, n := range nodes {
			eventually(t, "that it is seen", func() bool { return n.shipper.Status().Failed != nil && n.shipper.Status().Entries > 100 })
		}
		own.Restart(t)
	}
	shippedMore(t, nodes)
	expectOnce(t, db, stop())
}

// The primary is killed under load and its synchronous standby promoted: whatever was
// acknowledged is there, whatever was not comes again, nothing twice.
func TestShipThroughFailover(t *testing.T) {
	pair := pgtest.StartPair(t)
	db := open(t, pair.Database(t))
	if err := db.Records(nil).Standby(context.Background()); err != nil {
		t.Error(err)
	}
	nodes, stop := ship(t, db, "gw1", "gw2")
	shippedMore(t, nodes)
	pair.FailOver(t)
	shippedMore(t, nodes)
	want := stop()
	for _, n := range nodes {
		if st := n.shipper.Status(); st.Again != 0 || st.Lost != 0 {
			t.Errorf("acknowledged and lost: %+v", st)
		}
	}
	expectOnce(t, db, want)
	if err := db.Records(nil).Standby(context.Background()); !errors.Is(err, ErrNoStandby) {
		t.Errorf("a server that is alone: %v", err)
	}
}
