// Command bench compares the gateway with what else could carry the calls, one element
// after the other on this machine, interleaved over several rounds: Kamailio doing the
// same work, Kamailio only relaying, sipgo's plain forwarding, a bare UDP relay. It
// prints the table of figures to reach, with ratios.
//
//	go run ./bench            about two minutes
//	go run ./bench --full     about twenty
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

var cli struct {
	Compare compareCommand `cmd:"" default:"withargs" help:"Compare the elements and print the table."`
	Scale   scaleCommand   `cmd:"" help:"Show that a call costs the same at every rate, with many under way, with many subscribers."`
	Soak    soakCommand    `cmd:"" help:"The full mix at a steady rate; memory must stay flat."`
	Kill    killCommand    `cmd:"" help:"Kill the gateway with SIGKILL again and again, and restart it."`
	Lossy   lossyCommand   `cmd:"" help:"Lose and reorder datagrams on both sides."`
	Dying   dyingCommand   `cmd:"" help:"A callee dies and returns."`
	Disk    diskCommand    `cmd:"" help:"Fill the disk under the gateway (needs root, for a tmpfs)."`
	Hang    hangCommand    `cmd:"" help:"Let the disk under the records hang (needs root, for a file system in a file)."`
}

type compareCommand struct {
	Full     bool          `help:"Three rounds of ten seconds, rates held for a minute."`
	Rounds   int           `help:"Rounds; 0: as the mode says."`
	For      time.Duration `help:"Length of one measurement; 0: as the mode says."`
	Hold     time.Duration `help:"How long the highest rate must be held; 0: as the mode says."`
	CostRate float64       `default:"1000" help:"Calls a second for CPU time a call."`
	Only     []string      `help:"Only these elements."`
	NoRates  bool          `help:"Do not look for the highest rate."`
	NoSipp   bool          `name:"no-sipp" help:"Do not use the second generator, SIPp."`
	Markdown string        `help:"Also write the tables to this file." type:"path"`
	Keep     bool          `help:"Keep the working directory."`
}

func main() {
	debug.SetGCPercent(400)
	ctx := kong.Parse(&cli, kong.Name("bench"), kong.Description("Compares the gateway with its peers; soaks it; makes it suffer."))
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// plan is how long everything takes.
type plan struct {
	rounds int
	length time.Duration // of one measurement
	step   time.Duration // of one rate tried
	hold   time.Duration // of the highest rate
}

func (c *compareCommand) plan() plan {
	p := plan{rounds: 1, length: 3 * time.Second, step: 3 * time.Second, hold: 5 * time.Second}
	if c.Full {
		p = plan{rounds: 3, length: 10 * time.Second, step: 5 * time.Second, hold: time.Minute}
	}
	if c.Rounds > 0 {
		p.rounds = c.Rounds
	}
	if c.For > 0 {
		p.length = c.For
	}
	if c.Hold > 0 {
		p.hold = c.Hold
	}
	return p
}

// Run compares.
func (c *compareCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "clirgate-bench-")
	if err != nil {
		return err
	}
	if !c.Keep {
		defer os.RemoveAll(dir)
	}
	site, err := newSite(dir)
	if err != nil {
		return err
	}
	elements := site.elements()
	if len(c.Only) > 0 {
		elements = pick(elements, c.Only)
	}
	p := c.plan()
	results := map[string]*measured{}
	for round := range p.rounds {
		for _, e := range elements {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, p.rounds, e.name)
			if results[e.name] == nil {
				results[e.name] = &measured{}
			}
			if err := site.measure(ctx, e, p, c, results[e.name]); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	if !c.NoRates {
		for _, e := range elements {
			if !e.rated && !c.Full {
				continue
			}
			fmt.Fprintf(os.Stderr, "highest rate: %s\n", e.name)
			if err := site.highest(ctx, e, p, results[e.name]); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	text := tables(elements, results, p)
	fmt.Print(text)
	if c.Markdown != "" {
		return os.WriteFile(c.Markdown, []byte(text), 0o644)
	}
	return nil
}

func pick(all []*element, names []string) []*element {
	var out []*element
	for _, e := range all {
		for _, n := range names {
			if strings.Contains(e.name, n) {
				out = append(out, e)
				break
			}
		}
	}
	return out
}
