package gateway

import (
	"log/slog"
	"sync"
	"time"
)

// tally logs calls without a record at most once a second, with their number.
type tally struct {
	log  *slog.Logger
	mu   sync.Mutex
	n    int
	last time.Time
}

func (t *tally) add(n int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n += n
	if now := time.Now(); now.Sub(t.last) >= time.Second {
		t.log.Error("calls went on without a record", "calls", t.n, "error", err)
		t.n, t.last = 0, now
	}
}
