// Package pgtest runs PostgreSQL for tests: the Debian package's server on a free
// port of a loopback address that only this process uses, in a folder of its own that
// goes with the test. It skips
// nothing: without the server, tests fail.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bin is where Debian puts the binaries of the package "postgresql".
const Bin = "/usr/lib/postgresql/15/bin"

// Server is one running PostgreSQL.
type Server struct {
	dir    string
	port   int
	args   []string // of postgres, beside those that all have
	cred   *syscall.Credential
	cmd    *exec.Cmd
	ended  chan struct{}
	nextDB atomic.Int64
}

// host is this process's own: a port of 127.0.0.1 that is free now may be anybody's the
// moment after.
var host = func() string {
	n := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+n>>16&63, n>>8&255, n&255)
}()

// startTime bounds the wait for a server that starts, which also recovers.
const startTime = 60 * time.Second

// Start makes a server, which ends with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s, err := start()
	if s != nil {
		tb.Cleanup(s.remove)
	}
	if err != nil {
		tb.Fatalf("PostgreSQL cannot be started (make deps installs it): %v", err)
	}
	return s
}

// Main makes a server for all tests of a package, for TestMain: it runs them and
// answers the exit code. use is called with the server before.
func Main(m *testing.M, use func(*Server)) int {
	s, err := start()
	if s != nil {
		defer s.remove()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "PostgreSQL cannot be started (make deps installs it): %v\n", err)
		return 1
	}
	use(s)
	return m.Run()
}

// Database makes a new, empty database and answers its address.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("t%d", s.nextDB.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	return s.url(name)
}

// Stop ends the server, with all its connections; what was committed stays.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	s.signal(syscall.SIGINT) // "fast"
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // the group: all of its processes
	<-s.ended
}

// Restart starts a server that was stopped or killed, on the same port and data.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := s.run(); err != nil {
		tb.Fatal(err)
	}
}

// Bytes is every byte of the server's files, after all of them were written.
func (s *Server) Bytes(tb testing.TB) (all []byte) {
	tb.Helper()
	if err := s.tell("CHECKPOINT"); err != nil {
		tb.Fatal(err)
	}
	err := filepath.WalkDir(s.data(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil // it works on
		}
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://clirgate@%s:%d/%s?sslmode=disable", host, s.port, database)
}

// start answers the server also with an error, when there is something to remove.
func start(args ...string) (*Server, error) {
	s, err := place()
	if err != nil {
		return s, err
	}
	s.args = args
	initdb := s.command("initdb", "-D", s.data(), "-U", "clirgate", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return s, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.run()
}

// place makes a folder and finds a port for a server.
func place() (*Server, error) {
	cred, err := credential()
	if err != nil {
		return nil, err
	}
	s := &Server{cred: cred}
	if s.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, err
	}
	if cred != nil {
		if err := os.Chown(s.dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return s, err
		}
	}
	s.port, err = freePort()
	return s, err
}

// credential is the user "postgres" when this is root, as which PostgreSQL refuses
// to run.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", host+":0")
	if err != nil {
		return 0, err
	}
	port := ln.Addr().(*net.TCPAddr).Port
	return port, ln.Close()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(Bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	// A server must not outlive the test, however that ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	return cmd
}

func (s *Server) run() error {
	var log bytes.Buffer
	cmd := s.command("postgres", append([]string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=" + host,
		"-c", "unix_socket_directories=" + s.dir, "-c", "fsync=off", "-c", "shared_buffers=64MB", "-c", "max_connections=100"}, s.args...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	s.cmd, s.ended = cmd, ended
	for end := time.Now().Add(startTime); ; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			err = conn.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("it ended: %s", log.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			s.signal(syscall.SIGQUIT)
			return fmt.Errorf("it does not answer: %w: %s", err, log.String())
		}
	}
}

func (s *Server) signal(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig) // fails only when it has ended
	<-s.ended
}

func (s *Server) remove() {
	if s.cmd != nil {
		s.signal(syscall.SIGQUIT)
	}
	_ = os.RemoveAll(s.dir) // a temporary folder
}
