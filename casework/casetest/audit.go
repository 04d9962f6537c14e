package casetest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"clirgate/audit"
	"clirgate/audit/audittest"
	"clirgate/casework"
)

// Audit keeps events in memory. Its zero value is ready; a Store whose Log is its Log
// writes changes into it.
type Audit struct {
	Log audittest.Log

	mu   sync.Mutex
	told []casework.Event // by the Detail of their entry
}

var (
	_ casework.Auditor  = (*Audit)(nil)
	_ casework.AuditLog = (*Audit)(nil)
)

// Fail makes writing into the log answer err from now on; nil: work again.
func (a *Audit) Fail(err error) { a.Log.Fail(err) }

// Entries is an entry that stands for the event.
func (a *Audit) Entries(_ context.Context, e casework.Event) ([]audit.Entry, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, e)
	return []audit.Entry{{Time: e.At, Actor: e.Actor, Role: e.Role, Action: e.Action, Case: e.Case, Detail: strconv.Itoa(len(a.told) - 1)}}, nil
}

// Audit keeps an event.
func (a *Audit) Audit(ctx context.Context, e casework.Event) error {
	entries, _ := a.Entries(ctx, e) // never fails
	return a.Log.AppendAll(entries)
}

// Events yields what is in the log.
func (a *Audit) Events(ctx context.Context, actor string, from, to time.Time, yield func(casework.Event) bool) error {
	entries, _ := a.Log.Read(ctx, audit.Query{Actor: actor, From: from, To: to}) // never fails
	a.mu.Lock()
	var events []casework.Event
	for _, e := range entries {
		if i, err := strconv.Atoi(e.Detail); err == nil {
			events = append(events, a.told[i])
		}
	}
	a.mu.Unlock()
	for _, e := range events {
		if !yield(e) {
			break
		}
	}
	return nil
}

// Actions lists what was done, in order.
func (a *Audit) Actions() (list []string) {
	entries, _ := a.Log.Read(context.Background(), audit.Query{}) // never fails
	for _, e := range entries {
		list = append(list, e.Action)
	}
	return list
}
