package casework

import (
	"errors"
	"strings"
)

var (
	// ErrNotFound: there is no such case, order or document, or its time is over.
	ErrNotFound = errors.New("casework: not found")
	// ErrStale: somebody else changed it meanwhile; read it again.
	ErrStale = errors.New("casework: changed by somebody else meanwhile")
	// ErrUnavailable: store, records, addresses or audit do not answer; wraps the cause.
	// Nothing was shown and nothing changed.
	ErrUnavailable = errors.New("casework: not available now")
	// ErrUnknownParty: the address book knows nobody with that number.
	ErrUnknownParty = errors.New("casework: nobody known with this number")
)

// Incomplete names what a claim or an order lacks (HTTP 422).
type Incomplete struct{ Items []Item }

// Item is one part that is missing or wrong.
type Item struct {
	Field string `json:"field"`
	What  string `json:"what"`
}

func (e *Incomplete) Error() string {
	all := make([]string, len(e.Items))
	for i, item := range e.Items {
		all[i] = item.Field + ": " + item.What
	}
	return "casework: incomplete: " + strings.Join(all, "; ")
}

func (e *Incomplete) add(field, what string) { e.Items = append(e.Items, Item{field, what}) }

func (e *Incomplete) orNil() error {
	if len(e.Items) == 0 {
		return nil
	}
	return e
}

// require adds every field whose text is empty.
func (e *Incomplete) require(fields ...[3]string) {
	for _, f := range fields {
		if strings.TrimSpace(f[1]) == "" {
			e.add(f[0], f[2])
		}
	}
}

// Conflict: the procedure does not allow that now (HTTP 409).
type Conflict struct{ Reason string }

func (e *Conflict) Error() string { return "casework: " + e.Reason }

// Forbidden: not by this person (HTTP 403).
type Forbidden struct{ Reason string }

func (e *Forbidden) Error() string { return "casework: " + e.Reason }
