// Package casetest has what tests of casework need: a store, an audit log and an
// address book in memory.
package casetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"clirgate/audit"
	"clirgate/audit/audittest"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/numbering"
	"clirgate/rules"
)

// Store keeps cases in memory. Its zero value is ready.
type Store struct {
	Log *audittest.Log // takes what tells of changes; nil: it goes nowhere

	mu    sync.Mutex
	rules map[numbering.Number]rules.Versioned
	list  map[[16]byte]casework.Shielded
	rows  map[string]casework.Row
	docs  map[string][]casework.Document
	fail  error
}

var _ casework.Store = (*Store)(nil)

// Fail makes every method answer err from now on; nil: work again.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// Save keeps a change.
func (s *Store) Save(_ context.Context, c casework.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := c.Row
	if s.fail != nil {
		return s.fail
	}
	if s.rows[row.ID].Revision != row.Revision-1 {
		return casework.ErrStale
	}
	if row.Revision > 1 {
		row.Sole = row.Sole && s.rows[row.ID].Sole
	} else if row.Sole && s.hasSole(row.Subject) {
		return casework.ErrStale
	}
	for i, d := range c.Documents {
		if slices.ContainsFunc(slices.Concat(s.docs[d.Owner], c.Documents[:i]), func(old casework.Document) bool { return old.N == d.N }) {
			return fmt.Errorf("%w: document %d is there already", casework.ErrUnavailable, d.N)
		}
	}
	rule, told, err := s.also(c.Also)
	if err != nil {
		return err
	}
	if err := s.tell(append(told, c.Audit...)); err != nil {
		return err
	}
	if s.rows == nil {
		s.rows, s.docs = make(map[string]casework.Row), make(map[string][]casework.Document)
		s.rules, s.list = make(map[numbering.Number]rules.Versioned), make(map[[16]byte]casework.Shielded)
	}
	if rule.Revision != 0 {
		s.rules[rule.Number] = rule
	}
	for _, r := range c.Also.Shielded {
		s.list[r.Number] = r
	}
	s.rows[row.ID] = row
	s.docs[row.ID] = append(s.docs[row.ID], c.Documents...)
	return nil
}

// also is the rule as a correction makes it (revision 0: as it is), and what tells of it.
func (s *Store) also(a casework.Also) (rule rules.Versioned, told []audit.Entry, err error) {
	if a.Rule == nil {
		return rule, nil, nil
	}
	old, there := s.rules[a.Rule.Subscriber.Number]
	if err := a.Rule.Match.Check(there, old.Revision); err != nil {
		return rule, nil, err
	}
	rule = rules.Versioned{Subscriber: a.Rule.Subscriber, Revision: old.Revision + 1}
	c := rules.Change{Revision: rule.Revision, By: a.Rule.By, Rows: 1, Number: rule.Number, After: &rule.Subscriber}
	return rule, []audit.Entry{c.Entry(nil)}, nil
}

// Rule answers what a correction made of a subscriber's rule.
func (s *Store) Rule(_ context.Context, n numbering.Number) (rules.Subscriber, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.rules[n]
	if !ok {
		return rules.Subscriber{}, 0, rules.ErrNotFound
	}
	return v.Subscriber, v.Revision, nil
}

// Shielded answers what a correction made of a number's row of the shielding list.
func (s *Store) Shielded(_ context.Context, number [16]byte) (r bills.Row, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.list[number]
	return bills.Row{Number: row.Number, From: bills.Date(row.From), Until: bills.Date(row.Until)}, ok, nil
}

func (s *Store) tell(entries []audit.Entry) error {
	if s.Log == nil {
		return nil
	}
	if err := s.Log.AppendAll(entries); err != nil {
		return fmt.Errorf("%w: %w", casework.ErrUnavailable, err)
	}
	return nil
}

func (s *Store) hasSole(subject [16]byte) bool {
	for _, r := range s.rows {
		if r.Sole && r.Subject == subject {
			return true
		}
	}
	return false
}

// Get answers one row.
func (s *Store) Get(_ context.Context, kind casework.Kind, id string) (casework.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[id]
	switch {
	case s.fail != nil:
		return row, s.fail
	case !ok || row.Kind != kind:
		return casework.Row{}, casework.ErrNotFound
	}
	return row, nil
}

// List yields rows, newest first.
func (s *Store) List(_ context.Context, f casework.Filter, each func(casework.Row) bool) error {
	s.mu.Lock()
	var list []casework.Row
	for _, r := range s.rows {
		if (f.Kind == "" || r.Kind == f.Kind) && (f.State == "" || r.State == f.State) && (f.Subject == nil || r.Subject == *f.Subject) {
			list = append(list, r)
		}
	}
	err := s.fail
	s.mu.Unlock()
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b casework.Row) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	for _, r := range list {
		if !each(r) {
			break
		}
	}
	return nil
}

// Document answers one document.
func (s *Store) Document(_ context.Context, owner string, n int) (casework.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.docs[owner] {
		if d.N == n {
			return d, s.fail
		}
	}
	return casework.Document{}, casework.ErrNotFound
}

// Documents lists documents.
func (s *Store) Documents(_ context.Context, owner string) (list []casework.Document, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.docs[owner] {
		d.Sealed = nil
		list = append(list, d)
	}
	return list, s.fail
}

// Expired lists rows whose time is over.
func (s *Store) Expired(_ context.Context, now time.Time) (ids []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.rows {
		if !r.Expires.IsZero() && !r.Expires.After(now) {
			ids = append(ids, id)
		}
	}
	return ids, s.fail
}

// Delete deletes rows and documents.
func (s *Store) Delete(_ context.Context, ids []string, tell []audit.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if err := s.tell(tell); err != nil {
		return err
	}
	for _, id := range ids {
		delete(s.rows, id)
		delete(s.docs, id)
	}
	return nil
}

// Book is an address book.
type Book map[numbering.Number]casework.Party

// Lookup answers who has a number.
func (b Book) Lookup(_ context.Context, n numbering.Number) (casework.Party, error) {
	p, ok := b[n]
	if !ok {
		return p, casework.ErrUnknownParty
	}
	return p, nil
}
