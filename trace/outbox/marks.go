package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clirgate/trace"
)

func (s *Shipper) mark(e Epoch) (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mark, known := s.marks[e]
	return mark &^ stale, known && mark&stale == 0
}

// stale marks a mark that must be read again. It is kept to see whether the shared store
// went back.
const stale = 1 << 63

func (s *Shipper) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := range s.marks {
		s.marks[e] |= stale
	}
}

// heard notes what the shared store says its mark is.
func (s *Shipper) heard(e Epoch, mark uint64) {
	s.mu.Lock()
	before := s.marks[e] &^ stale
	back := before > mark
	if back {
		s.status.Again += before - mark
	}
	s.set(e, mark)
	s.mu.Unlock()
	if back {
		s.o.Alarm(fmt.Errorf("records: the shared store has lost the last %d batches of this node; they are shipped again", before-mark))
	}
}

func (s *Shipper) moved(e Epoch, from uint64, l load) {
	s.mu.Lock()
	s.status.Shipped += uint64(len(l.entries))
	s.status.Lost += l.gone
	s.set(e, l.to)
	s.mu.Unlock()
	if l.gone > 0 {
		s.o.Alarm(fmt.Errorf("records: %d batches after number %d are not in the shared store, and this node holds them no more", l.gone, from))
	}
}

// set moves a mark. s.mu held.
func (s *Shipper) set(e Epoch, mark uint64) {
	s.marks[e] = mark
	s.announce()
}

// announce wakes who waits for marks. s.mu held.
func (s *Shipper) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// note keeps why nothing is shipped, and tells of the first failure and of its end.
func (s *Shipper) note(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.mu.Lock()
	before := s.status.Failed
	s.status.Failed = err
	if err != nil {
		s.announce()
	}
	s.mu.Unlock()
	if (err == nil) != (before == nil) {
		if err != nil {
			err = fmt.Errorf("records wait on this node: %w", err)
		}
		s.o.Alarm(err)
	}
}

// Status is how the shipper fares. What waits is read from the node's store; when that
// cannot be read, it is left out.
func (s *Shipper) Status() Status {
	s.mu.Lock()
	st := s.status
	s.mu.Unlock()
	epochs, _ := s.source.Epochs()
	for _, e := range epochs {
		s.mu.Lock()
		mark := s.marks[e] &^ stale
		s.mu.Unlock()
		b, err := s.source.Backlog(e, mark)
		if err != nil || b.Entries == 0 {
			continue
		}
		st.Entries += b.Entries
		st.Bytes += b.Bytes
		if st.Oldest.IsZero() || b.Oldest.Before(st.Oldest) {
			st.Oldest = b.Oldest
		}
	}
	return st
}

// has tells whether the shared store has an epoch up to seq.
func (s *Shipper) has(e Epoch, seq uint64) bool {
	mark, _ := s.mark(e)
	return mark >= seq
}

// Await waits until the shared store has an epoch up to seq; false: ctx ended before, or
// shipping failed.
func (s *Shipper) Await(ctx context.Context, e Epoch, seq uint64) bool {
	for {
		s.mu.Lock()
		mark, failed, changed := s.marks[e]&^stale, s.status.Failed, s.changed
		s.mu.Unlock()
		switch {
		case mark >= seq:
			return true
		case failed != nil:
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// settled tells whether all that the source holds is shipped.
func (s *Shipper) settled() bool {
	epochs, err := s.source.Epochs()
	if err != nil {
		return false
	}
	for _, e := range epochs {
		head, err := s.source.Head(e)
		if mark, known := s.mark(e); err != nil || !known || mark < head {
			return false
		}
	}
	return true
}

// Tidy deletes what a node holds of days before first when all is shipped, and answers
// how many records that were; else it leaves everything, and ok is false. Until then a
// shared store that comes back older than it was is filled again. No call may last so
// long that it ends after its day is tidied away.
func (s *Shipper) Tidy(ctx context.Context, local trace.EntryStore, first trace.Day) (records int, ok bool, err error) {
	if !s.settled() {
		return 0, false, nil
	}
	for _, service := range trace.Services {
		n, dropErr := local.DropDays(ctx, service, first)
		records, err = records+n, errors.Join(err, dropErr)
	}
	if err != nil {
		return records, true, err
	}
	return records, true, s.trim(first.Start())
}

// trim has the source forget batches that were shipped and appended before t.
func (s *Shipper) trim(t time.Time) error {
	epochs, err := s.source.Epochs()
	for _, e := range epochs {
		if mark, known := s.mark(e); known {
			err = errors.Join(err, s.source.Trim(e, mark, t))
		}
	}
	return err
}
