package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"clirgate/loadtest"
	"clirgate/loadtest/report"
)

// calls are the flags of whoever places calls.
type calls struct {
	Target      string        `required:"" help:"Element under test: udp|tcp|tls:host:port."`
	Listen      []string      `help:"Addresses calls come from; each further loop takes the next port."`
	Rate        float64       `default:"100" help:"Calls a second."`
	For         time.Duration `default:"10s" help:"How long calls are offered."`
	Profile     string        `help:"Rate over time instead: RATExTIME or FROM-TOxTIME, separated by commas."`
	Even        bool          `help:"Equal distances instead of a Poisson process."`
	Mix         string        `default:"star31" help:"Scenarios: preset (full, unruled, star31, ordinary) and name=weight, separated by commas."`
	MaxInFlight int           `default:"200000" help:"Calls under way at most."`
	API         string        `help:"The element's admin API, for mixes with subscribers' rules." env:"CLIRLOAD_API"`
	Token       string        `help:"Bearer token for it." env:"CLIRLOAD_TOKEN"`
	TokenFile   string        `help:"File the token is in." type:"existingfile"`
	ToggleEvery time.Duration `default:"500ms" help:"How often a toggled line's rule changes."`
	Callers     int           `default:"100" help:"Lines of each habit."`
	Pid         []int         `help:"Local processes of the element: their CPU and memory are measured."`
	Seed        uint64        `help:"Of everything random; 0: another each time."`

	RecordsCommand string  `help:"Command that prints the element's records as JSON lines; they are compared with what the callee saw."`
	Lose           float64 `help:"Part of all datagrams lost, on either side of the element."`
	Reorder        float64 `help:"Part held back by up to 20 ms."`

	JSON  string `help:"Write the result to this file as JSON." type:"path"`
	HTML  string `help:"Write a page with plots to this file." type:"path"`
	Quiet bool   `help:"No live view."`

	MaxLeaks      int64         `default:"-1" help:"Leaks allowed; -1: any number."`
	MaxMissing    int64         `default:"-1" help:"Times identity may be missing."`
	MaxUnrestored int64         `default:"-1" help:"Messages that may come back unrestored."`
	MaxForm       int64         `default:"-1" help:"Findings of form allowed."`
	MaxFailed     int64         `default:"-1" help:"Calls that may fail."`
	MaxP99        time.Duration `name:"max-p99" default:"-1ns" help:"Element's delay, p99."`
	MaxAnswerP99  time.Duration `name:"max-answer-p99" default:"-1ns" help:"Answer time without ringing, p99."`
	MaxPerCall    time.Duration `default:"-1ns" help:"CPU time a call of the processes given."`
	MinRate       float64       `default:"-1" help:"Calls carried a second."`
	MaxGrowth     float64       `default:"-1" help:"Memory at the end over memory half way."`
}

// common are the flags of both sides.
type common struct {
	Ring         time.Duration `default:"50ms" help:"How long a call rings."`
	Hold         time.Duration `default:"50ms" help:"How long it stands."`
	Linger       time.Duration `default:"5s" help:"How long an ended call answers retransmissions; 32s on lossy paths."`
	T1           time.Duration `default:"500ms" help:"Round trip estimate of RFC 3261."`
	CallerPrefix string        `default:"+3161234" help:"Callers' numbers begin with this."`
	CalledPrefix string        `default:"+317" help:"Called numbers begin with this."`
	Domain       string        `default:"carrier.example" help:"Domain in From and To."`
	Trusted      bool          `help:"The callees are inside the trust domain."`
	WantPAI      bool          `name:"want-pai" help:"Callees must get P-Asserted-Identity of shown callers."`
	NoMarker     bool          `help:"Withheld calls need not carry Privacy: id."`
	Media        bool          `help:"Send RTP on every call."`
	Loops        int           `default:"1" help:"Threads that share the work."`
	Turn         time.Duration `default:"1ms" help:"How long a loop sleeps when idle."`
	Cert         string        `help:"Certificate of TLS listeners (PEM)." type:"existingfile"`
	Key          string        `help:"Its key (PEM)." type:"existingfile"`
}

// answering are the flags of whoever is called.
type answering struct {
	CalleeListen []string      `help:"Addresses that answer: udp|tcp|tls:host:port." placeholder:"ADDR"`
	DyingListen  []string      `help:"Addresses that answer and are away every other while." placeholder:"ADDR"`
	DyingEvery   time.Duration `default:"5s" help:"How long that while is."`
}

type runCommand struct {
	calls
	common
	answering
}

type callerCommand struct {
	calls
	common
}

type calleeCommand struct {
	common
	answering
	For time.Duration `help:"Stop after this time; 0: never."`
}

// Run offers calls and answers them.
func (c *runCommand) Run() error {
	config, err := c.calls.config(&c.common)
	if err != nil {
		return err
	}
	c.answer(config)
	return c.do(config)
}

// Run offers calls.
func (c *callerCommand) Run() error {
	config, err := c.calls.config(&c.common)
	if err != nil {
		return err
	}
	return c.do(config)
}

// Run answers calls.
func (c *calleeCommand) Run() error {
	config, err := c.common.config()
	if err != nil {
		return err
	}
	c.answer(config)
	config.ElsewhereCallers = true
	run, err := loadtest.New(*config)
	if err != nil {
		return err
	}
	defer run.Close()
	ctx, stop := interrupted()
	defer stop()
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if err := run.Do(ctx, report.NewLive(os.Stderr).Show); err != nil {
		return err
	}
	result := run.Result()
	report.Text(os.Stdout, &result)
	return nil
}

func (a *answering) answer(c *loadtest.Config) {
	c.CalleeListen, c.DyingListen, c.DyingEvery = a.CalleeListen, a.DyingListen, a.DyingEvery
}

// interrupted ends with SIGINT or SIGTERM.
func interrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
}

func (c *common) config() (*loadtest.Config, error) {
	config := &loadtest.Config{Ring: c.Ring, Hold: c.Hold, Linger: c.Linger, T1: c.T1, CallerPrefix: c.CallerPrefix,
		CalledPrefix: c.CalledPrefix, Domain: c.Domain, Trusted: c.Trusted, WantPAI: c.WantPAI, NoMarker: c.NoMarker,
		Media: c.Media, Loops: c.Loops, Turn: c.Turn}
	if c.Cert != "" {
		cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		config.Certificate = &cert
	}
	return config, nil
}

func (c *calls) config(both *common) (*loadtest.Config, error) {
	config, err := both.config()
	if err != nil {
		return nil, err
	}
	if config.Mix, err = loadtest.ParseMix(c.Mix); err != nil {
		return nil, err
	}
	config.Profile = loadtest.Profile{{From: c.Rate, To: c.Rate, For: c.For}}
	if c.Profile != "" {
		if config.Profile, err = loadtest.ParseProfile(c.Profile); err != nil {
			return nil, err
		}
	}
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, err
		}
		c.Token = string(trimLine(b))
	}
	config.Target, config.CallerListen, config.Even = c.Target, c.Listen, c.Even
	config.MaxInFlight, config.API, config.Token, config.ToggleEvery = c.MaxInFlight, c.API, c.Token, c.ToggleEvery
	config.Lose, config.Reorder, config.Ledger = c.Lose, c.Reorder, c.RecordsCommand != ""
	config.Callers, config.Watch, config.Seed = c.Callers, c.Pid, c.Seed
	return config, nil
}

func trimLine(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r' || b[len(b)-1] == ' ') {
		b = b[:len(b)-1]
	}
	return b
}

// do runs, reports, and says whether the limits were kept.
func (c *calls) do(config *loadtest.Config) error {
	run, err := loadtest.New(*config)
	if err != nil {
		return err
	}
	defer run.Close()
	ctx, stop := interrupted()
	defer stop()
	var each func(loadtest.Sample)
	if !c.Quiet {
		each = report.NewLive(os.Stderr).Show
	}
	if err := run.Do(ctx, each); err != nil {
		return err
	}
	result := run.Result()
	broken := c.limits().Check(&result)
	if c.RecordsCommand != "" {
		u, err := compare(run, c.RecordsCommand)
		if err != nil {
			return err
		}
		if result.Unrecorded = &u; !u.OK() {
			broken = append(broken, "records: "+u.String())
		}
	}
	report.Text(os.Stdout, &result)
	for _, b := range broken {
		fmt.Println("FAILED:", b)
	}
	if err := c.files(&result, broken); err != nil {
		return err
	}
	if len(broken) > 0 {
		return errLimits
	}
	return nil
}

// compare reads the element's records from a command.
func compare(run *loadtest.Run, command string) (loadtest.Unrecorded, error) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return loadtest.Unrecorded{}, fmt.Errorf("records: %w", err)
	}
	return run.Compare(bytes.NewReader(out))
}

func (c *calls) limits() loadtest.Limits {
	return loadtest.Limits{Leaks: c.MaxLeaks, Missing: c.MaxMissing, Unrestored: c.MaxUnrestored, Form: c.MaxForm,
		Failed: c.MaxFailed, P99: c.MaxP99, AnswerP99: c.MaxAnswerP99, PerCall: c.MaxPerCall, Rate: c.MinRate, RSSGrowth: c.MaxGrowth}
}

func (c *calls) files(r *loadtest.Result, broken []string) error {
	write := func(path string, f func(*os.File) error) error {
		if path == "" {
			return nil
		}
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := f(file); err != nil {
			file.Close()
			return fmt.Errorf("writing %s: %w", path, err)
		}
		return file.Close()
	}
	if err := write(c.JSON, func(f *os.File) error { return report.JSON(f, r) }); err != nil {
		return err
	}
	return write(c.HTML, func(f *os.File) error {
		return report.HTML(f, "clirload: "+c.Mix+" through "+c.Target, time.Now(), r, broken)
	})
}
