package audit

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrUnavailable: the store cannot be reached or does not answer. Wrapped around
// the cause.
var ErrUnavailable = errors.New("audit: store unavailable")

// Log is the log in a store. Nothing in it is ever changed or removed.
// Implementations pass store/storetest.
type Log interface {
	// Append adds an entry and answers it as it stands: Seq, Prev and Hash are
	// the log's to give, and Time when it is zero.
	Append(ctx context.Context, e Entry) (Entry, error)
	// Read answers entries, see Query.
	Read(ctx context.Context, q Query) ([]Entry, error)
	// Head is the last entry's, kept beside the entries: what is cut off the end
	// shows against it.
	Head(ctx context.Context) (Head, error)
}

// Query chooses entries. Zero fields choose all.
type Query struct {
	After, Before uint64 // sequence numbers, both exclusive; Before 0: no bound
	From, To      time.Time
	Actor, Role   string
	Action        string
	Object, Case  string
	Outcome       Outcome
	Newest        bool // newest first
	Limit         int  // at most MaxLimit, which 0 means too
}

// MaxLimit bounds the answer to one Query.
const MaxLimit = 1000

// Bound is the limit in force.
func (q *Query) Bound() int {
	if q.Limit <= 0 || q.Limit > MaxLimit {
		return MaxLimit
	}
	return q.Limit
}

// VerifyLog checks all of a log, as of when it begins, and answers its head. The
// error is a *BrokenError or the store's.
func VerifyLog(ctx context.Context, l Log) (Head, error) {
	end, err := l.Head(ctx)
	if err != nil {
		return Head{}, err
	}
	v := NewVerifier(Head{})
	err = each(ctx, l, 0, end.Seq, func(e *Entry) error { v.Next(e); return nil })
	if err != nil {
		return Head{}, err
	}
	return v.End(&end)
}

// Export writes all of a log behind an entry, as of when it begins.
func Export(ctx context.Context, w io.Writer, l Log, after uint64) error {
	end, err := l.Head(ctx)
	if err != nil {
		return err
	}
	from := Head{}
	if after > 0 {
		before, err := l.Read(ctx, Query{After: after - 1, Before: after + 1, Limit: 1})
		if err != nil {
			return err
		}
		if len(before) == 0 {
			return ErrNoEntry
		}
		from = before[0].Head()
	}
	x, err := NewExport(w, from)
	if err != nil {
		return err
	}
	if err := each(ctx, l, after, end.Seq, x.Add); err != nil {
		return err
	}
	return x.End()
}

// ErrNoEntry: the log has no such entry.
var ErrNoEntry = errors.New("audit: no such entry")

func each(ctx context.Context, l Log, after, last uint64, f func(*Entry) error) error {
	for after < last {
		page, err := l.Read(ctx, Query{After: after, Before: last + 1})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil // the verifier sees that they are missing
		}
		for i := range page {
			if err := f(&page[i]); err != nil {
				return err
			}
		}
		// By the greatest number, so that a store whose order was tampered with ends too.
		for i := range page {
			after = max(after, page[i].Seq)
		}
	}
	return nil
}
