package rules

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"clirgate/audit"
)

// Entry is a change as the audit log has it. packed is the items of a batch as
// they are stored; its hash in the log proves them.
func (c *Change) Entry(packed []byte) audit.Entry {
	name, role := audit.Who(c.By.Actor)
	e := audit.Entry{Time: c.Time, Actor: name, Role: role, Action: c.Action(), Purpose: c.By.Reason, Outcome: audit.Done}
	detail := []string{fmt.Sprintf("revision %d", c.Revision)}
	if c.By.Reverts != 0 {
		detail = append(detail, fmt.Sprintf("reverts %d", c.By.Reverts))
	}
	if c.By.Job != "" {
		detail = append(detail, fmt.Sprintf("job %s up to row %d", c.By.Job, c.By.JobRow))
	}
	if c.Number != 0 {
		e.Object = audit.Subscriber(c.Number)
		detail = append(detail, differences(c.Before, c.After)...)
	} else {
		e.Object = fmt.Sprintf("subscribers:%d", c.Rows)
		detail = append(detail, fmt.Sprintf("sha256 %x", sha256.Sum256(packed)))
	}
	e.Detail = strings.Join(detail, "; ")
	return e
}

// Action is what was done, as the audit log names it.
func (c *Change) Action() string {
	switch {
	case c.By.Action != "":
		return c.By.Action
	case c.Rows != 1:
		return ActionImport
	case c.After == nil:
		return ActionDelete
	}
	return ActionPut
}

// differences lists what a change did, field by field. A note is somebody's free
// text and may name anybody: only that it changed is told.
func differences(before, after *Subscriber) []string {
	if after == nil {
		return []string{"removed"}
	}
	var none Subscriber
	was, is := before, after
	if was == nil {
		was = &none
	}
	b, a := was.Document(), is.Document()
	var list []string
	add := func(field string, from, to any) {
		if from != to {
			list = append(list, fmt.Sprintf("%s %v -> %v", field, from, to))
		}
	}
	if before == nil {
		list = append(list, "new")
	}
	add("clir", b.CLIR, a.CLIR)
	add("clip", b.CLIP, a.CLIP)
	add("acr", b.ACR, a.ACR)
	add("tir", b.TIR, a.TIR)
	add("override", b.Override, a.Override)
	add("shield_on_bills", b.ShieldOnBills, a.ShieldOnBills)
	add("mcid", b.MCID, a.MCID)
	add("until", end(was), end(is))
	if b.Note != a.Note {
		list = append(list, "note changed")
	}
	return list
}

func end(s *Subscriber) string {
	if s.Until.IsZero() {
		return "never"
	}
	return s.Until.UTC().Format("2006-01-02T15:04:05Z")
}
