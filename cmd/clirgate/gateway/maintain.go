package gateway

import (
	"context"
	"time"
)

const (
	rulesRetry = 2 * time.Second
	rulesTime  = 30 * time.Second // of one attempt to read all rules
	cleanEvery = time.Hour
)

// loadRules puts the rules in force before the first call, and goes on trying in the
// background when they cannot be read: until then every caller is withheld (D9).
func (g *Gateway) loadRules() {
	if g.tryRules() {
		return
	}
	g.work.Go(func() {
		for {
			select {
			case <-g.done:
				return
			case <-time.After(rulesRetry):
			}
			if g.tryRules() {
				g.log.Info("rules are in force")
				return
			}
		}
	})
}

func (g *Gateway) tryRules() bool {
	ctx, cancel := context.WithTimeout(context.Background(), rulesTime)
	defer cancel()
	if err := g.rules.Load(ctx); err != nil {
		g.log.Error("rules cannot be read; every caller is withheld", "error", err)
		return false
	}
	return true
}

// maintain deletes records and keys whose time is over.
func (g *Gateway) maintain() {
	for {
		g.clean(time.Now())
		select {
		case <-g.done:
			return
		case <-time.After(cleanEvery):
		}
	}
}

func (g *Gateway) clean(now time.Time) {
	dropped, err := g.vault.Purge(context.Background(), retention(g.config().Trace))
	if err != nil && !g.isClosing() {
		g.log.Error("expired records cannot be deleted", "error", err)
	}
	for _, d := range dropped {
		g.log.Info("expired records deleted", "service", d.Service.String(), "before", d.First.String(), "records", d.Records, "keys", d.Keys)
	}
	if _, err := g.keys.Prune(now); err != nil {
		g.log.Error("old keys cannot be destroyed", "error", err)
	}
}
