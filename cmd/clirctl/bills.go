package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
)

type billCommands struct {
	Shield billShield `cmd:"" help:"Mask shielded numbers in call details (CSV of any size)."`
}

type billShield struct {
	In     string   `arg:"" help:"CSV with a header line; - reads standard input."`
	Out    string   `arg:"" help:"Where to write it; - writes standard output. There whole or not at all."`
	Column []string `default:"called" help:"Column of called numbers; several: twice." sep:"none"`
	Date   string   `default:"date" help:"Column with the date of the call."`
}

func (c *billShield) Run(s *session) error {
	in, size := s.in, int64(0)
	if c.In != "-" {
		f, err := os.Open(c.In)
		if err != nil {
			return failed(exitWrong, "%v", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		in = f
	}
	p := s.progress()
	defer p.end()
	q := url.Values{"column": c.Column, "date": {c.Date}}
	res, err := s.open(request{
		method: "POST", path: "/v1/bills:shield?" + q.Encode(), headers: map[string]string{"Content-Type": "text/csv"},
		body: io.NopCloser(&upload{in, p, size, 0}), slow: true,
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if c.Out == "-" {
		_, err = io.Copy(s.out, res.Body)
	} else {
		err = save(c.Out, res.Body)
	}
	p.end()
	if err != nil {
		return failed(exitUnavailable, "the bill was cut short, and is not there: %v", err)
	}
	count := res.Trailer.Get
	fmt.Fprintf(s.errs, "%s rows, %s masked, %s without a date\n", count("Shield-Rows"), count("Shield-Masked"), count("Shield-Without-Date"))
	if n := count("Shield-In-Other-Column"); n != "0" && n != "" {
		return failed(exitUnwell, "in %s rows a masked number stands in another column too: name that with --column", n)
	}
	return nil
}

type shieldedCommands struct {
	Export shieldedExport `cmd:"" help:"Write our shielded numbers for other providers."`
	Import shieldedImport `cmd:"" help:"Replace another provider's part of the list."`
}

type shieldedExport struct {
	Out string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *shieldedExport) Run(s *session) error { return s.download("/v1/shielded-numbers", c.Out) }

type shieldedImport struct {
	File   string `arg:"" help:"A number and a date a line; - reads standard input."`
	Source string `required:"" help:"The provider whose list it is."`
}

func (c *shieldedImport) Run(s *session) error {
	in := s.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return failed(exitWrong, "%v", err)
		}
		defer f.Close()
		in = f
	}
	a, err := s.do(request{method: "POST", path: "/v1/shielded-numbers?source=" + url.QueryEscape(c.Source),
		headers: map[string]string{"Content-Type": "text/csv"}, body: in, slow: true})
	if err != nil {
		return err
	}
	var done struct{ Numbers int }
	if err := a.into(&done); err != nil {
		return err
	}
	if s.JSON {
		_, _ = s.out.Write(a.body)
	}
	s.say("%d numbers of %s", done.Numbers, c.Source)
	return nil
}
