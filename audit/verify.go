package audit

import (
	"fmt"
	"strings"
)

// FaultKind is what happened to an entry.
type FaultKind uint8

const (
	FaultUnknown FaultKind = iota
	// Changed: the entry does not give its hash.
	Changed
	// Replaced: the entry gives its hash, but the one behind it, or the head,
	// was chained to another.
	Replaced
	// Removed: the entry is not there.
	Removed
	// Moved: the entry stands behind one that follows it.
	Moved
	// Doubled: the entry is there a second time.
	Doubled
)

func (k FaultKind) String() string {
	names := [...]string{"unknown", "was changed", "was replaced", "was removed", "was moved", "stands there twice"}
	if int(k) < len(names) {
		return names[k]
	}
	return names[0]
}

// Fault names one entry, or a run of them.
type Fault struct {
	Kind        FaultKind
	First, Last uint64 // sequence numbers
}

func (f Fault) String() string {
	if f.First == f.Last {
		return fmt.Sprintf("entry %d %s", f.First, f.Kind)
	}
	return fmt.Sprintf("entries %d to %d: each %s", f.First, f.Last, f.Kind)
}

// BrokenError is a log that is not what it was.
type BrokenError struct {
	Faults []Fault // at most maxFaults, in the order they were found
	More   int     // further ones
}

func (e *BrokenError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.String()
	}
	s := "audit log broken: " + strings.Join(texts, "; ")
	if e.More > 0 {
		s += fmt.Sprintf("; and %d more", e.More)
	}
	return s
}

// maxFaults bounds the list of faults.
const maxFaults = 100

// Verify checks entries that begin a log and answers the head they lead to. The
// error is a *BrokenError. That the last entries were cut off, or the last one
// replaced, shows only against a head kept elsewhere: see Verifier.End.
func Verify(entries []Entry) (Head, error) {
	v := NewVerifier(Head{})
	for i := range entries {
		v.Next(&entries[i])
	}
	return v.End(nil)
}

// Verifier checks a log entry by entry.
type Verifier struct {
	head    Head
	doubted bool    // the last entry was at fault: what follows may be chained to what it was
	gaps    []Fault // Removed, unless they turn up later
	faults  []Fault
	more    int
}

// NewVerifier begins behind an entry that is known; the zero Head is the beginning of
// the log.
func NewVerifier(from Head) *Verifier { return &Verifier{head: from} }

// Next takes the next entry.
func (v *Verifier) Next(e *Entry) {
	want, sum := v.head.Seq+1, e.sum()
	switch {
	case sum != e.Hash:
		v.changed(e, want)
	case e.Seq == want:
		if e.Prev != v.head.Hash && !v.doubted {
			v.fault(Fault{Replaced, max(v.head.Seq, 1), max(v.head.Seq, 1)})
		}
		v.at(e.Head(), false)
	case e.Seq > want:
		v.gaps = append(v.gaps, Fault{Removed, want, e.Seq - 1})
		v.at(e.Head(), false)
	case v.fill(e.Seq):
		v.fault(Fault{Moved, e.Seq, e.Seq})
	default:
		v.fault(Fault{Doubled, e.Seq, e.Seq})
	}
}

// changed takes an entry that cannot be believed. Its place tells which it is,
// if it is still chained to the one before; else its number.
func (v *Verifier) changed(e *Entry, want uint64) {
	seq := want
	if e.Prev != v.head.Hash && e.Seq > want {
		seq = e.Seq
		v.gaps = append(v.gaps, Fault{Removed, want, seq - 1})
	}
	if e.Prev != v.head.Hash && e.Seq < want && v.fill(e.Seq) {
		v.fault(Fault{Changed, e.Seq, e.Seq})
		return
	}
	v.fault(Fault{Changed, seq, seq})
	v.at(Head{seq, e.Hash}, true)
}

func (v *Verifier) at(h Head, doubted bool) { v.head, v.doubted = h, doubted }

// fill takes an entry that was missing out of its gap.
func (v *Verifier) fill(seq uint64) bool {
	for i, g := range v.gaps {
		if seq < g.First || seq > g.Last {
			continue
		}
		v.gaps = append(v.gaps[:i:i], v.gaps[i+1:]...)
		if g.First < seq {
			v.gaps = append(v.gaps, Fault{Removed, g.First, seq - 1})
		}
		if seq < g.Last {
			v.gaps = append(v.gaps, Fault{Removed, seq + 1, g.Last})
		}
		return true
	}
	return false
}

func (v *Verifier) fault(f Fault) {
	if len(v.faults) == maxFaults {
		v.more++
		return
	}
	v.faults = append(v.faults, f)
}

// End answers the head the entries led to, and what is wrong with them. claimed
// is the head that was kept elsewhere (nil: none was); entries missing at the end
// and a replaced last one show against it.
func (v *Verifier) End(claimed *Head) (Head, error) {
	if claimed != nil {
		switch {
		case claimed.Seq > v.head.Seq:
			v.gaps = append(v.gaps, Fault{Removed, v.head.Seq + 1, claimed.Seq})
		case claimed.Seq < v.head.Seq || claimed.Hash != v.head.Hash && !v.doubted:
			v.fault(Fault{Replaced, claimed.Seq, claimed.Seq})
		}
	}
	for _, g := range v.gaps {
		v.fault(g)
	}
	v.gaps = nil
	if len(v.faults) > 0 {
		return v.head, &BrokenError{Faults: v.faults, More: v.more}
	}
	return v.head, nil
}
