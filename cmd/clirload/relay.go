package main

import (
	"fmt"
	"time"

	"clirgate/loadtest/relay"
)

type relayCommand struct {
	Listen string `required:"" help:"Address the callers' side sends to."`
	Far    string `default:"127.0.0.1:0" help:"Address the target's side is sent to from."`
	Target string `required:"" help:"Where datagrams go."`
}

type lossyCommand struct {
	relayCommand
	Lose      float64       `default:"0.2" help:"Part of the datagrams lost."`
	Repeat    float64       `default:"0.02" help:"Part sent twice."`
	Reorder   float64       `default:"0.1" help:"Part held back."`
	Reordered time.Duration `default:"20ms" help:"By at most this."`
	Delay     time.Duration `help:"Hold back every datagram by this."`
	Seed      uint64        `default:"1" help:"Of what happens to which."`
}

// Run relays until interrupted.
func (c *relayCommand) Run() error { return c.relay(relay.Fault{}) }

// Run relays with faults until interrupted.
func (c *lossyCommand) Run() error {
	return c.relay(relay.Fault{Lose: c.Lose, Repeat: c.Repeat, Reorder: c.Reorder, Delay: c.Delay, Reordered: c.Reordered, Seed: c.Seed})
}

func (c *relayCommand) relay(f relay.Fault) error {
	r, err := relay.New(c.Listen, c.Far, c.Target, f)
	if err != nil {
		return err
	}
	ctx, stop := interrupted()
	defer stop()
	fmt.Printf("relaying %s to %s, from %s\n", r.Near(), c.Target, r.Far())
	r.Run(ctx)
	fmt.Printf("%d moved, %d lost, %d repeated, %d held back\n", r.Moved.Load(), r.Lost.Load(), r.Repeated.Load(), r.Held.Load())
	return nil
}
