package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"clirgate/cmd/clirgate/demo"
)

type demoCommand struct {
	Data   string `default:"data" help:"Data directory."`
	Listen string `default:"127.0.0.1:5060" help:"SIP address of the gateway; another port is chosen when it is taken."`
	Admin  string `default:"127.0.0.1:8080" help:"Address of the admin API; likewise."`
	Once   bool   `help:"End after the calls."`
}

// Run plays the demonstration until it is interrupted.
func (c *demoCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return demo.Run(ctx, demo.Options{Out: os.Stdout, Data: c.Data, Gateway: c.Listen, Admin: c.Admin, Once: c.Once})
}
