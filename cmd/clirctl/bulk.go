package main

import (
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"clirgate/admin"
)

type importCommand struct {
	File   string        `arg:"" help:"CSV with a header line, or JSON lines (.jsonl); - reads standard input."`
	Format string        `enum:",csv,jsonl" default:"" help:"csv or jsonl; default: by the file's name."`
	DryRun bool          `help:"Check every row, change nothing."`
	Stop   bool          `name:"stop-bad" help:"End at the first bad row, before its batch; else bad rows are left out."`
	Reason string        `help:"Why; kept in the history." placeholder:"TEXT"`
	Poll   time.Duration `default:"500ms" hidden:""`
}

// Run sends the file and follows the job; bad rows are listed, and cost an exit code of 6.
func (c *importCommand) Run(s *session) error {
	in, size := s.in, int64(0)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return failed(exitWrong, "%v", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			size = info.Size()
		}
		in = f
	}
	kind := "text/csv"
	if c.Format == "jsonl" || c.Format == "" && (strings.HasSuffix(c.File, ".jsonl") || strings.HasSuffix(c.File, ".ndjson")) {
		kind = "application/jsonl"
	}
	q := url.Values{}
	if c.DryRun {
		q.Set("dry_run", "true")
	}
	if c.Stop {
		q.Set("bad_rows", "stop")
	}
	if c.Reason != "" {
		q.Set("reason", c.Reason)
	}
	p := s.progress()
	a, err := s.do(request{
		method: "POST", path: "/v1/subscribers:import?" + q.Encode(), headers: map[string]string{"Content-Type": kind},
		body: &upload{in, p, size, 0}, slow: true,
	})
	if err != nil {
		p.end()
		return err
	}
	var job admin.Job
	if err := a.into(&job); err != nil {
		return err
	}
	return s.follow(p, job, c.Poll)
}

// upload shows how much of a file was sent.
type upload struct {
	in   io.Reader
	p    *progress
	size int64
	sent int64
}

func (u *upload) Read(b []byte) (int, error) {
	n, err := u.in.Read(b)
	if u.sent += int64(n); u.size > 0 {
		u.p.show(float64(u.sent)/float64(u.size), "sending")
	}
	return n, err
}

type exportCommand struct {
	Format string `enum:"csv,jsonl" default:"csv" help:"csv or jsonl."`
	Out    string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *exportCommand) Run(s *session) error {
	return s.download("/v1/subscribers:export?format="+c.Format, c.Out)
}

// download writes an answer to a file, which is there whole or not at all, or to standard
// output.
func (s *session) download(path, file string) error { return s.fetch("GET", path, file) }

// fetch is download by another method.
func (s *session) fetch(method, path, file string) error {
	res, err := s.open(request{method: method, path: path, slow: true})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if file == "" {
		_, err = io.Copy(s.out, res.Body)
	} else {
		err = save(file, res.Body)
	}
	if err != nil {
		return failed(exitUnavailable, "the export was cut short: %v", err)
	}
	return nil
}

func save(path string, in io.Reader) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(part)
		return err
	}
	return os.Rename(part, path)
}
