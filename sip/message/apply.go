package message

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
)

// Errors of Edits.Apply.
var (
	ErrOverlap  = errors.New("message: edits overlap")
	ErrOutside  = errors.New("message: edit outside headers and body, or across both")
	ErrTooLarge = errors.New("message: edited message above MaxSize")
)

const lengthName = "Content-Length: "

// Apply appends the edited message to dst. Content-Length is corrected when the
// body's length changed, and added when it is missing and a body is there or the
// message is for a stream; without any edit, and not for a stream, every byte is as
// received. Errors: overlapping edits, an edit outside, result above MaxSize; dst is
// then returned as it was.
func (e *Edits) Apply(dst []byte) ([]byte, error) {
	if len(e.list) == 0 && !e.stream {
		return append(dst, e.m.buf...), nil
	}
	if err := e.resolve(); err != nil {
		return dst, err
	}
	e.fitLength()
	before := len(dst)
	dst = e.write(dst)
	if len(dst)-before > MaxSize {
		return dst[:before], ErrTooLarge
	}
	return dst, nil
}

func (e *Edits) write(dst []byte) []byte {
	at := uint16(0)
	for i := range e.plan {
		d := &e.plan[i]
		dst = append(dst, e.m.buf[at:d.at.Off]...)
		dst = append(dst, e.text(d)...)
		at = max(at, d.at.End)
	}
	return append(dst, e.m.buf[at:]...)
}

// fromLength as an edit's seq says that its text is in e.length.
const fromLength = -1

func (e *Edits) text(d *edit) []byte {
	if d.seq == fromLength {
		return e.length[d.from:d.to]
	}
	return e.arena[d.from:d.to]
}

// resolve sorts the edits into plan, leaving out those inside others.
func (e *Edits) resolve() error {
	e.plan = append(e.plan[:0], e.list...)
	slices.SortFunc(e.plan, compareEdits)
	kept := e.plan[:0]
	at := uint16(0) // end of the last span kept
	for _, d := range e.plan {
		if !e.within(d.at) {
			return ErrOutside
		}
		switch {
		case d.at.Off >= at:
			kept = append(kept, d)
			at = d.at.End
		case d.at.End > at:
			return ErrOverlap
		}
	}
	e.plan = kept
	return nil
}

// compareEdits: by offset; insertions before a span that begins there; the longer
// span, then removal, then the later call first, so that the rest lies inside it.
func compareEdits(a, b edit) int {
	if c := cmp.Compare(a.at.Off, b.at.Off); c != 0 {
		return c
	}
	if c := cmp.Compare(a.rank, b.rank); c != 0 {
		return c
	}
	switch a.rank {
	case rankTop:
		return cmp.Compare(b.seq, a.seq)
	case rankReplace:
		if c := cmp.Compare(b.at.End, a.at.End); c != 0 {
			return c
		}
		if a.remove != b.remove {
			if a.remove {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.seq, a.seq)
	}
	return cmp.Compare(a.seq, b.seq)
}

// fitLength puts into plan what Content-Length needs.
func (e *Edits) fitLength() {
	length := e.bodyLength()
	have := e.liveLength()
	switch {
	case have && length != e.m.body.Len():
		e.setLength(length)
	case !have && (length > 0 || e.stream):
		e.addLength(length)
	}
}

// within tells whether s lies in the headers or in the body; the empty line between
// them is nobody's to change.
func (e *Edits) within(s Span) bool {
	if s.Off > s.End || int(s.End) > len(e.m.buf) {
		return false
	}
	return s.End <= e.m.bottom || s.Off >= e.m.body.Off
}

// bodyLength is the length of the body after the edits.
func (e *Edits) bodyLength() int {
	n := e.m.body.Len()
	for i := range e.plan {
		if d := &e.plan[i]; d.at.Off >= e.m.body.Off {
			n += int(d.to-d.from) - d.at.Len()
		}
	}
	return n
}

// liveLength tells whether a Content-Length line stays.
func (e *Edits) liveLength() bool {
	for h := range e.m.All(HContentLength) {
		if e.stays(h.Value) {
			return true
		}
	}
	return false
}

// stays tells whether no edit reaches over value's bounds.
func (e *Edits) stays(value Span) bool {
	for i := range e.plan {
		at := e.plan[i].at
		if at.Off < value.End && at.End > value.Off && !value.Contains(at) {
			return false
		}
	}
	return true
}

// setLength writes n into every Content-Length line that stays, whatever the caller
// wanted in there.
func (e *Edits) setLength(n int) {
	text := e.lengthText(n)
	for h := range e.m.All(HContentLength) {
		if !e.stays(h.Value) {
			continue
		}
		kept := e.plan[:0]
		for _, d := range e.plan {
			if !h.Value.Contains(d.at) {
				kept = append(kept, d)
			}
		}
		e.plan = kept
		e.insertPlan(edit{at: h.Value, rank: rankReplace, from: uint32(len(lengthName)), to: text - 2})
	}
}

// addLength adds a Content-Length line below all others.
func (e *Edits) addLength(n int) {
	at := Span{e.m.bottom, e.m.bottom}
	e.insertPlan(edit{at: at, rank: rankBottom, to: e.lengthText(n)})
}

// insertPlan puts an edit whose text is in e.length into plan, behind those that
// sort alike.
func (e *Edits) insertPlan(d edit) {
	d.seq = fromLength
	i := 0
	for i < len(e.plan) && (e.plan[i].at.Off < d.at.Off || e.plan[i].at.Off == d.at.Off && e.plan[i].rank <= d.rank) {
		i++
	}
	e.plan = slices.Insert(e.plan, i, d)
}

// lengthText writes the whole line into e.length and returns where it ends.
func (e *Edits) lengthText(n int) uint32 {
	b := append(e.length[:0], lengthName...)
	b = strconv.AppendUint(b, uint64(n), 10)
	return uint32(len(append(b, "\r\n"...)))
}
