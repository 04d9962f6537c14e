package gateway

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clirgate/audit"
	"clirgate/cmd/clirgate/config"
	"clirgate/trace"
	"clirgate/trace/keyring"
	"clirgate/trace/tracetest"
)

// auditNotes is an audit log that only remembers.
type auditNotes struct {
	audit.Log
	entries []audit.Entry
}

func (l *auditNotes) Append(_ context.Context, e audit.Entry) (audit.Entry, error) {
	l.entries = append(l.entries, e)
	return e, nil
}

// A year of virtual time goes through the gateway's own loop: every record is found
// until it expires, gone with its key within 24 hours after, and only counted.
func TestYearOfRetention(t *testing.T) {
	for _, c := range []struct {
		method, ingress string
		begun, expires  string // by the calendar (NV5; leap days)
	}{
		{"INVITE", "phones", "2026-11-23T10:00:00Z", "2027-11-23T10:00:00Z"},
		{"INVITE", "voip", "2026-11-23T10:00:00Z", "2027-05-23T10:00:00Z"},
		{"MESSAGE", "voip", "2026-11-23T10:00:00Z", "2027-02-23T10:00:00Z"},
		{"INVITE", "phones", "2028-02-29T23:59:59Z", "2029-02-28T23:59:59Z"},
		{"INVITE", "voip", "2027-08-31T00:00:00Z", "2028-02-29T00:00:00Z"},
	} {
		t.Run(c.method+" from "+c.ingress+" "+c.begun[:10], func(t *testing.T) {
			begun, _ := time.Parse(time.RFC3339, c.begun)
			expires, err := time.Parse(time.RFC3339, c.expires)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { passRetention(t, c.method, c.ingress, begun, expires) })
		})
	}
}

func passRetention(t *testing.T, method, ingress string, begun, expires time.Time) {
	time.Sleep(time.Until(begun))
	ring, err := keyring.Open(t.Context(), new(keyring.Memory), keyring.Fixed{1})
	if err != nil {
		t.Fatal(err)
	}
	store, log := new(tracetest.Store), new(auditNotes)
	v := trace.NewVault(store, trace.NewKeys(ring), nil)
	months := retention(cfgTrace(12, 6, 3))
	recorder := trace.NewRecorder(v, trace.Options{Service: internetFrom("voip").of})
	recorder.SetRetentions(months)
	r := tracetest.Record(time.Now())
	r.Method, r.Ingress, r.Expires = method, ingress, time.Time{}
	recorder.Begin(r, nil)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	if !r.Expires.Equal(expires) {
		t.Errorf("expires %s, want %s", r.Expires, expires)
	}
	done, ended, records := make(chan struct{}), make(chan struct{}), 0
	j := janitor{
		vault: v, months: func() trace.Retention { return months }, audit: log, log: slog.New(slog.DiscardHandler),
		expired: func(_ trace.Service, n int) { records += n },
	}
	time.Sleep(17 * time.Minute) // a gateway starts when it starts
	go func() {
		defer close(ended)
		j.run(done, func() {})
	}()
	found := func() (n int) {
		t.Helper()
		q := trace.Query{Called: r.Called, From: begun, To: time.Now().Add(time.Second), Basis: trace.BasisNuisance}
		if err := v.Search(t.Context(), q, func(*trace.Record) bool { n++; return true }); err != nil {
			t.Error(err)
		}
		return n
	}
	time.Sleep(time.Until(expires.Add(-time.Minute)))
	if found() != 1 || len(ring.Names()) != 1 || records != 0 {
		t.Errorf("a minute before its expiry: found %d, %d keys, %d deleted", found(), len(ring.Names()), records)
	}
	time.Sleep(time.Minute)
	if found() != 0 {
		t.Error("found after its expiry")
	}
	time.Sleep(24 * time.Hour)
	synctest.Wait()
	if len(store.All()) != 0 || len(ring.Names()) != 0 || records != 1 {
		t.Errorf("24 hours later: %d records, %d keys, %d deleted", len(store.All()), len(ring.Names()), records)
	}
	close(done)
	<-ended
	if len(log.entries) != 1 || log.entries[0].Detail != "1 records, 1 keys" || strings.Contains(log.entries[0].Object, "201234567") {
		t.Errorf("audit: %+v", log.entries)
	}
}

func cfgTrace(telephony, internet, message int) (c config.Trace) {
	c.Retention = config.Retention{Telephony: telephony, Internet: internet, Message: message}
	return c
}

func internetFrom(name string) *services {
	s := new(services)
	s.set([]config.Peer{{Name: name, Service: "internet"}, {Name: "phones", Service: "telephony"}})
	return s
}
