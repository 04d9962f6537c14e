package gateway

import (
	"context"
	"time"

	"clirgate/rules"
	"clirgate/rules/bulk"
)

// rulesTime bounds how long the first call waits for the rules.
const rulesTime = 30 * time.Second

func (g *Gateway) makeRules() error {
	g.database = newDatabase(g.cfg)
	g.onClose(g.database.Close)
	g.rules = rules.NewService(g.database.Rules(), new(rules.Table))
	g.follower = rules.Follow(g.rules, rules.FollowOptions{
		Node: g.cfg.Node, Nodes: g.database.Nodes(), Listen: g.database.Listener(), Log: g.log,
	})
	g.jobs = bulk.NewJobs(bulk.JobOptions{
		Dir: g.path(JobsFolder), Service: g.rules, Plan: g.plan, Everywhere: g.follower.WaitAll, Log: g.log, Now: g.now,
	})
	g.onClose(g.jobs.Close)
	return nil
}

// startRules puts the rules in force before the first call, and then follows their store:
// while they cannot be read every caller is withheld (D9), until they can.
func (g *Gateway) startRules() {
	ctx, cancel := context.WithTimeout(context.Background(), rulesTime)
	if err := g.rules.Load(ctx); err != nil {
		g.log.Error("rules cannot be read; every caller is withheld until they can", "error", err)
	}
	cancel()
	ctx, cancel = context.WithCancel(context.Background())
	g.work.Go(func() { <-g.done; cancel() })
	g.work.Go(func() { g.follower.Run(ctx) })
	g.work.Go(func() { g.rules.KeepSwept(ctx, g.now, g.log) })
	g.jobs.Resume()
}
