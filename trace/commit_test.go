package trace_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// slow is a store whose commits take a while.
type slow struct {
	tracetest.Store
	takes atomic.Int64 // ns
}

func newSlow(takes time.Duration) *slow {
	s := new(slow)
	s.takes.Store(int64(takes))
	return s
}

func (s *slow) Append(batch []trace.Entry) error {
	time.Sleep(time.Duration(s.takes.Load()))
	return s.Store.Append(batch)
}

// commits has n commits made by the writer.
func commits(r *trace.Recorder, n int) {
	for range n {
		r.Begin(record(), new(call))
		r.Flush()
		time.Sleep(10 * time.Millisecond)
	}
}

// here tells whether whoever brings a record commits it himself.
func here(t *testing.T, r *trace.Recorder) bool {
	t.Helper()
	var c call
	began := time.Now()
	r.Begin(record(), &c)
	r.Commit()
	times, _, _ := c.told()
	if times == 0 && time.Since(began) > 0 {
		t.Error("Commit waited for nothing")
	}
	time.Sleep(10 * time.Millisecond)
	if again, _, _ := c.told(); again != 1 {
		t.Errorf("told %d times", again)
	}
	return times == 1
}

func TestCommitByWhoeverBrings(t *testing.T) {
	for name, c := range map[string]struct {
		takes    time.Duration
		writer   int // commits made by the writer before
		fails    bool
		wantHere bool
	}{
		"prompt store":              {takes: 100 * time.Microsecond, writer: 20, wantHere: true},
		"store not known yet":       {takes: 100 * time.Microsecond, writer: 1},
		"slow store":                {takes: 2 * time.Millisecond, writer: 20},
		"a prompt store has failed": {takes: 100 * time.Microsecond, writer: 20, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlow(c.takes)
				r := trace.NewRecorder(s, trace.Options{Gather: true})
				defer r.Close()
				commits(r, c.writer)
				if c.fails {
					s.Fail(errors.New("no"))
					commits(r, 1)
					s.Fail(nil)
				}
				if here(t, r) != c.wantHere {
					t.Errorf("committed here: %v", !c.wantHere)
				}
			})
		})
	}
}

// A store that has hung or failed is trusted again when it has worked for a while.
func TestTrustInStoreReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(100 * time.Microsecond)
		r := trace.NewRecorder(s, trace.Options{Gather: true})
		defer r.Close()
		commits(r, 20)
		s.takes.Store(int64(time.Second))
		commits(r, 1)
		time.Sleep(2 * time.Second)
		s.takes.Store(int64(100 * time.Microsecond))
		if here(t, r) {
			t.Error("committed here right after a commit of a second")
		}
		commits(r, 100)
		if !here(t, r) {
			t.Error("never again committed here")
		}
	})
}

// The store hangs while whoever brought records commits them: he is kept, others are not,
// and calls wait for the budget only.
func TestCommitOnStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Gather: true, Budget: 100 * time.Millisecond})
		commits(r, 20)
		release := s.Hang()
		began := time.Now()
		var first, second call
		back := false
		r.Begin(record(), &first)
		go func() {
			r.Commit()
			back = true
		}()
		synctest.Wait()
		r.Begin(record(), &second)
		r.Commit() // another reader
		if back || time.Since(began) > 0 {
			t.Fatalf("back %v, after %v", back, time.Since(began))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		first.want(t, trace.ErrLate, began, 100*time.Millisecond)
		second.want(t, trace.ErrLate, began, 100*time.Millisecond)
		release()
		synctest.Wait()
		if !back {
			t.Error("the first is not back")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if n := len(s.All()); n != 22 {
			t.Errorf("%d records", n)
		}
	})
}

// Updates nobody waits for go with the commits of others, and alone when there are none.
func TestUpdatesGoWithOthersCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tracetest.Store
		r := trace.NewRecorder(&s, trace.Options{Gather: true})
		defer r.Close()
		commits(r, 20)
		before := s.Batches()
		rec := record()
		for range 50 {
			r.Begin(rec, new(call))
			rec.Status = 200
			r.Finish(rec)
			rec.Status = 0
			r.Commit()
			time.Sleep(5 * time.Millisecond)
		}
		if n := s.Batches() - before; n != 50 {
			t.Errorf("%d commits for 50 calls", n)
		}
		before = s.Batches()
		rec.Status = 486
		r.Finish(rec)
		r.Commit()
		time.Sleep(200 * time.Millisecond)
		if n := s.Batches() - before; n != 1 {
			t.Errorf("%d commits for an update alone", n)
		}
	})
}

// Several bring records, some of which they commit, some the writer does, on a store that
// hangs and fails now and then: everybody is told once.
func TestEverybodyIsToldOnceWhoeverCommits(t *testing.T) {
	var s tracetest.Store
	r := trace.NewRecorder(&s, trace.Options{Gather: true, Window: 50 * time.Microsecond, Budget: time.Millisecond})
	const callers, each = 8, 300
	calls := make([]call, callers*each)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for j := range each {
				r.Begin(record(), &calls[i*each+j])
				if i%2 == 0 {
					r.Commit()
				} else {
					r.Flush()
				}
				switch {
				case i == 0 && j%100 == 50:
					release := s.Hang()
					time.AfterFunc(3*time.Millisecond, release)
				case i == 1 && j == 100:
					s.Fail(errors.New("no"))
				case i == 1 && j == 110:
					s.Fail(nil)
				}
			}
		})
	}
	group.Wait()
	wantToldOnce(t, r, &s, calls)
}
