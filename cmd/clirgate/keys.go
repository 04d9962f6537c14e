package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/privacy"
	"clirgate/trace/keyring"
)

type keysCommands struct {
	Rotate keysRotate `cmd:"" help:"Make a new key, and destroy those that no call can need any more."`
	List   keysList   `cmd:"" help:"List the keys by name and age, not the keys themselves."`
}

type keysRotate struct {
	file
	Master bool `help:"The master key that the keys of records and cases are wrapped with, not the key of dialogs. A file makes its successor itself; a command must print the new key by now. Calls go on meanwhile."`
}

func (c *keysRotate) Run() error {
	if c.Master {
		return c.rotateMaster()
	}
	keys, err := loadKeys(c.Config)
	if err != nil {
		return err
	}
	if err := keys.Rotate(time.Now()); err != nil {
		return err
	}
	fmt.Println("a new key is in the ring; send SIGHUP to a running gateway")
	return list(keys)
}

func (c *keysRotate) rotateMaster() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if err := gateway.RotateMaster(context.Background(), cfg); err != nil {
		return err
	}
	fmt.Println("the keys of records and cases are wrapped with a new master key: keep a copy of it in a safe place")
	return nil
}

type keysList struct{ file }

func (c *keysList) Run() error {
	keys, err := loadKeys(c.Config)
	if err != nil {
		return err
	}
	return errors.Join(list(keys), c.listRing())
}

// listRing tells of the keys of records and cases what can be told without the master
// key.
func (c *keysList) listRing() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	master, keys, err := keyring.List(context.Background(), keyring.ReadFile(filepath.Join(cfg.Data, gateway.RingFile)))
	if err != nil || master == "" {
		return err
	}
	fmt.Printf("\nkeys of records and cases, wrapped with master key %s:\n", master)
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "KEY\tID\t")
	for _, k := range keys {
		mark := ""
		if k.Escrowed {
			mark = "waits for the master key"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\n", k.Name, k.ID, mark)
	}
	return out.Flush()
}

func loadKeys(path string) (*privacy.KeyRing, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	return privacy.LoadKeys(filepath.Join(cfg.Data, gateway.KeysFile), time.Duration(cfg.SIP.MaxCall))
}

func list(keys *privacy.KeyRing) error {
	now := time.Now()
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "KEY\tIN USE FROM\tDESTROYED\t")
	for _, k := range keys.List(now) {
		until, mark := "-", ""
		if !k.Until.IsZero() {
			until = k.Until.Format(time.RFC3339)
		}
		if k.Current {
			mark = "current"
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\n", k.ID, k.From.Format(time.RFC3339), until, mark)
	}
	return out.Flush()
}
