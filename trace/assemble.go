package trace

import "fmt"

// Assembler puts records together from entries in the order of ID and Kind, as a store
// finds them: the record, then its updates. Updates without a record are dropped: the
// call went on without one, and that was counted then.
type Assembler struct {
	yield  func(*Record) bool
	rec    *Record
	broken int
	first  error
}

// NewAssembler yields every record when its last update has been seen.
func NewAssembler(yield func(*Record) bool) *Assembler { return &Assembler{yield: yield} }

// Add takes the next entry; false means stop.
func (a *Assembler) Add(e Entry) bool {
	if a.rec != nil && a.rec.ID != e.ID && !a.Flush() {
		return false
	}
	if e.Kind() == kindRecord {
		rec := new(Record)
		if _, err := Decode(e.Value, rec); err != nil || rec.ID != e.ID {
			a.unreadable(err)
			return true
		}
		a.rec = rec
		return true
	}
	if a.rec == nil {
		return true
	}
	update := *a.rec
	if _, err := Decode(e.Value, &update); err != nil || update.ID != e.ID {
		a.unreadable(err)
		return true
	}
	*a.rec = update
	return true
}

// Close yields the last record and tells whether any could not be read.
func (a *Assembler) Close() error {
	a.Flush()
	if a.broken == 0 {
		return nil
	}
	return fmt.Errorf("trace: %d entries unreadable, the first: %w", a.broken, a.first)
}

// Flush yields the record in hand, all of whose updates have been added; false means stop.
func (a *Assembler) Flush() bool {
	rec := a.rec
	a.rec = nil
	return rec == nil || a.yield(rec)
}

func (a *Assembler) unreadable(err error) {
	if err == nil {
		err = fmt.Errorf("%w: filed under another ID", ErrDecode)
	}
	if a.broken == 0 {
		a.first = err
	}
	a.broken++
}
