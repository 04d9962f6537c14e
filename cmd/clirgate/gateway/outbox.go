package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"clirgate/admin"
	"clirgate/store/postgres"
	"clirgate/trace"
	"clirgate/trace/outbox"
)

const (
	earlierPause = 10 * time.Millisecond // between pieces of what was here before: calls come first
	lastShip     = time.Second           // what is left when the gateway stops is given this long
	cleanTime    = time.Minute
)

// shipping brings this node's records to the shared store. All of it may fail without a
// call noticing: records wait here.
type shipping struct {
	g       *Gateway
	shared  *sharedRecords
	shipper *outbox.Shipper
	quorum  *outbox.Quorum // nil: a call waits for the local disk only
	keys    *sharedKeys

	group   sync.WaitGroup
	stop    context.CancelFunc
	trouble atomic.Pointer[string] // partitions, standby, clock; nil: none

	clockGood atomic.Bool
}

// makeShipping makes it where the store is shared, and answers where the recorder writes.
func (g *Gateway) makeShipping() trace.EntryStore {
	if !g.cfg.Shared() {
		return g.records
	}
	s := &shipping{g: g, shared: &sharedRecords{database: g.database, now: g.now}}
	s.keys = newSharedKeys(g)
	s.shipper = outbox.New(g.records, s.shared, outbox.Options{
		Node: g.cfg.Node, Before: s.keys.Publish, Alarm: s.alarm("records are shipped"),
	})
	g.shipping = s
	g.onClose(s.close)
	if g.cfg.Trace.Durable != "quorum" {
		return g.records
	}
	s.quorum = outbox.NewQuorum(g.records, g.records, s.shipper, time.Duration(g.cfg.Trace.QuorumBudget), s.alarm("calls wait for the shared store"))
	return s.quorum
}

func (s *shipping) alarm(well string) func(error) {
	return func(err error) {
		if err == nil {
			s.g.log.Info(well + " again")
			return
		}
		s.g.log.Error("shared store of records", "error", err)
	}
}

// start begins to ship. A nil shipping does nothing.
func (s *shipping) start() {
	if s == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.group.Go(func() { s.shipper.Run(ctx) })
	s.group.Go(func() { s.keys.run(ctx) })
	s.group.Go(func() { s.logEarlier(ctx) })
	s.group.Go(func() { s.maintain(ctx) })
}

// logEarlier has what this node kept while its store was a local one shipped too.
func (s *shipping) logEarlier(ctx context.Context) {
	for ctx.Err() == nil {
		more, err := s.g.records.LogEarlier()
		wait := earlierPause
		switch {
		case err != nil:
			s.g.log.Error("records of before the store was shared wait", "error", err)
			wait = cleanTime
		case !more:
			return
		}
		sleep(ctx, wait)
	}
}

// maintain looks after the shared store: sooner while it is away.
func (s *shipping) maintain(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.clean(ctx)
		wait := min(cleanEvery, time.Until(trace.NextDrop(s.g.now())))
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			s.g.log.Error("shared store of records cannot be looked after", "error", err)
			wait = cleanTime
		}
		sleep(ctx, wait)
	}
}

func (s *shipping) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanTime)
	defer cancel()
	store, err := s.shared.get(ctx)
	if err != nil {
		return err
	}
	days, err := store.Maintain(ctx)
	trouble := errors.Join(days.Trouble(), s.compareClocks(ctx, store))
	if s.quorum != nil {
		trouble = errors.Join(trouble, store.Standby(ctx))
	}
	s.setTrouble(trouble)
	if !s.mayDelete() {
		return err
	}
	s.g.janitor(s.g.search).clean(ctx)
	first := trace.DayOf(s.g.now().AddDate(0, 0, -s.g.config().Trace.LocalDays))
	if records, _, tidyErr := s.shipper.Tidy(ctx, s.g.records, first); tidyErr != nil {
		err = errors.Join(err, tidyErr)
	} else if records > 0 {
		s.g.log.Info("records that were shipped are deleted here", "before", first.String(), "records", records)
	}
	return err
}

// clockOff is how far this node's clock may be from the server's for it to delete by age.
const clockOff = 10 * time.Minute

// compareClocks keeps a node whose clock is wrong from deleting what all nodes share.
func (s *shipping) compareClocks(ctx context.Context, store *postgres.Records) error {
	there, err := store.Clock(ctx)
	off := s.shared.now().Sub(there).Abs()
	s.clockGood.Store(err == nil && off < clockOff)
	if err == nil && off >= clockOff {
		err = fmt.Errorf("this node's clock is %s off the server's: it deletes nothing", off.Round(time.Second))
	}
	return err
}

// mayDelete tells whether this node's clock is known to be right, where it matters to
// others. Until then expired records wait.
func (s *shipping) mayDelete() bool { return s == nil || s.clockGood.Load() }

func (s *shipping) setTrouble(err error) {
	if changed(&s.trouble, err) {
		s.g.log.Error("shared store of records", "error", err)
	}
}

// changed keeps an error's text and tells whether there is one that is new.
func changed(kept *atomic.Pointer[string], err error) bool {
	if err == nil {
		kept.Store(nil)
		return false
	}
	text := err.Error()
	old := kept.Swap(&text)
	return old == nil || *old != text
}

// close stops shipping, and ships what is left when the shared store is there.
func (s *shipping) close() error {
	if s.stop == nil {
		return nil // it never began
	}
	s.stop()
	s.group.Wait()
	if s.shipper.Status().Failed != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastShip)
	defer cancel()
	if err := s.shipper.Ship(ctx); err != nil {
		s.g.log.Warn("records wait on this node until it starts again", "error", err)
	}
	return nil
}

// problems are what is not as it should be, in sentences.
func (s *shipping) problems() (list []string) {
	if s == nil {
		return nil
	}
	st := s.shipper.Status()
	if st.Failed != nil {
		list = append(list, fmt.Sprintf("The shared store takes no records: %d wait on this node.", st.Entries))
	}
	if s.quorum != nil && s.quorum.Behind() {
		list = append(list, "The shared store does not confirm records in time: they are on this node's disk only.")
	}
	if t := s.trouble.Load(); t != nil {
		list = append(list, "The shared store of records needs a look: "+*t+".")
	}
	if t := s.keys.trouble.Load(); t != nil {
		list = append(list, "Keys of other nodes cannot be used: "+*t+".")
	}
	return list
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// sharedRecords is the shared store of records, opened when it is needed.
type sharedRecords struct {
	database *database
	now      func() time.Time

	mu   sync.Mutex
	open *postgres.Records
}

var (
	_ outbox.Sink    = (*sharedRecords)(nil)
	_ trace.ManyDays = (*sharedRecords)(nil)
)

func (s *sharedRecords) get(ctx context.Context) (*postgres.Records, error) {
	db, err := s.database.shared.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", outbox.ErrUnavailable, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = db.Records(s.now)
	}
	return s.open, nil
}

func (s *sharedRecords) Mark(ctx context.Context, node string, e outbox.Epoch) (uint64, error) {
	r, err := s.get(ctx)
	if err != nil {
		return 0, err
	}
	return r.Mark(ctx, node, e)
}

func (s *sharedRecords) Ship(ctx context.Context, node string, e outbox.Epoch, from, to uint64, entries []trace.Entry) error {
	r, err := s.get(ctx)
	if err != nil {
		return err
	}
	return r.Ship(ctx, node, e, from, to, entries)
}

func (s *sharedRecords) Find(ctx context.Context, filed []trace.Filed, from, to time.Time, newest bool, yield func(*trace.Record) bool) error {
	r, err := s.get(ctx)
	if err != nil {
		return err
	}
	return r.Find(ctx, filed, from, to, newest, yield)
}

// ManyDays says that Find takes many days at once.
func (s *sharedRecords) ManyDays() {}

func (s *sharedRecords) DropDays(ctx context.Context, service trace.Service, first trace.Day) (int, error) {
	r, err := s.get(ctx)
	if err != nil {
		return 0, err
	}
	return r.DropDays(ctx, service, first)
}

func (s *sharedRecords) Scan(from, to time.Time, yield func(*trace.Record) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	r, err := s.get(ctx)
	if err != nil {
		return err
	}
	return r.Scan(from, to, yield)
}

// errOutbox: records reach the shared store through the outbox only.
var errOutbox = errors.New("records reach the shared store through this node's outbox only")

func (s *sharedRecords) Append([]trace.Entry) error { return errOutbox }

// Close does nothing: the database is closed by its owner.
func (s *sharedRecords) Close() error { return nil }

// status is what waits, for GET /v1/status; nil: the store is local.
func (s *shipping) status() *admin.OutboxStatus {
	if s == nil {
		return nil
	}
	st := s.shipper.Status()
	o := &admin.OutboxStatus{Shipping: st.Failed == nil, Waiting: st.Entries, Bytes: st.Bytes, Shipped: st.Shipped}
	if !st.Oldest.IsZero() {
		o.Age = max(0, s.g.now().Sub(st.Oldest).Seconds())
	}
	if s.quorum != nil {
		o.DiskOnly = s.quorum.Fallen()
	}
	return o
}
