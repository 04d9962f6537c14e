package rules

import (
	"sync/atomic"
	"time"
)

// Drift is how far the rules in force are from their store's.
type Drift struct {
	Newest uint64        // revision the store was last seen at
	Behind uint64        // revisions of it that are not applied
	Age    time.Duration // since both were seen to be the same; 0 before the first time
}

// drift is what a Service saw of it.
type drift struct {
	newest atomic.Uint64
	same   atomic.Int64 // unix nanoseconds
}

func (d *drift) saw(newest uint64) { d.newest.Store(newest) }

func (d *drift) agreed(at uint64) {
	d.newest.Store(max(at, d.newest.Load()))
	d.same.Store(time.Now().UnixNano())
}

// Drift tells how far the rules in force are from the store's.
func (s *Service) Drift() Drift {
	at := s.table.Snapshot().Revision()
	out := Drift{Newest: max(at, s.drift.newest.Load())}
	out.Behind = out.Newest - at
	if same := s.drift.same.Load(); same != 0 {
		out.Age = max(0, time.Since(time.Unix(0, same)))
	}
	return out
}
