package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// While a gateway runs, its records and keys are locked. So it answers for them itself,
// on a socket in the data directory that only its user can open. One line asks, lines
// answer, and the last one is "end" or "error" and the reason:
//
//	records FROM TO         records of a time (RFC 3339), without identities
//	open FROM TO WHO WHY    the same with identities: noted in the audit log
//	rotate                  a new master key
//	salvage                 takes over what can be read of damaged databases

// ErrNotRunning: no gateway runs on the data directory.
var ErrNotRunning = errors.New("no gateway runs on this data directory")

const askTime = 5 * time.Second // to ask; the answer may take as long as it takes

func (g *Gateway) serveControl() {
	path := g.path(RecordsSocket)
	_ = os.Remove(path) // left behind by a gateway that was killed
	ln, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		g.log.Warn("records cannot be read while the gateway runs", "error", err)
		if ln != nil {
			_ = ln.Close()
		}
		return
	}
	g.work.Go(func() {
		<-g.done
		_ = ln.Close()
	})
	g.work.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			g.work.Go(func() { g.answer(conn) })
		}
	})
}

func (g *Gateway) answer(conn net.Conn) {
	ctx, answered := context.WithCancel(context.Background())
	defer answered()
	g.work.Go(func() { // whoever does not read must not keep the gateway from stopping
		select {
		case <-g.done:
			answered()
		case <-ctx.Done():
		}
		_ = conn.Close()
	})
	_ = conn.SetReadDeadline(time.Now().Add(askTime))
	line, err := bufio.NewReader(io.LimitReader(conn, 1024)).ReadString('\n')
	if err != nil {
		return
	}
	out := bufio.NewWriter(conn)
	defer func() { _ = out.Flush() }()
	if err := g.obey(ctx, out, strings.Fields(line)); err != nil {
		fmt.Fprintln(out, "error", err)
		return
	}
	fmt.Fprintln(out, "end")
}

var errQuestion = errors.New("the question is not: records FROM TO, open FROM TO WHO WHY, rotate, or salvage")

// obey does what a line asks.
func (g *Gateway) obey(ctx context.Context, out io.Writer, words []string) error {
	switch {
	case len(words) == 1 && words[0] == "rotate":
		ctx, cancel := context.WithTimeout(ctx, 2*masterTime)
		defer cancel()
		return g.rotateMaster(ctx)
	case len(words) == 1 && words[0] == "salvage":
		return g.salvage(ctx, out)
	}
	var from, to time.Time
	if len(words) < 3 || from.UnmarshalText([]byte(words[1])) != nil || to.UnmarshalText([]byte(words[2])) != nil {
		return errQuestion
	}
	switch {
	case words[0] == "records" && len(words) == 3:
		return WriteClosed(out, g.vault, from, to)
	case words[0] == "open" && len(words) > 4:
		e := opened(from, to, Opening{words[3], strings.Join(words[4:], " ")})
		if err := note(g.database.Audit(), e); err != nil {
			return err
		}
		g.log.Warn("identities are opened outside of a case", "actor", e.Actor, "reason", e.Purpose)
		return WriteRecords(out, g.vault, from, to)
	}
	return errQuestion
}

// askGateway asks the gateway that runs on a data directory, and writes the lines that
// answer. ErrNotRunning when there is none.
func askGateway(w io.Writer, data, question string) error {
	conn, err := net.Dial("unix", filepath.Join(data, RecordsSocket))
	if err != nil {
		return ErrNotRunning
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, question); err != nil {
		return fmt.Errorf("cannot ask the gateway: %w", err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "end":
			return nil
		case strings.HasPrefix(line, "error "):
			return fmt.Errorf("the gateway answered: %s", strings.TrimPrefix(line, "error "))
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return errors.Join(errCutShort, lines.Err())
}

var errCutShort = errors.New("the gateway stopped before it had answered")
