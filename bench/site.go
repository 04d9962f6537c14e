package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed elements
var files embed.FS

// site is where it all happens: a directory, and the addresses everybody uses.
type site struct {
	dir            string
	caller, callee string // host:port
	listen         string // the element's
}

// element is something that carries calls.
type element struct {
	name    string
	note    string
	program string
	args    []string
	config  string // file in elements, written to the directory
	same    bool   // does the gateway's work
	rated   bool   // its highest rate is looked for in the quick mode too
	missing string // why it cannot run here
}

// newSite builds the programs and finds free ports.
func newSite(dir string) (*site, error) {
	s := &site{dir: dir}
	for _, p := range []*string{&s.caller, &s.callee, &s.listen} {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer c.Close()
		*p = c.LocalAddr().String()
	}
	for _, pkg := range []string{"./cmd/clirgate", "./cmd/clirload", "./bench/sipgoproxy"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(pkg)), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	return s, nil
}

// elements are those compared, the gateway first.
func (s *site) elements() []*element {
	bin := func(name string) string { return filepath.Join(s.dir, name) }
	kamailio := func(name, note, config string, same bool) *element {
		e := &element{name: name, note: note, program: "kamailio", config: config, same: same, rated: same,
			args: []string{"-f", bin(config), "-Y", s.dir, "-m", "512", "-M", "16", "-DD", "-E"}}
		if _, err := exec.LookPath("kamailio"); err != nil {
			e.missing = "kamailio is not installed"
		}
		return e
	}
	return []*element{
		{name: "clirgate", note: "withheld, record on disk before it rings", program: bin("clirgate"), config: "clirgate.yaml",
			args: []string{"serve", "--config", bin("clirgate.yaml")}, same: true, rated: true},
		kamailio("kamailio", "same work, trace line not synced", "kamailio.cfg", true),
		kamailio("kamailio-relay", "stateful relay only", "kamailio-relay.cfg", false),
		{name: "sipgo", note: "plain stateful forwarding", program: bin("sipgoproxy"), args: []string{"-listen", s.listen, "-callee", s.callee}},
		{name: "udp-relay", note: "moves datagrams, reads nothing", program: bin("clirload"), args: []string{"relay", "--listen", s.listen, "--target", s.callee}},
	}
}

// start writes the configuration, starts the element and waits until it listens.
func (s *site) start(ctx context.Context, e *element) (*exec.Cmd, error) {
	if e.config != "" {
		if err := s.write(e.config); err != nil {
			return nil, err
		}
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "data")); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, e.name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, e.program, e.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(); err != nil {
		s.stop(cmd)
		out, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w\n%s", err, tail(out))
	}
	return cmd, nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// write puts a file of elements into the directory, its addresses filled in.
func (s *site) write(name string) error {
	b, err := files.ReadFile("elements/" + name)
	if err != nil {
		return err
	}
	modules, _ := filepath.Glob("/usr/lib*/*/kamailio/modules")
	if more, _ := filepath.Glob("/usr/lib*/kamailio/modules"); len(modules) == 0 {
		modules = more
	}
	text := strings.NewReplacer("LISTEN", s.listen, "CALLEE", s.callee, "CALLER", s.caller, "DIR", s.dir,
		"MODULES", strings.Join(modules, ":")+"/").Replace(string(b))
	return os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600)
}

// startTime bounds an element's start.
const startTime = 15 * time.Second

// await waits until the element's port is taken.
func (s *site) await() error {
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		c, err := net.ListenPacket("udp", s.listen)
		if err == nil {
			c.Close()
			continue
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			time.Sleep(300 * time.Millisecond) // workers are forked, stores opened
			return nil
		}
		return err
	}
	return fmt.Errorf("it does not listen after %v", startTime)
}

// stopTime is waited before an element is killed.
const stopTime = 5 * time.Second

// stop ends the element and all it started.
func (s *site) stop(cmd *exec.Cmd) {
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(stopTime):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

// trimmed is a command's output on one line.
func trimmed(b []byte) string { return string(bytes.TrimSpace(tail(b))) }
