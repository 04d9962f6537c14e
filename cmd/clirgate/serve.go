package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
)

type serveCommand struct {
	file
	DrainTime time.Duration `default:"30s" help:"How long SIGTERM waits for calls that are being set up."`
}

// Run serves until SIGTERM or SIGINT; SIGHUP reads the configuration again.
func (c *serveCommand) Run() error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	slog.SetDefault(log)
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	for _, p := range config.Check(c.Config) { // warnings: else it would not have loaded
		log.Warn("configuration", "problem", p.String())
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	g, err := gateway.New(cfg, gateway.WithLog(log), gateway.Alone())
	if err != nil {
		return err
	}
	g.Start()
	log.Info("ready", "node", cfg.Node, "admin", g.AdminAddr())
	for s := range signals {
		if s != syscall.SIGHUP {
			break
		}
		reload(g, c.Config, log)
	}
	// A second signal means now: the default action ends the process.
	signal.Stop(signals)
	return c.stop(g, log)
}

// reload puts a changed file in force; a bad one is refused and the old one stays.
func reload(g *gateway.Gateway, path string, log *slog.Logger) {
	cfg, err := config.Load(path)
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			log.Error("configuration refused", "problem", p.String())
		}
		return
	}
	if err == nil {
		err = g.Reload(cfg)
	}
	if err != nil {
		log.Error("configuration refused, the old one stays", "error", err)
		return
	}
	log.Info("configuration reloaded")
}

// stop drains, flushes and closes.
func (c *serveCommand) stop(g *gateway.Gateway, log *slog.Logger) error {
	log.Info("draining", "pending", g.Pending())
	ctx, cancel := context.WithTimeout(context.Background(), c.DrainTime)
	defer cancel()
	if err := g.Drain(ctx); err != nil {
		log.Warn("drained in part", "error", err)
	}
	err := g.Close()
	log.Info("stopped")
	return err
}
