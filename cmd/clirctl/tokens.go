package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"clirgate/admin"
)

type tokenCommands struct {
	List   tokenList   `cmd:"" help:"List all tokens; what is sent is not kept."`
	Create tokenCreate `cmd:"" help:"Make a token and print it, once. Of roles that see callers, only clirgate token create makes them."`
	Revoke tokenRevoke `cmd:"" help:"Take a token back, at once and for good."`
}

type tokenList struct{}

func (tokenList) Run(s *session) error {
	var list struct{ Tokens []admin.Token }
	if err := s.ask("GET", "/v1/tokens", nil, &list); err != nil {
		return err
	}
	var rows [][]string
	for _, t := range list.Tokens {
		rows = append(rows, []string{t.ID, string(t.Role), t.Name, t.State, clock(t.Created), never(t.Expires)})
	}
	s.table("ID\tROLE\tNAME\tSTATE\tCREATED\tEXPIRES", rows...)
	return nil
}

func never(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return clock(*t)
}

type tokenCreate struct {
	Role    string `required:"" help:"all, noc or billing." placeholder:"ROLE"`
	Name    string `required:"" help:"Who holds it; this name is in the history of changes." placeholder:"NAME"`
	Expires string `default:"720h" help:"Until when: RFC 3339, or a time from now; at most 366 days." placeholder:"TIME"`
	Out     string `short:"o" type:"path" help:"Write it to a new file that only its owner may read; default: standard output." placeholder:"FILE"`
	Reason  string `help:"Why; kept in the audit log." placeholder:"TEXT"`
}

func (c *tokenCreate) Run(s *session) error {
	until, err := moment(c.Expires, time.Now(), 1)
	if err != nil {
		return failed(exitWrong, "--expires: %v", err)
	}
	var out *os.File
	if c.Out != "" { // before it is made: a token that nobody has helps nobody
		if out, err = os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return failed(exitWrong, "%v", err)
		}
		defer out.Close()
	}
	m := making{Reason: c.Reason}
	var made struct {
		admin.Token
		Secret string
	}
	quietly := *s // the secret is not printed where it goes to a file
	if out != nil {
		quietly.out = io.Discard
	}
	send := map[string]any{"role": c.Role, "name": c.Name, "expires": until}
	if err := quietly.ask("POST", "/v1/tokens"+m.query(), send, &made); err != nil {
		if out != nil {
			_ = os.Remove(c.Out) // it is empty
		}
		return err
	}
	if out == nil {
		s.say("%s", made.Secret)
		return nil
	}
	if _, err := fmt.Fprintln(out, made.Secret); err != nil {
		return failed(exitUnavailable, "token %s was made, but cannot be written: %v (revoke it)", made.ID, err)
	}
	return nil
}

type tokenRevoke struct {
	ID     string `arg:"" help:"Id of the token, as list shows it."`
	Reason string `help:"Why; kept in the audit log." placeholder:"TEXT"`
}

func (c *tokenRevoke) Run(s *session) error {
	m := making{Reason: c.Reason}
	if _, err := s.do(request{method: "DELETE", path: "/v1/tokens/" + url.PathEscape(c.ID) + m.query()}); err != nil {
		return err
	}
	s.say("revoked")
	return nil
}
