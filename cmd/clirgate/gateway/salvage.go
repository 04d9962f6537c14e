package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/store/pebble"
	"clirgate/store/postgres"
	"clirgate/trace"
)

// A database that was damaged lies beside the new one, as records.damaged-TIME. Salvage
// takes what can be read of it into the new one or, where the store is shared, into that,
// while calls go on; then it is called
// records.salvaged-TIME, and stays for whoever wants to look closer, until everything in
// it has expired.
const (
	damagedFolder  = RecordsFolder + ".damaged-"
	salvagedFolder = RecordsFolder + ".salvaged-"
)

// Salvage takes over what can be read of all damaged databases in a data directory; the
// gateway does it when one runs there. It writes a line for each.
func Salvage(ctx context.Context, w io.Writer, cfg *config.Config) error {
	err := askGateway(w, cfg.Data, "salvage")
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	if cfg.Shared() {
		db, err := postgres.Open(ctx, cfg.Store)
		if err != nil {
			return err
		}
		return errors.Join(salvage(ctx, w, cfg.Data, restore(ctx, cfg.Node, db.Records(nil)), time.Now()), db.Close())
	}
	s, err := pebble.Open(filepath.Join(cfg.Data, RecordsFolder), pebble.Options{})
	if err != nil {
		return err
	}
	return errors.Join(salvage(ctx, w, cfg.Data, s.Restore, time.Now()), s.Close())
}

// salvage does it beside calls: into this node's store, or straight into the shared one,
// which may have most of it already.
func (g *Gateway) salvage(ctx context.Context, w io.Writer) error {
	take := g.records.Restore
	if g.shipping != nil {
		shared, err := g.shipping.shared.get(ctx)
		if err != nil {
			return err
		}
		take = restore(ctx, g.config().Node, shared)
	}
	return salvage(ctx, w, g.config().Data, take, g.now())
}

// restore adds to the shared store what it has not.
func restore(ctx context.Context, node string, shared *postgres.Records) func([]trace.Entry) error {
	return func(batch []trace.Entry) error {
		_, err := shared.Restore(ctx, node, batch)
		return err
	}
}

func salvage(ctx context.Context, w io.Writer, data string, into func([]trace.Entry) error, now time.Time) error {
	aside, err := filepath.Glob(filepath.Join(data, damagedFolder+"*"))
	if err != nil {
		return err
	}
	if len(aside) == 0 {
		fmt.Fprintln(w, "there is no damaged database")
	}
	for _, dir := range aside {
		what, err := pebble.Salvage(ctx, dir, now, gently(ctx, into))
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(dir), err)
		}
		fmt.Fprintf(w, "%s: %d records and %d updates read, %d expired", filepath.Base(dir), what.Records, what.Updates, what.Expired)
		if len(what.Damaged) > 0 {
			fmt.Fprintf(w, "; not wholly readable: %s", strings.Join(what.Damaged, ", "))
		}
		fmt.Fprintln(w)
		if err := os.Rename(dir, filepath.Join(data, salvagedFolder+strings.TrimPrefix(filepath.Base(dir), damagedFolder))); err != nil {
			return fmt.Errorf("salvaged, but cannot be renamed: %w", err)
		}
	}
	return nil
}

// gently leaves the store to calls at least as long as it takes it from them.
func gently(ctx context.Context, into func([]trace.Entry) error) func([]trace.Entry) error {
	return func(batch []trace.Entry) error {
		began := time.Now()
		if err := into(batch); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Since(began)):
		}
		return ctx.Err()
	}
}

// removeAside deletes damaged and salvaged databases that were set aside so long ago
// that nothing in them is within its retention.
func removeAside(data string, now time.Time) (removed []string, err error) {
	for _, prefix := range []string{damagedFolder, salvagedFolder} {
		aside, _ := filepath.Glob(filepath.Join(data, prefix+"*"))
		for _, dir := range aside {
			stamp := strings.TrimPrefix(filepath.Base(dir), prefix)
			at, parseErr := time.Parse(asideForm, stamp[:min(len(asideForm), len(stamp))])
			if parseErr != nil || now.Before(trace.NextDrop(trace.Expiry(at, trace.MaxRetention))) {
				continue
			}
			if removeErr := os.RemoveAll(dir); removeErr != nil {
				err = errors.Join(err, removeErr)
				continue
			}
			removed = append(removed, filepath.Base(dir))
		}
	}
	return removed, err
}

const asideForm = "20060102T150405Z"
