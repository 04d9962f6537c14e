package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"clirgate/audit"
	"clirgate/cmd/clirgate/config"
	"clirgate/store/pebble"
	"clirgate/trace"
	"clirgate/trace/keyring"
)

// WriteRecords writes records begun in [from, to) as JSON lines, identities in clear.
func WriteRecords(w io.Writer, v *trace.Vault, from, to time.Time) error {
	return writeLines(w, (*trace.Record).AppendPlain, func(yield func(*trace.Record) bool) error { return v.Scan(from, to, yield) })
}

// WriteClosed writes them without identities; it needs no key.
func WriteClosed(w io.Writer, v *trace.Vault, from, to time.Time) error {
	return writeLines(w, (*trace.Record).AppendPublic, func(yield func(*trace.Record) bool) error { return v.ScanClosed(from, to, yield) })
}

func writeLines(w io.Writer, form func(*trace.Record, []byte) []byte, scan func(func(*trace.Record) bool) error) error {
	var line []byte
	var failed error
	err := scan(func(r *trace.Record) bool {
		line = append(form(r, line[:0]), '\n')
		_, failed = w.Write(line)
		return failed == nil
	})
	return errors.Join(err, failed)
}

// PrintCalls writes one line for every call begun in [from, to): when, how it was
// treated and why, without anybody's identity.
func PrintCalls(w io.Writer, v *trace.Vault, from, to time.Time) error {
	var failed error
	err := v.ScanClosed(from, to, func(r *trace.Record) bool {
		_, failed = fmt.Fprintf(w, "%s %s %s from %s to %s: class %s by rule %s, record %s\n",
			r.Start.Format(time.TimeOnly), r.Method, r.CalledClass, r.Ingress, r.Egress, r.Class, r.Rule, r.ID)
		return failed == nil
	})
	return errors.Join(err, failed)
}

// CopyRecords writes the records kept in a data directory without identities, asking the
// gateway when one runs there and opening the store otherwise.
func CopyRecords(w io.Writer, data string, from, to time.Time) error {
	err := askGateway(w, data, question("records", from, to))
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	s, err := pebble.Open(filepath.Join(data, RecordsFolder), pebble.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(WriteClosed(w, trace.NewVault(s, nil, nil), from, to), s.Close())
}

// Opening is a look at identities outside of a case: who looks, and why.
type Opening struct{ Actor, Reason string }

// CopyOpened writes records with identities, after the look is noted in the audit log.
// It needs the master key.
func CopyOpened(ctx context.Context, w io.Writer, cfg *config.Config, from, to time.Time, by Opening) error {
	err := askGateway(w, cfg.Data, question("open", from, to)+" "+by.Actor+" "+by.Reason)
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	v, err := OpenVault(ctx, cfg)
	if err != nil {
		return err
	}
	if err := noteOffline(ctx, cfg, opened(from, to, by)); err != nil {
		return errors.Join(err, v.Close())
	}
	return errors.Join(WriteRecords(w, v, from, to), v.Close())
}

// OpenVault opens the records of a data directory to read, while no gateway runs on it.
func OpenVault(ctx context.Context, cfg *config.Config) (*trace.Vault, error) {
	ring, err := keyring.Open(ctx, keyring.ReadFile(filepath.Join(cfg.Data, RingFile)), master(cfg.Trace))
	if err != nil {
		return nil, err
	}
	s, err := pebble.Open(filepath.Join(cfg.Data, RecordsFolder), pebble.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return trace.NewVault(s, trace.NewKeys(ring), nil), nil
}

func question(what string, from, to time.Time) string {
	return what + " " + from.UTC().Format(time.RFC3339Nano) + " " + to.UTC().Format(time.RFC3339Nano)
}

// auditTime bounds the wait for the audit log.
const auditTime = 10 * time.Second

// opened is the audit entry of a look at identities outside of a case.
func opened(from, to time.Time, by Opening) audit.Entry {
	return audit.Entry{
		Actor: by.Actor, Role: "host", Action: "records.open", Purpose: by.Reason, Outcome: audit.Done,
		Object: "records:" + from.UTC().Format(time.RFC3339) + "/" + to.UTC().Format(time.RFC3339),
	}
}

// note writes an entry to the audit log.
func note(log audit.Log, e audit.Entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), auditTime)
	defer cancel()
	_, err := log.Append(ctx, e)
	return err
}

func noteOffline(ctx context.Context, cfg *config.Config, e audit.Entry) error {
	s, err := OpenStore(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(note(s.Audit(), e), s.Close())
}
