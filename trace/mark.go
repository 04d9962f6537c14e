package trace

import (
	"time"

	"clirgate/numbering"
)

// Mark says how a call came to be noted as malicious (TS 24.616 4.1).
type Mark uint8

const (
	MarkNone       Mark = iota
	MarkCode            // the called party dialled a code after it
	MarkMessage         // it asked for it during the call
	MarkAlways          // it has every withheld call marked
	MarkUnanswered      // it has those marked that nobody answers
	marks
)

var markNames = [...]string{"none", "code", "message", "always", "unanswered"}

// String names the mark as cases and records show it.
func (m Mark) String() string {
	if m >= marks {
		return "unknown"
	}
	return markNames[m]
}

// Marking is one invocation: which call, whose, when and how. At is local time.
type Marking struct {
	Record ID
	Called numbering.Number
	At     time.Time
	How    Mark
}

// appendMark appends how and when a call was marked.
func appendMark(dst []byte, r *Record) []byte {
	return appendTime(append(dst, byte(r.Mark)), r.Marked)
}

func (d *decoder) mark(r *Record) {
	r.Mark, r.Marked = Mark(d.byte()), d.time()
	d.bad = d.bad || r.Mark == MarkNone || r.Mark >= marks || r.Marked.IsZero()
}
