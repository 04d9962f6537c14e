package casework

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Warn makes the letter that asks the caller to stop (promise 6). It names neither the
// claimant nor the number called nor the times (LAW-10).
func (s *Service) Warn(ctx context.Context, by Actor, id string) (*Case, error) {
	return s.change(ctx, by, id, actWarn, "", func(d *draft) error {
		caller, err := d.caller()
		if err != nil {
			return err
		}
		n, err := d.letter(LetterWarning, Letter{Recipient: caller})
		if err != nil {
			return err
		}
		d.Warning = &Sending{Document: n, Made: d.now}
		return nil
	})
}

// caller is the selected caller's name and address.
func (d *draft) caller() (Party, error) {
	n := d.Selection.Candidate.Number
	if n == 0 {
		return Party{}, &Conflict{"the caller's identity is not known here: ask the provider the calls came from"}
	}
	if d.s.addresses == nil {
		return Party{}, &Conflict{"there is no address book: the configuration names none (casework.addresses)"}
	}
	p, err := d.s.lookup(d.ctx, n)
	switch {
	case errors.Is(err, ErrUnknownParty):
		return Party{}, &Conflict{"the address book knows nobody with the caller's number"}
	case errors.Is(err, ErrUnavailable):
		return Party{}, err
	case err != nil:
		return Party{}, fmt.Errorf("%w: addresses: %w", ErrUnavailable, err)
	case p.Provider != "":
		return Party{}, &Conflict{"the caller is a subscriber of " + p.Provider + ": ask that provider"}
	}
	d.seen = append(d.seen, n)
	return p, nil
}

// WarningSent notes when the warning was posted; zero: now.
func (s *Service) WarningSent(ctx context.Context, by Actor, id string, at time.Time) (*Case, error) {
	return s.change(ctx, by, id, actWarnSent, "", func(d *draft) error { return d.Warning.post(at, d.now) })
}

// post notes when a letter went out.
func (l *Sending) post(at, now time.Time) error {
	if at.IsZero() {
		at = now
	}
	switch {
	case !l.Sent.IsZero():
		return &Conflict{"the letter is marked sent already"}
	case at.After(now):
		return &Incomplete{[]Item{{"sent", "a date in the future"}}}
	case at.Before(l.Made):
		return &Incomplete{[]Item{{"sent", "a date before the letter was made"}}}
	}
	l.Sent = at
	return nil
}
