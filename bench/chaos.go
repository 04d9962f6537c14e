package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"clirgate/loadtest"
	"clirgate/loadtest/report"
)

// chaosFlags are those of all modes that make the gateway suffer.
type chaosFlags struct {
	Rate float64       `default:"300" help:"Calls a second."`
	For  time.Duration `default:"1m" help:"How long; ten minutes for a real soak."`
	Mix  string        `default:"full,failover=3" help:"Scenarios, see clirload."`
	HTML string        `help:"Write a page with plots." type:"path"`
}

// chaos is a gateway with its neighbours' addresses, and what is done to it.
type chaos struct {
	*site
	dying, psap, admin, data string
	token                    string
	element                  *element
	cmd                      *exec.Cmd
	flags                    *chaosFlags
	config                   loadtest.Config
	limits                   loadtest.Limits
	lost                     int64 // calls that may fail
	during                   func(ctx context.Context) error
}

func newChaos(f *chaosFlags) (*chaos, func(), error) {
	dir, err := os.MkdirTemp("", "clirgate-chaos-")
	if err != nil {
		return nil, nil, err
	}
	clean := func() { os.RemoveAll(dir) }
	s, err := newSite(dir)
	if err != nil {
		clean()
		return nil, nil, err
	}
	c := &chaos{site: s, flags: f, data: filepath.Join(dir, "data")}
	for _, p := range []*string{&c.dying, &c.psap, &c.admin} {
		l, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			clean()
			return nil, nil, err
		}
		*p = l.LocalAddr().String()
		defer l.Close()
	}
	c.element = &element{name: "clirgate", program: filepath.Join(dir, "clirgate"), args: []string{"serve", "--config", filepath.Join(dir, "chaos.yaml")}}
	c.limits = loadtest.NoLimits
	c.limits.Leaks, c.limits.Missing, c.limits.Unrestored, c.limits.Form = 0, 0, 0, 0
	mix, err := loadtest.ParseMix(f.Mix)
	if err != nil {
		clean()
		return nil, nil, err
	}
	c.config = loadtest.Config{Target: "udp:" + s.listen, CallerListen: []string{"udp:" + s.caller}, CalleeListen: []string{"udp:" + s.callee, "udp:" + c.psap},
		DyingListen: []string{"udp:" + c.dying}, Mix: mix, Profile: loadtest.Profile{{From: f.Rate, To: f.Rate, For: f.For}},
		Callers: 20, WantPAI: true, API: c.admin, Ledger: true}
	return c, clean, nil
}

// do starts the gateway, calls, and judges.
func (c *chaos) do(watch bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := c.configure(); err != nil {
		return err
	}
	if err := c.serve(); err != nil {
		return err
	}
	defer func() { c.stop(c.cmd) }()
	c.config.Token = c.token
	if watch {
		c.config.Watch = []int{c.cmd.Process.Pid}
	}
	run, err := loadtest.New(c.config)
	if err != nil {
		return err
	}
	defer run.Close()
	result := make(chan error, 1)
	background, cancel := context.WithTimeout(ctx, c.flags.For)
	defer cancel()
	go func() {
		if c.during == nil {
			result <- nil
			return
		}
		result <- c.during(background)
	}()
	if err := run.Do(ctx, report.NewLive(os.Stderr).Show); err != nil {
		return err
	}
	cancel()
	if err := <-result; err != nil {
		return err
	}
	return c.judge(run)
}

// judge prints the result and says what is wrong.
func (c *chaos) judge(run *loadtest.Run) error {
	r := run.Result()
	c.limits.Failed = c.lost
	broken := c.limits.Check(&r)
	if c.config.Ledger {
		out, err := exec.Command(c.element.program, "records", "--open", "--reason", "comparison with what the callee saw", "--config", filepath.Join(c.dir, "chaos.yaml")).Output()
		if err != nil {
			return fmt.Errorf("records: %w", err)
		}
		u, err := run.Compare(bytes.NewReader(out))
		if err != nil {
			return err
		}
		if r.Unrecorded = &u; !u.OK() {
			broken = append(broken, "records: "+u.String())
		}
	}
	report.Text(os.Stdout, &r)
	if c.flags.HTML != "" {
		f, err := os.Create(c.flags.HTML)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := report.HTML(f, "clirgate under "+c.flags.Mix, time.Now(), &r, broken); err != nil {
			return err
		}
	}
	if len(broken) > 0 {
		return fmt.Errorf("not passed: %s", strings.Join(broken, "; "))
	}
	fmt.Println("passed")
	return nil
}

// configure writes the configuration and makes a token.
func (c *chaos) configure() error {
	b, err := files.ReadFile("elements/chaos.yaml")
	if err != nil {
		return err
	}
	text := strings.NewReplacer("LISTEN", c.listen, "CALLEE", c.callee, "CALLER", c.caller, "DYING", c.dying, "PSAP", c.psap, "ADMIN", c.admin, "DATA", c.data).Replace(string(b))
	path := filepath.Join(c.dir, "chaos.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	out, err := exec.Command(c.element.program, "token", "create", "--config", path, "--role", "noc", "--name", "chaos").Output()
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	c.token = strings.TrimSpace(string(out))
	return nil
}

// serve starts the gateway; its data stay.
func (c *chaos) serve() error {
	log, err := os.OpenFile(filepath.Join(c.dir, "clirgate.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c.cmd = exec.Command(c.element.program, c.element.args...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	return c.await()
}

// rest waits; false: ctx ended first.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
