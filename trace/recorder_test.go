package trace_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call is a Waiter that notes what it was told, when, and how often.
type call struct {
	mu    sync.Mutex
	times int
	err   error
	at    time.Time
}

func (c *call) Recorded(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times++
	c.err, c.at = err, time.Now()
}

func (c *call) told() (times int, at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times, c.at, c.err
}

// want asserts that c was told once, err, delay after since.
func (c *call) want(t *testing.T, err error, since time.Time, delay time.Duration) {
	t.Helper()
	times, at, got := c.told()
	if times != 1 || !errors.Is(got, err) {
		t.Errorf("told %d times, %v; want once, %v", times, got, err)
	} else if at.Sub(since) != delay {
		t.Errorf("told after %v, want %v", at.Sub(since), delay)
	}
}

func record() *trace.Record { return tracetest.Record(time.Now()) }

func TestLoneCallIsCommittedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{})
		for range 3 {
			var c call
			began := time.Now()
			r.Begin(record(), &c)
			synctest.Wait()
			c.want(t, nil, began, 0)
			time.Sleep(time.Second)
		}
		if err := r.Close(); err != nil || s.Batches() != 3 {
			t.Errorf("closed with %v, %d batches", err, s.Batches())
		}
	})
}

func TestCommitsKeepTheWindowApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		after := 0
		r := trace.NewRecorder(&s, trace.Options{After: func() { after++ }})
		began := time.Now()
		var calls [10]call // half a millisecond apart
		for i := range calls {
			r.Begin(record(), &calls[i])
			time.Sleep(500 * time.Microsecond)
		}
		time.Sleep(10 * time.Millisecond)
		calls[0].want(t, nil, began, 0)
		for i := 1; i <= 3; i++ {
			calls[i].want(t, nil, began, 2*time.Millisecond)
		}
		_ = r.Close()
		if s.Batches() > 4 || after != s.Batches() {
			t.Errorf("%d batches, After called %d times", s.Batches(), after)
		}
		if n := len(s.All()); n != len(calls) {
			t.Errorf("%d records", n)
		}
	})
}

func TestNextBatchBeginsWhenTheLastIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{})
		release := s.Hang()
		began := time.Now()
		var first, second call
		r.Begin(record(), &first)
		time.Sleep(10 * time.Millisecond)
		r.Begin(record(), &second)
		time.Sleep(10 * time.Millisecond)
		release()
		synctest.Wait()
		first.want(t, nil, began, 20*time.Millisecond)
		second.want(t, nil, began, 20*time.Millisecond)
		_ = r.Close()
	})
}

func TestHangingStoreHoldsCallsForTheBudgetOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		failed := 0
		var mu sync.Mutex
		r := trace.NewRecorder(&s, trace.Options{Failed: func(n int, err error) {
			mu.Lock()
			defer mu.Unlock()
			failed += n
			if !errors.Is(err, trace.ErrLate) {
				t.Errorf("failed with %v", err)
			}
		}})
		release := s.Hang()
		began := time.Now()
		var flying, queued call
		r.Begin(record(), &flying)
		time.Sleep(100 * time.Millisecond)
		r.Begin(record(), &queued)
		time.Sleep(time.Second)
		flying.want(t, trace.ErrLate, began, 250*time.Millisecond)
		queued.want(t, trace.ErrLate, began, 250*time.Millisecond) // the store is known to hang by then

		var late call
		again := time.Now()
		r.Begin(record(), &late)
		synctest.Wait()
		late.want(t, trace.ErrLate, again, 0)

		release()
		synctest.Wait()
		var healthy call
		time.Sleep(time.Second)
		again = time.Now()
		r.Begin(record(), &healthy)
		synctest.Wait()
		healthy.want(t, nil, again, 0)
		_ = r.Close()
		for _, c := range []*call{&flying, &queued, &late} {
			if n, _, _ := c.told(); n != 1 {
				t.Errorf("told %d times", n)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if n := len(s.All()); n != 4 || failed != 3 {
			t.Errorf("%d records in the end, %d counted as failed", n, failed)
		}
	})
}

func TestFailingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		failed := 0
		r := trace.NewRecorder(&s, trace.Options{Failed: func(n int, _ error) { failed += n }})
		full := errors.New("no space left")
		s.Fail(full)
		began := time.Now()
		var a, b call
		r.Begin(record(), &a)
		synctest.Wait()
		a.want(t, full, began, 0)
		a.want(t, trace.ErrStore, began, 0)
		s.Fail(nil)
		time.Sleep(10 * time.Millisecond)
		began = time.Now()
		r.Begin(record(), &b)
		synctest.Wait()
		b.want(t, nil, began, 0)
		time.Sleep(2 * time.Second)
		n := len(s.All())
		_ = r.Close()
		if n != 2 || failed != 1 {
			t.Errorf("%d records (the refused one is brought down late), %d failed", n, failed)
		}
	})
}

func TestBacklogIsBroughtDownWithoutFurtherCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{})
		s.Fail(errors.New("no space left"))
		for range 3000 {
			r.Begin(record(), new(call))
		}
		time.Sleep(5 * time.Second)
		s.Fail(nil)
		time.Sleep(2 * time.Second)
		if n := len(s.All()); n != 3000 {
			t.Errorf("%d records", n)
		}
		_ = r.Close()
	})
}

func TestFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Queue: 1})
		release := s.Hang()
		var flying, queued, refused call
		r.Begin(record(), &flying)
		synctest.Wait()
		r.Begin(record(), &queued)
		began := time.Now()
		r.Begin(record(), &refused)
		synctest.Wait()
		refused.want(t, trace.ErrFull, began, 0)
		r.Finish(record()) // dropped
		release()
		_ = r.Close()
		if n := len(s.All()); n != 2 {
			t.Errorf("%d records", n)
		}
	})
}

func TestUpdatesWaitForCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{})
		rec := record()
		rec.Answer, rec.End, rec.Status, rec.Expires = time.Time{}, time.Time{}, 0, time.Time{}
		r.Begin(rec, new(call))
		synctest.Wait()
		r.Finish(&trace.Record{ID: rec.ID, Answer: rec.Start.Add(time.Second)})
		r.Finish(&trace.Record{ID: rec.ID, End: rec.Start.Add(time.Minute), Status: 200})
		time.Sleep(49 * time.Millisecond)
		if s.Batches() != 1 {
			t.Errorf("%d batches before the time", s.Batches())
		}
		time.Sleep(2 * time.Millisecond)
		if s.Batches() != 2 {
			t.Errorf("%d batches after the time", s.Batches())
		}
		time.Sleep(2 * time.Millisecond)
		r.Finish(&trace.Record{ID: rec.ID, Answer: rec.Start.Add(2 * time.Second)})
		r.Begin(record(), new(call)) // somebody waits: at once, the update with it
		synctest.Wait()
		if s.Batches() != 3 {
			t.Errorf("%d batches with company", s.Batches())
		}
		got := s.All()[0]
		if got.Answer.Sub(rec.Start) != 2*time.Second || got.End.Sub(rec.Start) != time.Minute || got.Status != 200 || got.Expires.IsZero() {
			t.Errorf("answered %v ended %v status %d expires %v", got.Answer, got.End, got.Status, got.Expires)
		}
		_ = r.Close()
	})
}

func TestCloseCommitsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Window: time.Hour, Lazy: time.Hour})
		var calls [5]call
		for i := range calls {
			r.Begin(record(), &calls[i])
			synctest.Wait()
		}
		rec := record()
		r.Finish(rec)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		for i := range calls {
			if n, _, err := calls[i].told(); n != 1 || err != nil {
				t.Errorf("call %d told %d times, %v", i, n, err)
			}
		}
		var c call
		began := time.Now()
		r.Begin(record(), &c)
		synctest.Wait()
		c.want(t, trace.ErrClosed, began, 0)
		if err := r.Close(); !errors.Is(err, trace.ErrClosed) {
			t.Errorf("closed again: %v", err)
		}
	})
}

func TestCloseGivesUpOnHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{})
		release := s.Hang()
		var c call
		r.Begin(record(), &c)
		if err := r.Close(); !errors.Is(err, trace.ErrLate) {
			t.Errorf("closed with %v", err)
		}
		if n, _, err := c.told(); n != 1 || !errors.Is(err, trace.ErrLate) {
			t.Errorf("told %d times, %v", n, err)
		}
		release()
	})
}

// Many callers against a store that fails and hangs now and then: everybody is told
// once, whatever comes together.
func TestEverybodyIsToldOnce(t *testing.T) {
	var s tracetest.Store
	r := trace.NewRecorder(&s, trace.Options{Window: 50 * time.Microsecond, Budget: time.Millisecond})
	const callers, each = 8, 300
	calls := make([]call, callers*each)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for j := range each {
				r.Begin(record(), &calls[i*each+j])
				switch {
				case i == 0 && j%50 == 10:
					release := s.Hang()
					time.Sleep(3 * time.Millisecond)
					release()
				case i == 1 && j%50 == 20:
					s.Fail(errors.New("no"))
				case i == 1 && j%50 == 30:
					s.Fail(nil)
				}
			}
		})
	}
	group.Wait()
	wantToldOnce(t, r, &s, calls)
}

// wantToldOnce closes r and wants every call told once, and its record in a store that
// works again.
func wantToldOnce(t *testing.T, r *trace.Recorder, s *tracetest.Store, calls []call) {
	t.Helper()
	s.Fail(nil)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		if n, _, _ := calls[i].told(); n != 1 {
			t.Fatalf("call %d told %d times", i, n)
		}
	}
	if n := len(s.All()); n != len(calls) {
		t.Errorf("%d of %d records", n, len(calls))
	}
}

type nullStore struct{ trace.Store }

func (nullStore) Append([]trace.Entry) error { return nil }

type done chan struct{}

func (d done) Recorded(error) { d <- struct{}{} }

func TestGatheredRecordsShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Gather: true})
		defer r.Close()
		for round := 1; round <= 3; round++ {
			began := time.Now()
			var calls [5]call
			for i := range calls {
				r.Begin(record(), &calls[i])
				synctest.Wait()
			}
			r.Flush()
			r.Flush() // again does no harm
			synctest.Wait()
			for i := range calls {
				calls[i].want(t, nil, began, 0)
			}
			if n := s.Batches(); n != round {
				t.Errorf("%d commits in round %d", n, round)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// What nobody waits for is committed after a while, whether the writer is looking by
// itself or not.
func TestGatheredUpdatesAreCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Gather: true})
		defer r.Close()
		rec := record()
		r.Begin(rec, nil)
		r.Flush()
		for round := 1; round <= 5; round++ {
			rec.Status = 200 + round
			r.Finish(rec)
			r.Flush()
			time.Sleep(time.Duration(round) * 40 * time.Millisecond)
			rec.Status = 0
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		var last int
		if err := s.Scan(rec.Start, rec.Start.Add(time.Second), func(r *trace.Record) bool { last = r.Status; return true }); err != nil || last != 205 {
			t.Errorf("status %d, %v", last, err)
		}
	})
}

// A Flush that never comes holds nobody for longer than the budget.
func TestForgottenFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Gather: true, Budget: 100 * time.Millisecond})
		defer r.Close()
		time.Sleep(time.Second) // the writer looks no more
		began := time.Now()
		var c call
		r.Begin(record(), &c)
		time.Sleep(time.Second)
		c.want(t, trace.ErrLate, began, 100*time.Millisecond)
	})
}
