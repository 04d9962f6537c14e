// Package caseaudit puts events of casework into the hash-chained audit log. The numbers
// of those whose data were seen are sealed in it, under a key of the day: the log outlives
// what it tells of, and a copy of it must not be a list of numbers. The keys are destroyed
// when the breach question is no longer answered (casework.SeenSince); the entries stay as
// they are, and with them the chain.
package caseaudit

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"clirgate/audit"
	"clirgate/casework"
	"clirgate/numbering"
	"clirgate/trace/keyring"
)

// Log is the audit log as casework sees it.
type Log struct {
	Now func() time.Time // nil: time.Now

	log  audit.Log
	ring *keyring.Ring
}

var (
	_ casework.Auditor  = (*Log)(nil)
	_ casework.AuditLog = (*Log)(nil)
)

// New makes one. Log and ring stay the caller's to close.
func New(l audit.Log, ring *keyring.Ring) *Log { return &Log{log: l, ring: ring} }

func (l *Log) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

const (
	prefix = "case."
	// perEntry bounds the subjects in one entry: more take several.
	perEntry = 200
)

// Audit appends an event.
func (l *Log) Audit(ctx context.Context, e casework.Event) error {
	entries, err := l.Entries(ctx, e)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, err := l.log.Append(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// Entries is an event as the log tells it: one entry, or several when it has many subjects.
func (l *Log) Entries(ctx context.Context, e casework.Event) (list []audit.Entry, err error) {
	entry := audit.Entry{Time: e.At, Actor: e.Actor, Role: e.Role, Purpose: e.Purpose, Case: e.Case, Object: e.Object, Outcome: audit.Done}
	action, refused := strings.CutPrefix(e.Action, "refused: ")
	if refused {
		entry.Outcome = audit.Refused
	}
	entry.Action = prefix + strings.ReplaceAll(action, " ", "-")
	for left := e.Subjects; ; {
		n := min(len(left), perEntry)
		if entry.Detail, err = l.detail(ctx, e, left[:n]); err != nil {
			return nil, err
		}
		list = append(list, entry)
		if left = left[n:]; len(left) == 0 {
			return list, nil
		}
	}
}

// detail is "count=3 subjects=" and the numbers, eight bytes each, sealed, in base64.
func (l *Log) detail(ctx context.Context, e casework.Event, subjects []numbering.Number) (string, error) {
	text := fmt.Sprintf("count=%d", e.Count)
	if len(subjects) == 0 {
		return text, nil
	}
	k, err := l.ring.Lasting(ctx, dayKey(e.At))
	if err != nil {
		return "", err
	}
	var plain []byte
	for _, n := range subjects {
		plain = binary.BigEndian.AppendUint64(plain, uint64(n))
	}
	aead := keyring.NewAEAD(k.Secret)
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return text + " subjects=" + base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(e.Case))), nil
}

var errSubjects = errors.New("caseaudit: subjects of an entry cannot be opened")

// subjects are those of an entry; none when its time is over, its key destroyed or not.
func (l *Log) subjects(e *audit.Entry, since time.Time) (list []numbering.Number, err error) {
	_, text, ok := strings.Cut(e.Detail, "subjects=")
	if !ok || e.Time.Before(since) {
		return nil, nil
	}
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: entry %d", errSubjects, e.Seq)
	}
	for _, k := range append(l.ring.Get(dayKey(e.Time)), l.ring.Get(yearKey(e.Time))...) {
		aead := keyring.NewAEAD(k.Secret)
		n := aead.NonceSize()
		if len(sealed) < n {
			break
		}
		plain, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(e.Case))
		if err != nil {
			continue
		}
		for ; len(plain) >= 8; plain = plain[8:] {
			list = append(list, numbering.Number(binary.BigEndian.Uint64(plain)))
		}
		return list, nil
	}
	return nil, fmt.Errorf("%w: entry %d", errSubjects, e.Seq)
}

// Events yields the events of casework in [from, to), those of one actor or of all.
func (l *Log) Events(ctx context.Context, actor string, from, to time.Time, yield func(casework.Event) bool) error {
	q, since := audit.Query{Actor: actor, From: from, To: to}, casework.SeenSince(l.now())
	for {
		page, err := l.log.Read(ctx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			e := &page[i]
			q.After = e.Seq
			if !strings.HasPrefix(e.Action, prefix) {
				continue
			}
			subjects, err := l.subjects(e, since)
			if err != nil {
				return err
			}
			event := casework.Event{
				At: e.Time, Actor: e.Actor, Role: e.Role, Action: strings.TrimPrefix(e.Action, prefix), Purpose: e.Purpose, Case: e.Case, Subjects: subjects,
			}
			if _, err := fmt.Sscanf(e.Detail, "count=%d", &event.Count); err != nil {
				event.Count = 0
			}
			if !yield(event) {
				return nil
			}
		}
	}
}
