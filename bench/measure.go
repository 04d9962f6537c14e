package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"clirgate/loadtest"
	"clirgate/loadtest/proc"
)

// measured is what is known of an element; lists have one value a round.
type measured struct {
	missing  string
	cost     []float64 // us of CPU a call, clirload
	sipp     []float64 // same, SIPp
	p50, p99 []float64 // us of delay at delayRate
	leaks    int64
	noneSeen int64 // identity missing, dialogs not restored
	calls    int64
	failed   int64
	rate     float64 // highest held
	lowest   float64 // lowest that was not; 0: none found
	perCall  float64 // us at the highest rate
	rss      int64
}

// delayRate is the rate at which delay is measured.
const delayRate = 500

// measure starts the element once and takes one round of measurements.
func (s *site) measure(ctx context.Context, e *element, p plan, c *compareCommand, m *measured) error {
	if e.missing != "" {
		m.missing = e.missing
		return nil
	}
	cmd, err := s.start(ctx, e)
	if err != nil {
		return err
	}
	defer s.stop(cmd)
	pid := cmd.Process.Pid
	if _, err := s.call(ctx, delayRate, time.Second, pid); err != nil { // warm
		return err
	}
	r, err := s.call(ctx, delayRate, p.length, pid)
	if err != nil {
		return err
	}
	m.p50 = append(m.p50, float64(r.Times.Forward.P50))
	m.p99 = append(m.p99, float64(r.Times.Forward.P99))
	m.add(r)
	r, err = s.call(ctx, c.CostRate, p.length, pid)
	if err != nil {
		return err
	}
	m.cost = append(m.cost, float64(r.PerCall())/1e3)
	m.add(r)
	if c.NoSipp {
		return nil
	}
	us, err := s.sipp(ctx, pid, c.CostRate, p.length)
	if err != nil {
		fmt.Fprintf(os.Stderr, "  SIPp: %v\n", err)
		return nil
	}
	m.sipp = append(m.sipp, us)
	return nil
}

func (m *measured) add(r *loadtest.Result) {
	m.leaks += r.Totals.Leaks
	m.noneSeen += r.Totals.Missing + r.Totals.Unrestored
	m.calls += r.Totals.Offered
	m.failed += r.Totals.Failed + r.Totals.NotPlaced
	for _, one := range r.Processes {
		m.rss = max(m.rss, one.MaxRSS)
	}
}

// call offers withheld calls at a rate.
func (s *site) call(ctx context.Context, rate float64, length time.Duration, pid int) (*loadtest.Result, error) {
	mix, err := loadtest.ParseMix("star31")
	if err != nil {
		return nil, err
	}
	run, err := loadtest.New(loadtest.Config{Target: "udp:" + s.listen, CallerListen: []string{"udp:" + s.caller}, CalleeListen: []string{"udp:" + s.callee},
		Mix: mix, Profile: loadtest.Profile{{From: rate, To: rate, For: length}}, Watch: []int{pid}, Linger: 2 * time.Second})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	if err := run.Do(ctx, nil); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r := run.Result()
	return &r, nil
}

// sippBuffer keeps SIPp from losing datagrams while it is not scheduled.
const sippBuffer = "8388608"

// sipp places the neutral scenario's calls with SIPp and answers the element's CPU time
// a call in us.
func (s *site) sipp(ctx context.Context, pid int, rate float64, length time.Duration) (float64, error) {
	if _, err := exec.LookPath("sipp"); err != nil {
		return 0, fmt.Errorf("not installed")
	}
	for _, f := range []string{"uac.xml", "uas.xml"} {
		if err := s.write(f); err != nil {
			return 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, length+30*time.Second)
	defer cancel()
	host, port := split(s.callee)
	uas := exec.CommandContext(ctx, "sipp", "-sf", filepath.Join(s.dir, "uas.xml"), "-i", host, "-p", port, "-nostdin", "-buff_size", sippBuffer)
	uas.Dir = s.dir
	if err := uas.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = uas.Process.Kill(); _ = uas.Wait() }()
	time.Sleep(300 * time.Millisecond)
	calls := int(rate * length.Seconds())
	host, port = split(s.caller)
	uac := exec.CommandContext(ctx, "sipp", "-sf", filepath.Join(s.dir, "uac.xml"), "-i", host, "-p", port, s.listen,
		"-r", strconv.Itoa(int(rate)), "-m", strconv.Itoa(calls), "-l", "20000", "-nostdin", "-buff_size", sippBuffer)
	uac.Dir = s.dir
	before, err := proc.Of(pid)
	if err != nil {
		return 0, err
	}
	out, err := uac.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("some of %d calls failed: %w: %s", calls, err, trimmed(out)[:min(200, len(trimmed(out)))])
	}
	after, err := proc.Of(pid)
	if err != nil {
		return 0, err
	}
	return float64(after.CPU()-before.CPU()) / 1e3 / float64(calls), nil
}

func split(hostport string) (host, port string) {
	for i := len(hostport) - 1; i >= 0; i-- {
		if hostport[i] == ':' {
			return hostport[:i], hostport[i+1:]
		}
	}
	return hostport, ""
}
