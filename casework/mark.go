package casework

import (
	"context"
	"errors"
	"slices"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// Mark is a withheld call that the called party marked as malicious (TS 24.616).
type Mark struct {
	Record trace.ID // zero: the call is not frozen
	Called numbering.Number
	At     time.Time // of the call
	How    string    // code, message, always, unanswered
	Marked time.Time // when it was marked, local time; zero: now
}

// maxMarks bounds the incidents of a case that marked calls join: what a claim may add must
// find room beside them.
const maxMarks = maxPeriods / 2

// Mark files a marked call with the open case on its number, or opens a draft, which a
// claim completes later, and freezes the call's record in it. Nobody learns an identity
// from it: the record shows in a search only, as one of its candidates. Filing a mark
// again does no harm. A draft that no claim completes is gone three months after its last
// mark.
func (s *Service) Mark(ctx context.Context, m Mark) (id string, err error) {
	s.marks.Lock()
	defer s.marks.Unlock()
	id, err = s.mark(ctx, m, true)
	if errors.Is(err, ErrStale) { // another node opened the draft, or somebody changed the case
		id, err = s.mark(ctx, m, false)
	}
	return id, err
}

// mark does it once. A draft that it opens is the sole one, unless what is there already
// could not be joined (its time is over, and it is about to be deleted).
func (s *Service) mark(ctx context.Context, m Mark, sole bool) (id string, err error) {
	by := Actor{Name: "malicious call identification"}
	c, err := s.joinable(ctx, m.Called)
	if err != nil {
		return "", err
	}
	now := s.o.Now()
	switch {
	case c == nil:
		c = &Case{ID: newID(), State: Draft, Created: now, Claim: Claim{Number: m.Called}, sole: sole}
	case c.marked(m.Record):
		return c.ID, nil
	}
	if m.Marked.IsZero() {
		m.Marked = now
	}
	i := c.addIncident(Period{From: m.At}, "", m.Marked, by)
	i.Mark, i.Record = m.How, m.Record
	if m.Record != (trace.ID{}) {
		d := &draft{Case: c, ctx: ctx, s: s, by: by, now: now}
		r, err := d.record(Call{Record: m.Record})
		if err != nil {
			return "", err
		}
		i.Frozen = trace.AppendRecord(nil, r)
	}
	if c.State == Draft {
		c.Expires = goneAt(now)
	}
	c.note(now, by, actIncident, m.How)
	if _, err := s.save(ctx, c, caseEvent(by, "mark", c, []numbering.Number{m.Called})); err != nil {
		return "", err
	}
	return c.ID, nil
}

// takesMarks: a draft that further marked calls join. Of what was stored before it can
// only cease to be the sole one.
func (c *Case) takesMarks() bool {
	return c.State == Draft && len(c.Incidents) < maxMarks && (c.sole || c.Revision > 1)
}

// marked tells whether a call is in the case as a marked one.
func (c *Case) marked(id trace.ID) bool {
	return id != (trace.ID{}) && slices.ContainsFunc(c.Incidents, func(i Incident) bool { return i.Record == id })
}

// frozen is the record that was frozen when the call was marked; nil: none.
func (i *Incident) frozen() *trace.Record {
	r := new(trace.Record)
	if _, err := trace.Decode(i.Frozen, r); err != nil {
		return nil
	}
	return r
}
