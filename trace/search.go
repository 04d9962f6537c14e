package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"clirgate/numbering"
)

var (
	// ErrQuery: a query that may not be asked.
	ErrQuery = errors.New("trace: a query names a caller or a called number, and its legal basis")
	// ErrMore: there are more records than the limit; those yielded are the first.
	ErrMore = errors.New("trace: more records than the limit")
)

// MaxFound bounds what one search yields.
const MaxFound = 100_000

// Query asks for the calls of one number.
type Query struct {
	Caller       numbering.Number // network-provided; zero: any
	Called       numbering.Number // or diverted from; zero: any, but one of both is given
	From, To     time.Time        // begun in [From, To)
	OnlyWithheld bool
	Basis        Basis // records must be kept on one of these legal bases (LAW-14)
	Oldest       bool  // oldest first; else newest first
	Limit        int   // 0 or above MaxFound: MaxFound
}

func (q *Query) valid() bool { return (q.Caller != 0 || q.Called != 0) && q.Basis != 0 }

func (q *Query) matches(r *Record, now time.Time) bool {
	return (q.Caller == 0 || r.Calling == q.Caller) &&
		(q.Called == 0 || r.Called == q.Called || r.DivertedFrom == q.Called) &&
		(!q.OnlyWithheld || r.Withheld) && r.Bases&q.Basis != 0 && r.Expires.After(now)
}

// Search yields the records a query asks for, open, in order of time. A record past its
// expiry is not found, whether deleted already or not. Errors: ErrQuery, ErrMore, the
// store's own, and ErrSealed when some could not be opened, or looked for, for want of
// the key of their day or of the master key: nobody shall take that for "no call".
func (v *Vault) Search(ctx context.Context, q Query, yield func(*Record) bool) error {
	if !q.valid() {
		return ErrQuery
	}
	if q.Limit <= 0 || q.Limit > MaxFound {
		q.Limit = MaxFound
	}
	s := search{v: v, q: q, now: v.now(), yield: yield, failed: v.keys.locked()}
	// Nothing older than the longest retention is there to be found.
	first, end := DayOf(later(q.From, s.now.AddDate(0, -MaxRetention, -2))), DayOf(q.To.Add(-1))
	end = min(end, DayOf(s.now.AddDate(0, 0, 1)))
	var days []Day
	for d := first; d <= end; d++ {
		days = append(days, d)
	}
	if !q.Oldest {
		slices.Reverse(days)
	}
	n := 1
	if _, ok := v.store.(ManyDays); ok {
		n = daysAtOnce
	}
	for some := range slices.Chunk(days, n) {
		if s.done {
			break
		}
		if err := s.days(ctx, some); err != nil {
			return err
		}
	}
	return s.failed
}

// daysAtOnce is how many days a store far away is asked for at once.
const daysAtOnce = 31

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// search is one search under way.
type search struct {
	v      *Vault
	q      Query
	now    time.Time
	yield  func(*Record) bool
	found  int
	done   bool
	failed error
}

func (s *search) days(ctx context.Context, days []Day) error {
	role, number := RoleCaller, s.q.Caller
	if number == 0 {
		role, number = RoleCalled, s.q.Called
	}
	var filed []Filed
	for _, d := range days {
		before := len(filed)
		for _, service := range Services {
			for _, k := range s.v.keys.of(slot{d, service}) {
				filed = append(filed, Filed{service, d, role, k.token(role, number)})
			}
		}
		if len(filed) == before {
			if err := errors.Join(s.keyless(d), ctx.Err()); err != nil {
				return err
			}
		}
	}
	if len(filed) == 0 {
		return nil
	}
	return s.v.store.Find(ctx, filed, s.q.From, s.q.To, !s.q.Oldest, s.take)
}

// keyless looks whether a day without a key has records that could be meant.
func (s *search) keyless(d Day) error {
	from, to := later(s.q.From, d.Start()), (d + 1).Start()
	if s.q.To.Before(to) {
		to = s.q.To
	}
	return s.v.store.Scan(from, to, func(r *Record) bool {
		if r.Closed() && r.Expires.After(s.now) && s.failed == nil {
			s.failed = fmt.Errorf("%w: %w", ErrSealed, errNoKey)
		}
		return s.failed == nil
	})
}

func (s *search) take(r *Record) bool {
	if err := s.v.keys.Open(r); err != nil {
		s.failed = err
		return true
	}
	if !s.q.matches(r, s.now) {
		return true
	}
	if s.found == s.q.Limit {
		s.done, s.failed = true, errors.Join(s.failed, ErrMore)
		return false
	}
	s.found++
	s.done = !s.yield(r)
	return !s.done
}
