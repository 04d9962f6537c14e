package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
)

// tokenCommands work beside a running gateway too, and without one: whoever may read its
// configuration and write its store needs no token to make one.
type tokenCommands struct {
	Create tokenCreate `cmd:"" help:"Make a token and print it, once."`
	List   tokenList   `cmd:"" help:"List tokens; they themselves are not kept."`
	Revoke tokenRevoke `cmd:"" help:"Take a token back, at once and for good."`
}

type tokenCreate struct {
	file
	Role    string        `required:"" help:"What it may do: all, noc, investigator, supervisor, privacy, billing or admin."`
	Name    string        `required:"" help:"Who holds it; this name is in the history of changes."`
	Expires time.Duration `help:"How long it is valid, like 720h; 0: until revoked."`
}

func (c *tokenCreate) Run() error {
	role, err := token.ParseRole(c.Role)
	if err != nil {
		return err
	}
	var expires time.Time
	if c.Expires > 0 {
		expires = time.Now().Add(c.Expires)
	}
	plain, record := token.New(role, c.Name, expires)
	err = c.withTokens("token.create", record.ID, func(ctx context.Context, s token.Store) error { return s.AddToken(ctx, record) })
	if err != nil {
		return err
	}
	fmt.Println(plain)
	return nil
}

type tokenList struct{ file }

func (c *tokenList) Run() error {
	return c.withTokens("", "", func(ctx context.Context, s token.Store) error {
		list, err := s.Tokens(ctx)
		if err != nil {
			return err
		}
		return printTokens(os.Stdout, list, time.Now())
	})
}

func printTokens(out io.Writer, list []token.Record, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tROLE\tNAME\tSTATE\tCREATED\tEXPIRES")
	for _, r := range list {
		expires := "never"
		if !r.Expires.IsZero() {
			expires = r.Expires.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Role, r.Name, r.State(now), r.Created.Local().Format(time.DateTime), expires)
	}
	return w.Flush()
}

type tokenRevoke struct {
	file
	ID string `arg:"" help:"Id of the token, as list shows it."`
}

func (c *tokenRevoke) Run() error {
	err := c.withTokens("token.revoke", c.ID, func(ctx context.Context, s token.Store) error { return s.RevokeToken(ctx, c.ID, time.Now()) })
	if errors.Is(err, token.ErrNotFound) {
		return fmt.Errorf("there is no token %s: clirgate token list shows them", c.ID)
	}
	return err
}

// withTokens does something with the tokens of the configured store, and writes down what
// was changed.
func (f *file) withTokens(action, id string, do func(context.Context, token.Store) error) error {
	cfg, err := config.Load(f.Config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	store, err := gateway.OpenStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := do(ctx, store.Tokens()); err != nil || action == "" {
		return err
	}
	_, err = store.Audit().Append(ctx, audit.Entry{
		Time: time.Now().UTC(), Actor: operator(), Role: "host", Action: action, Object: "token:" + id, Outcome: audit.Done,
	})
	return err
}
