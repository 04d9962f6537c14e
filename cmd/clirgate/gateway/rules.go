package gateway

import (
	"context"
	"errors"
	"time"

	"clirgate/rules"
	"clirgate/rules/bulk"
	"clirgate/store/sqlite"
)

const (
	rulesTime  = 30 * time.Second // bounds how long the first call waits for the rules
	answerTime = 5 * time.Second  // and for a shared store to answer at all
)

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
// while they cannot be read every caller is withheld (D9), until they can. Of a shared
// store that is away the node's own copy is in force, the rules last known.
func (g *Gateway) startRules() {
	copier, closeCopy := g.openCopy()
	if err := g.loadRules(copier); err != nil {
		g.log.Error("rules cannot be read; every caller is withheld until they can", "error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.work.Go(func() { <-g.done; cancel() })
	g.work.Go(func() { g.follower.Run(ctx) })
	g.work.Go(func() { g.rules.KeepSwept(ctx, g.now, g.log) })
	if copier != nil {
		g.work.Go(func() {
			copier.Run(ctx)
			closeCopy()
		})
	}
	g.jobs.Resume()
}

func (g *Gateway) loadRules(copier *rules.Copier) error {
	ctx, cancel := context.WithTimeout(context.Background(), rulesTime)
	defer cancel()
	err := g.database.answers(ctx)
	if err == nil {
		err = g.rules.Load(ctx)
	}
	if err == nil || copier == nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), rulesTime)
	defer cancel()
	head, copyErr := copier.Load(ctx)
	switch {
	case copyErr == nil:
		g.log.Warn("the rules' store does not answer: a copy is in force until it does", "error", err, "revision", head.Revision, "saved", head.Saved)
		return nil
	case errors.Is(copyErr, rules.ErrNotFound): // there is none yet
		return err
	}
	return errors.Join(err, copyErr)
}

// openCopy opens the copy of a shared store's rules; nil: there is none.
func (g *Gateway) openCopy() (c *rules.Copier, closeIt func()) {
	if g.database.shared == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	file, err := sqlite.OpenCopy(ctx, g.config().Data)
	if err != nil {
		g.log.Error("the copy of the rules cannot be used: a start without their store would withhold every caller", "error", err)
		return nil, nil
	}
	return rules.NewCopier(g.rules, file, g.log), func() {
		if err := file.Close(); err != nil {
			g.log.Error("the copy of the rules", "error", err)
		}
	}
}
