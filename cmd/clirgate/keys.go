package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/privacy"
)

type keysCommands struct {
	Rotate keysRotate `cmd:"" help:"Make a new key, and destroy those that no call can need any more."`
	List   keysList   `cmd:"" help:"List the keys by name and age, not the keys themselves."`
}

type keysRotate struct{ file }

func (c *keysRotate) Run() error {
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

type keysList struct{ file }

func (c *keysList) Run() error {
	keys, err := loadKeys(c.Config)
	if err != nil {
		return err
	}
	return list(keys)
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
