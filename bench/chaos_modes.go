package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

type soakCommand struct {
	chaosFlags
	Growth float64 `default:"1.3" help:"Memory at the end over memory half way."`
	Media  bool    `help:"RTP on every call."`
}

// Run soaks.
func (s *soakCommand) Run() error {
	c, clean, err := newChaos(&s.chaosFlags)
	if err != nil {
		return err
	}
	defer clean()
	c.limits.RSSGrowth = s.Growth
	c.config.Media = s.Media
	return c.do(true)
}

type killCommand struct {
	chaosFlags
	Every time.Duration `default:"15s" help:"How often; a minute in a real run."`
}

// killLoss is how long before a kill a call may have begun that is lost with it: its
// transactions were under way, and the caller had been told to wait. Dialogs are not
// lost.
const killLoss = 500 * time.Millisecond

// Run kills.
func (k *killCommand) Run() error {
	c, clean, err := newChaos(&k.chaosFlags)
	if err != nil {
		return err
	}
	defer clean()
	c.during = func(ctx context.Context) error {
		for rest(ctx, k.Every) {
			began := time.Now()
			if err := c.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				return err
			}
			_ = c.cmd.Wait()
			if err := c.serve(); err != nil {
				return fmt.Errorf("after SIGKILL: %w", err)
			}
			c.lost += int64(k.Rate * killLoss.Seconds())
			fmt.Fprintf(os.Stderr, "killed; back after %v\n", time.Since(began).Round(time.Millisecond))
		}
		return nil
	}
	return c.do(false)
}

type lossyCommand struct {
	chaosFlags
	Lose    float64 `default:"0.2" help:"Part lost."`
	Reorder float64 `default:"0.1" help:"Part held back."`
}

// Run loses.
func (l *lossyCommand) Run() error {
	c, clean, err := newChaos(&l.chaosFlags)
	if err != nil {
		return err
	}
	defer clean()
	c.config.Lose, c.config.Reorder, c.config.Linger = l.Lose, l.Reorder, 32*time.Second
	c.lost = int64(l.Rate * l.For.Seconds() * unanswered(l.Lose))
	return c.do(true)
}

// unanswered is the part of calls that no element can save: the 200 to an INVITE and its ACK
// go from end to end, over four lossy ways, and are sent eleven times in 64*T1 (RFC 3261
// 13.3.1.4).
func unanswered(lose float64) float64 { return math.Pow(1-math.Pow(1-lose, 4), 11) }

type dyingCommand struct {
	chaosFlags
	Every time.Duration `default:"5s" help:"How long the callee is there, and away."`
}

// Run lets a callee die.
func (d *dyingCommand) Run() error {
	d.Mix += ",failover=40"
	c, clean, err := newChaos(&d.chaosFlags)
	if err != nil {
		return err
	}
	defer clean()
	c.config.DyingEvery = d.Every
	return c.do(true)
}

type diskCommand struct {
	chaosFlags
	Size string `default:"64m" help:"Size of the disk."`
}

// Run fills the disk after a third of the time and makes room after two.
func (d *diskCommand) Run() error {
	c, clean, err := newChaos(&d.chaosFlags)
	if err != nil {
		return err
	}
	defer clean()
	if err := os.Mkdir(c.data, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", c.data, "tmpfs", 0, "mode=0700,size="+d.Size); err != nil {
		return fmt.Errorf("a small disk of its own cannot be mounted (root is needed): %w", err)
	}
	defer func() { _ = syscall.Unmount(c.data, syscall.MNT_DETACH) }()
	c.config.Ledger = false // calls go on without records while the disk is full
	full := filepath.Join(c.data, "full")
	c.during = func(ctx context.Context) error {
		if !rest(ctx, d.For/3) {
			return nil
		}
		if err := fill(full); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "the disk is full")
		if !rest(ctx, d.For/3) {
			return nil
		}
		return os.Remove(full)
	}
	return c.do(true)
}

// fill writes until there is no room.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for len(block) > 0 {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	return nil
}
