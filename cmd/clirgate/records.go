package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
)

type recordsCommand struct {
	file
	From string `help:"First moment, as 2026-11-23 or RFC 3339; default: 24 hours ago." placeholder:"TIME"`
	To   string `help:"Moment after the last; default: now." placeholder:"TIME"`
}

// Run prints records, oldest first; beside a running gateway it asks that for them.
func (c *recordsCommand) Run() error {
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
	return errors.Join(gateway.CopyRecords(out, cfg.Data, from, to), out.Flush())
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
