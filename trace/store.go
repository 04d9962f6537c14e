package trace

import "time"

// Store keeps encoded records durably.
type Store interface {
	// Append makes a batch durable, all or nothing, before it returns. The entries and
	// their bytes belong to the caller again when it returns. An entry with the ID and
	// Kind of an earlier one replaces it, so appending a batch twice does no harm.
	Append(batch []Entry) error
	// Scan yields records begun in [from, to), in order of time, their updates merged
	// in. yield answers false to stop. The record given belongs to yield. Records that
	// cannot be read are passed over; the error tells of them at the end.
	Scan(from, to time.Time, yield func(*Record) bool) error
	Close() error
}

// Entry is one encoded record or one update of a record.
type Entry struct {
	ID    ID
	Value []byte
}

// Kind tells the entries of one ID apart and orders them: 0 is the record itself,
// others are updates. Stores make it part of the key, after the ID.
func (e Entry) Kind() byte {
	if len(e.Value) < headerLen {
		return 0
	}
	return e.Value[1]
}

// Told is when what an update tells of happened, the last of it: of two of one kind it
// says which came later, whoever found them in which order. Zero for a record.
func (e Entry) Told() (at time.Time) {
	var r Record
	if kind, err := Decode(e.Value, &r); err != nil || kind == kindRecord {
		return at
	}
	for _, t := range [...]time.Time{r.Answer, r.End, r.Marked} {
		at = later(at, t)
	}
	return at
}
