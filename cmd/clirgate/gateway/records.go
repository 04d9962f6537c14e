package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clirgate/store/pebble"
	"clirgate/trace"
)

// While a gateway runs, its record store is locked. So it hands records out itself, on
// a socket in the data directory that only its user can open: one line asks
// ("records FROM TO", RFC 3339), one JSON object a line answers, and the last line is
// "end" or "error" and the reason.

const askTime = 5 * time.Second // to ask; the answer may take as long as it takes

func (g *Gateway) serveRecords() {
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
			g.work.Go(func() { g.answerRecords(conn) })
		}
	})
}

func (g *Gateway) answerRecords(conn net.Conn) {
	answered := make(chan struct{})
	defer close(answered)
	g.work.Go(func() { // whoever does not read must not keep the gateway from stopping
		select {
		case <-g.done:
		case <-answered:
		}
		_ = conn.Close()
	})
	_ = conn.SetReadDeadline(time.Now().Add(askTime))
	line, err := bufio.NewReader(io.LimitReader(conn, 256)).ReadString('\n')
	if err != nil {
		return
	}
	out := bufio.NewWriter(conn)
	defer func() { _ = out.Flush() }()
	var from, to time.Time
	fields := strings.Fields(line)
	if len(fields) != 3 || fields[0] != "records" || from.UnmarshalText([]byte(fields[1])) != nil || to.UnmarshalText([]byte(fields[2])) != nil {
		fmt.Fprintln(out, "error the question is not: records FROM TO")
		return
	}
	if err := WriteRecords(out, g.records, from, to); err != nil {
		fmt.Fprintln(out, "error", err)
		return
	}
	fmt.Fprintln(out, "end")
}

// WriteRecords writes records begun in [from, to) as JSON lines, identities in clear.
func WriteRecords(w io.Writer, s trace.Store, from, to time.Time) error {
	var line []byte
	var failed error
	err := s.Scan(from, to, func(r *trace.Record) bool {
		line = append(r.AppendPlain(line[:0]), '\n')
		_, failed = w.Write(line)
		return failed == nil
	})
	return errors.Join(err, failed)
}

// CopyRecords writes the records kept in a data directory, asking the gateway when one
// runs there and opening the store otherwise.
func CopyRecords(w io.Writer, data string, from, to time.Time) error {
	conn, err := net.Dial("unix", filepath.Join(data, RecordsSocket))
	if err == nil {
		defer conn.Close()
		return askRecords(w, conn, from, to)
	}
	s, err := pebble.Open(filepath.Join(data, RecordsFolder), pebble.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(WriteRecords(w, s, from, to), s.Close())
}

var errCutShort = errors.New("the gateway stopped before all records were written")

func askRecords(w io.Writer, conn net.Conn, from, to time.Time) error {
	if _, err := fmt.Fprintf(conn, "records %s %s\n", from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano)); err != nil {
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

// PrintCalls writes one line for every call begun in [from, to): when, how it was
// treated and why, without anybody's identity.
func PrintCalls(w io.Writer, s trace.Store, from, to time.Time) error {
	var failed error
	err := s.Scan(from, to, func(r *trace.Record) bool {
		_, failed = fmt.Fprintf(w, "%s %s %s from %s to %s: class %s by rule %s, record %s\n",
			r.Start.Format(time.TimeOnly), r.Method, r.CalledClass, r.Ingress, r.Egress, r.Class, r.Rule, r.ID)
		return failed == nil
	})
	return errors.Join(err, failed)
}
