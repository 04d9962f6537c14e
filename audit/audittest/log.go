// Package audittest has an audit log in memory, for tests.
package audittest

import (
	"context"
	"slices"
	"sync"

	"clirgate/audit"
)

// Log is an audit.Log in memory. Its zero value is ready.
type Log struct {
	Page int // how many entries one Read answers [audit.MaxLimit]

	mu   sync.Mutex
	list []audit.Entry
	fail error
}

var _ audit.Log = (*Log)(nil)

// Fail makes writing answer err from now on; nil: work again.
func (l *Log) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

// AppendAll adds entries: all of them or none.
func (l *Log) AppendAll(entries []audit.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	for _, e := range entries {
		l.list = append(l.list, e.After(l.head()))
	}
	return nil
}

// Append adds an entry.
func (l *Log) Append(_ context.Context, e audit.Entry) (audit.Entry, error) {
	if err := l.AppendAll([]audit.Entry{e}); err != nil {
		return e, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list[len(l.list)-1], nil
}

// Read answers entries by number, time, actor, case and outcome; other fields of the
// query choose nothing.
func (l *Log) Read(_ context.Context, q audit.Query) (list []audit.Entry, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.list {
		if e.Seq <= q.After || q.Before != 0 && e.Seq >= q.Before || !q.From.IsZero() && e.Time.Before(q.From) || !q.To.IsZero() && !e.Time.Before(q.To) {
			continue
		}
		if (q.Actor == "" || e.Actor == q.Actor) && (q.Case == "" || e.Case == q.Case) && (q.Outcome == "" || e.Outcome == q.Outcome) {
			list = append(list, e)
		}
	}
	if q.Newest {
		slices.Reverse(list)
	}
	most := q.Bound()
	if l.Page > 0 {
		most = min(most, l.Page)
	}
	return list[:min(len(list), most)], nil
}

// Head is the last entry's.
func (l *Log) Head(context.Context) (audit.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head(), nil
}

func (l *Log) head() audit.Head {
	if len(l.list) == 0 {
		return audit.Head{}
	}
	return l.list[len(l.list)-1].Head()
}
