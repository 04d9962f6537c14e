package gateway

import (
	"context"
	"time"
)

const cleanEvery = time.Hour

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
