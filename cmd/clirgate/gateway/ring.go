package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/trace/keyring"
)

const (
	masterTime  = 5 * time.Second // to have the master key
	masterRetry = 5 * time.Second
)

// makeRing opens the key ring of records and cases. One in use by another gateway is a
// mistake of whoever starts this one; a master key that cannot be had is an alarm, and
// the keys of new records wait for it in escrow.
func (g *Gateway) makeRing() error {
	ctx, cancel := context.WithTimeout(context.Background(), masterTime)
	defer cancel()
	ring, err := keyring.OpenAt(ctx, g.path(RingFile), master(g.cfg.Trace), g.now())
	if ring == nil {
		return err
	}
	if err != nil {
		g.log.Error("key ring of records", "error", err, "consequence", lockedConsequence)
	}
	g.ring = ring
	g.onClose(ring.Close)
	if err := ring.Save(ctx); err != nil && !errors.Is(err, keyring.ErrMaster) {
		g.log.Error("key ring of records", "error", err)
	}
	return nil
}

const lockedConsequence = "calls go on; records cannot be read until the master key is there, and are not kept at all if it has never been"

func master(c config.Trace) keyring.Master {
	if c.MasterCommand != "" {
		return keyring.Command(c.MasterCommand)
	}
	return keyring.File(c.MasterKey)
}

// keepRing asks again for a master key that could not be had.
func (g *Gateway) keepRing() {
	for {
		select {
		case <-g.done:
			return
		case <-g.askMaster:
		case <-time.After(masterRetry):
		}
		if g.ring.Locked() {
			g.unlockRing()
		}
	}
}

func (g *Gateway) unlockRing() {
	ctx, cancel := context.WithTimeout(context.Background(), masterTime)
	defer cancel()
	go func() {
		select {
		case <-g.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := errors.Join(g.ring.Unlock(ctx), g.ring.Save(ctx)); err != nil {
		if !g.isClosing() {
			g.log.Error("master key cannot be had", "error", err, "consequence", lockedConsequence)
		}
		return
	}
	g.log.Info("the master key is there; records can be read")
}

// adoptMaster has the keys wrapped by the master key of another configuration.
func (g *Gateway) adoptMaster(old, now config.Trace) error {
	ctx, cancel := context.WithTimeout(context.Background(), masterTime)
	defer cancel()
	if master(old) == master(now) {
		return nil
	}
	if err := g.ring.Adopt(ctx, master(now)); err != nil {
		return fmt.Errorf("trace: the new master key cannot be used: %w", err)
	}
	g.log.Info("the key ring of records has another master key")
	return nil
}

// rotateMaster wraps every key of records and cases with a new master key.
func (g *Gateway) rotateMaster(ctx context.Context) error {
	if err := g.ring.Rotate(ctx); err != nil {
		return err
	}
	g.log.Info("the key ring of records has a new master key")
	return nil
}

// RotateMaster takes a new master key for a data directory: the gateway does it when one
// runs there.
func RotateMaster(ctx context.Context, cfg *config.Config) error {
	err := askGateway(io.Discard, cfg.Data, "rotate")
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	storage, err := keyring.OpenFile(filepath.Join(cfg.Data, RingFile))
	if err != nil {
		return err
	}
	ring, err := keyring.Open(ctx, storage, master(cfg.Trace))
	if ring == nil {
		return err
	}
	return errors.Join(err, ring.Rotate(ctx), ring.Close())
}
