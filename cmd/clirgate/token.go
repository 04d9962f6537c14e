package main

import (
	"context"
	"fmt"
	"time"

	"clirgate/admin/token"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
)

type tokenCommands struct {
	Create tokenCreate `cmd:"" help:"Make a token and print it, once."`
}

type tokenCreate struct {
	file
	Role    string        `required:"" help:"What it may do: all, noc, investigator, supervisor, privacy or billing."`
	Name    string        `required:"" help:"Who holds it; this name is in the history of changes."`
	Expires time.Duration `help:"How long it is valid, like 720h; 0: until revoked."`
}

// Run works beside a running gateway too.
func (c *tokenCreate) Run() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	role, err := token.ParseRole(c.Role)
	if err != nil {
		return err
	}
	ctx := context.Background()
	store, err := gateway.OpenStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer store.Close()
	var expires time.Time
	if c.Expires > 0 {
		expires = time.Now().Add(c.Expires)
	}
	plain, record := token.New(role, c.Name, expires)
	if err := store.Tokens().AddToken(ctx, record); err != nil {
		return err
	}
	fmt.Println(plain)
	return nil
}
