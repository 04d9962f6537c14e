package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
)

type recordsCommands struct {
	List    recordsList    `cmd:"" default:"withargs" help:"Print the records of calls as JSON lines, without identities."`
	Salvage recordsSalvage `cmd:"" help:"Take over what can be read of databases that were damaged and set aside. Calls go on meanwhile."`
	Verify  recordsVerify  `cmd:"" help:"Read every record and say whether the store is whole, while no gateway runs on it."`
}

type recordsSalvage struct{ file }

func (c *recordsSalvage) Run() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	return gateway.Salvage(context.Background(), os.Stdout, cfg)
}

type recordsList struct {
	file
	From string `help:"First moment, as 2026-11-23 or RFC 3339; default: 24 hours ago." placeholder:"TIME"`
	To   string `help:"Moment after the last; default: now." placeholder:"TIME"`

	Open   bool   `help:"With identities. Meant for emergencies, as cases are the way to them: it is noted in the audit log, and needs the master key."`
	Reason string `help:"With --open: why." placeholder:"TEXT"`
}

// Run prints records, oldest first; beside a running gateway it asks that for them.
func (c *recordsList) Run() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	now := time.Now()
	from, err := moment(c.From, now.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	to, err := moment(c.To, now.Add(time.Second))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	if c.Open {
		by := gateway.Opening{Actor: operator(), Reason: strings.Join(strings.Fields(c.Reason), " ")}
		if by.Reason == "" {
			return errors.New("--open wants a --reason, for the audit log")
		}
		return errors.Join(gateway.CopyOpened(context.Background(), out, cfg, from, to, by), out.Flush())
	}
	return errors.Join(gateway.CopyRecords(out, cfg.Data, from, to), out.Flush())
}

// operator is who runs this, as far as the system knows.
func operator() string {
	u, err := user.Current()
	if err != nil {
		return "uid-" + strconv.Itoa(os.Getuid())
	}
	if before := os.Getenv("SUDO_USER"); before != "" {
		return before + "-as-" + u.Username
	}
	return u.Username
}

func moment(text string, absent time.Time) (time.Time, error) {
	if text == "" {
		return absent, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%q is no time: write 2026-11-23 or 2026-11-23T14:00:00+01:00", text)
	}
	return t, nil
}
