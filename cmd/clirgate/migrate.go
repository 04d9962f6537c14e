package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/migrate"
)

type migrateCommand struct {
	file
	To string `help:"The shared store; default: the one that the configuration names." placeholder:"postgres://user@host1,host2/db"`
}

// Run brings what the data directory holds to the shared store, also beside a running
// gateway.
func (c *migrateCommand) Run() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if c.To == "" && cfg.Shared() {
		c.To = cfg.Store
	}
	if c.To == "" {
		return errors.New("the configuration names no shared store: say --to postgres://user@host1,host2/db")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done, err := migrate.Run(ctx, cfg, c.To)
	fmt.Printf("brought over: %d changes of rules, %d audit entries, %d tokens, %d keys, %d cases, %d shielded numbers, %d records and updates\n",
		done.Changes, done.Entries, done.Tokens, done.Keys, done.Cases, done.Shielded, done.Records)
	if err != nil {
		return err
	}
	if done.Live {
		fmt.Println("the shared store is in use already: its rules and its audit log stay as they are")
	}
	if done.RecordsWait {
		fmt.Println("a gateway runs here and has the records open. Run this again just before you restart it with the shared store;\nit then ships its records by itself, while calls go on.")
	}
	return nil
}
