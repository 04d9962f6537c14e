package proxy

import (
	"sync"
	"sync/atomic"
	"time"
)

// cooldown remembers targets for a while. Bounded; asking costs one atomic load while it
// is empty.
type cooldown struct {
	mu    sync.Mutex
	until map[transportTarget]int64 // unix nanoseconds
	size  atomic.Int32
}

const maxCooldown = 1024

const (
	silentFor = 30 * time.Second // a target that did not answer
	noTCPFor  = 5 * time.Minute  // a target that refused TCP
)

func (c *cooldown) add(t transportTarget, now time.Time, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until == nil {
		c.until = map[transportTarget]int64{}
	}
	if len(c.until) >= maxCooldown {
		c.clean(now)
	}
	if len(c.until) < maxCooldown {
		c.until[t] = now.Add(d).UnixNano()
	}
	c.size.Store(int32(len(c.until)))
}

func (c *cooldown) clean(now time.Time) {
	for t, until := range c.until {
		if until <= now.UnixNano() {
			delete(c.until, t)
		}
	}
}

func (c *cooldown) has(t transportTarget, now time.Time) bool {
	if c.size.Load() == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.until[t]
	if ok && until <= now.UnixNano() {
		delete(c.until, t)
		c.size.Store(int32(len(c.until)))
		return false
	}
	return ok
}

// remove forgets a target that has answered.
func (c *cooldown) remove(t transportTarget) {
	if c.size.Load() == 0 {
		return
	}
	c.mu.Lock()
	delete(c.until, t)
	c.size.Store(int32(len(c.until)))
	c.mu.Unlock()
}
