package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"clirgate/audit"
	"clirgate/trace"
)

const cleanEvery = time.Hour

// maintain deletes records and keys whose time is over.
func (g *Gateway) maintain() {
	g.guardClock()
	g.janitor(g.vault).run(g.done, func() {
		g.pruneKeys()
		g.purgeCases()
		g.followShielded()
		if !g.mayDelete() {
			return
		}
		removed, err := removeAside(g.config().Data, g.now())
		if err != nil {
			g.log.Error("expired databases cannot be removed", "error", err)
		}
		for _, name := range removed {
			g.log.Info("expired database removed", "name", name)
		}
	})
}

// pruneKeys destroys the dialogs' keys that no call can need any more. Were the clock wrong,
// calls under way could not be hung up.
func (g *Gateway) pruneKeys() {
	if !g.mayDelete() {
		return
	}
	if _, err := g.keys.Prune(g.now()); err != nil {
		g.log.Error("old keys cannot be destroyed", "error", err)
	}
}

// janitor is the one of a store of records.
func (g *Gateway) janitor(v *trace.Vault) *janitor {
	return &janitor{
		vault: v, months: func() trace.Retention { return retention(g.config().Trace) },
		audit: g.database.Audit(), log: g.log,
		expired: func(s trace.Service, n int) { g.expired[s].Add(uint64(n)) },
		may:     g.mayDelete,
	}
}

// janitor deletes the days whose retention is over, and says how many records that were,
// never whose.
type janitor struct {
	vault   *trace.Vault
	months  func() trace.Retention
	audit   audit.Log
	log     *slog.Logger
	expired func(s trace.Service, records int)
	may     func() bool // false: nothing is deleted now; nil: it may be
}

// run cleans at once, every hour, and at every midnight (UTC), which is when a day is
// due: 24 hours after the first of its records expired.
func (j *janitor) run(done <-chan struct{}, besides func()) {
	for {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			select {
			case <-done:
				cancel()
			case <-ctx.Done():
			}
		}()
		j.clean(ctx)
		besides()
		cancel()
		select {
		case <-done:
			return
		case <-time.After(min(cleanEvery, time.Until(trace.NextDrop(time.Now())))):
		}
	}
}

func (j *janitor) clean(ctx context.Context) {
	if j.may != nil && !j.may() {
		return
	}
	dropped, err := j.vault.Purge(ctx, j.months())
	if err != nil && ctx.Err() == nil {
		j.log.Error("expired records cannot be deleted", "error", err)
	}
	for _, d := range dropped {
		j.log.Info("expired records deleted", "service", d.Service.String(), "before", d.First.String(), "records", d.Records, "keys", d.Keys)
		j.expired(d.Service, d.Records)
		if err := note(j.audit, expiry(d)); err != nil {
			j.log.Error("the audit log does not tell that expired records were deleted", "error", err)
		}
	}
}

// expiry is the audit entry of a deletion: how many, never whose.
func expiry(d trace.Dropped) audit.Entry {
	return audit.Entry{
		Actor: "system", Role: "system", Action: "records.expire", Outcome: audit.Done,
		Object: "records:" + d.Service.String() + "/before " + d.First.String(), Purpose: "retention",
		Detail: fmt.Sprintf("%d records, %d keys", d.Records, d.Keys),
	}
}
