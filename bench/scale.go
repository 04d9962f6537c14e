package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clirgate/loadtest"
	"clirgate/loadtest/proc"
)

// scaleCommand shows that a call costs the same however many there are.
type scaleCommand struct {
	Rates       []float64     `default:"100,300,1000,3000" help:"Calls a second."`
	InFlight    []int         `default:"1000,20000" help:"Calls under way; 200000 takes some minutes."`
	Subscribers []int         `default:"0" help:"Subscribers with a rule, imported through the API."`
	For         time.Duration `default:"5s" help:"Length of one measurement."`
	AtRate      float64       `default:"1000" help:"Calls a second where something else varies."`
}

// point is one line of the table.
type point struct {
	what      string
	carried   int64
	failed    int64
	perCall   time.Duration
	collector float64 // the garbage collector's share of the CPU time
	rss       int64
}

// Run measures point by point, each on a gateway that was just started.
func (s *scaleCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, clean, err := newChaos(&chaosFlags{Mix: "star31", Rate: 1, For: time.Second})
	if err != nil {
		return err
	}
	defer clean()
	if err := c.configure(); err != nil {
		return err
	}
	var points []point
	measure := func(what string, rate float64, hold, length time.Duration, subscribers int) error {
		fmt.Fprintln(os.Stderr, what)
		p, err := c.point(ctx, rate, hold, length, subscribers)
		p.what = what
		points = append(points, p)
		return err
	}
	for _, rate := range s.Rates {
		if err := measure(fmt.Sprintf("%.0f calls/s", rate), rate, 0, s.For, 0); err != nil {
			return err
		}
	}
	for _, n := range s.InFlight {
		hold := time.Duration(float64(n) / s.AtRate * float64(time.Second))
		if err := measure(fmt.Sprintf("%d calls under way", n), s.AtRate, hold, hold+s.For, 0); err != nil {
			return err
		}
	}
	for _, n := range s.Subscribers {
		if n > 0 {
			if err := measure(fmt.Sprintf("%d subscribers", n), s.AtRate, 0, s.For, n); err != nil {
				return err
			}
		}
	}
	fmt.Print(scaleTable(points))
	return nil
}

func scaleTable(points []point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s; calls withheld by *31*, record on disk\n\n| | calls carried | failed | CPU a call | collector's share | memory |\n|---|---|---|---|---|---|\n", machine())
	for _, p := range points {
		fmt.Fprintf(&b, "| %s | %d | %d | %d us | %.1f %% | %d MB |\n", p.what, p.carried, p.failed, p.perCall.Microseconds(), 100*p.collector, p.rss>>20)
	}
	return b.String()
}

// point starts a gateway, calls, and stops it.
func (c *chaos) point(ctx context.Context, rate float64, hold, length time.Duration, subscribers int) (p point, err error) {
	if err := c.serve(); err != nil {
		return p, err
	}
	defer func() { c.stop(c.cmd) }()
	if err := c.ready(); err != nil {
		return p, err
	}
	if subscribers > 0 {
		if err := c.importSubscribers(ctx, subscribers); err != nil {
			return p, err
		}
	}
	mix, err := loadtest.ParseMix("star31")
	if err != nil {
		return p, err
	}
	pid := c.cmd.Process.Pid
	const linger = 2 * time.Second
	// An ended call keeps its place with the generator while it lingers.
	most := max(20_000, int(1.2*rate*(hold+linger).Seconds()))
	run, err := loadtest.New(loadtest.Config{Target: "udp:" + c.listen, MaxInFlight: most, CallerListen: []string{"udp:" + c.caller}, CalleeListen: []string{"udp:" + c.callee},
		Mix: mix, Profile: loadtest.Profile{{From: rate, To: rate, For: length}}, Hold: hold, Watch: []int{pid}, Linger: linger})
	if err != nil {
		return p, err
	}
	defer run.Close()
	collected, used := c.collector(), cpuOf(pid)
	if err := run.Do(ctx, nil); err != nil {
		return p, err
	}
	r := run.Result()
	p = point{carried: r.Totals.Carried, failed: r.Totals.Failed + r.Totals.NotPlaced, perCall: r.PerCall()}
	p.collector = (c.collector() - collected) / (cpuOf(pid) - used).Seconds()
	for _, one := range r.Processes {
		p.rss = max(p.rss, one.MaxRSS)
	}
	return p, ctx.Err()
}

func cpuOf(pid int) time.Duration {
	u, err := proc.Of(pid)
	if err != nil {
		return 0
	}
	return u.CPU()
}

// collectorMetric is the CPU time of the garbage collector in seconds, as Go estimates it.
const collectorMetric = "go_cpu_classes_gc_total_cpu_seconds_total"

// collector is what the collector has used since the gateway began, in seconds; 0: not
// known.
func (c *chaos) collector() float64 {
	resp, err := c.api("GET", "/metrics", "", nil)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), collectorMetric+" "); ok {
			v, _ := strconv.ParseFloat(text, 64)
			return v
		}
	}
	return 0
}

// ready waits for the API, which comes after the sockets.
func (c *chaos) ready() error {
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get("http://" + c.admin + "/healthz"); err == nil {
			_ = resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("the API does not answer after %v", startTime)
}

func (c *chaos) api(method, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequest(method, "http://"+c.admin+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return http.DefaultClient.Do(req)
}

// importSubscribers puts n subscribers in force, none of whom calls.
func (c *chaos) importSubscribers(ctx context.Context, n int) error {
	var rows bytes.Buffer
	rows.WriteString("number,clir\n")
	for i := range n {
		fmt.Fprintf(&rows, "+3168%07d,permanent\n", i)
	}
	resp, err := c.api("POST", "/v1/subscribers:import", "text/csv", &rows)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for path := resp.Header.Get("Location"); ; {
		var job struct{ State string }
		if path == "" {
			return fmt.Errorf("import: %s", resp.Status)
		}
		look, err := c.api("GET", path, "", nil)
		if err != nil {
			return err
		}
		err = json.NewDecoder(look.Body).Decode(&job)
		_ = look.Body.Close()
		switch {
		case err != nil:
			return fmt.Errorf("import: %w", err)
		case job.State == "done":
			return nil
		case job.State != "running":
			return fmt.Errorf("import: %s", job.State)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
