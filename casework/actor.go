package casework

import (
	"context"
	"strings"
	"time"

	"clirgate/audit"
	"clirgate/numbering"
)

// Actor is a person, by the name its token was given, in a role.
type Actor struct{ Name, Role string }

// is compares persons as people write names.
func (a Actor) is(name string) bool {
	return strings.EqualFold(strings.TrimSpace(a.Name), strings.TrimSpace(name))
}

// Purposes that personal data are looked at for (LAW-15): no purpose, no look.
const (
	PurposeNuisance  = "nuisance investigation"
	PurposeAuthority = "authority order"
	PurposeSubject   = "right of access"
	PurposeRetention = "retention"
	PurposeBreach    = "breach report"
	PurposeBills     = "shielding on bills"
)

// Event is one look at, or change of, personal data.
type Event struct {
	At       time.Time
	Actor    string
	Role     string
	Action   string
	Purpose  string
	Case     string             // case or order; empty: none
	Object   string             // what else it was done to; empty: nothing. Never a number
	Subjects []numbering.Number // whose data were seen
	Count    int                // what was deleted, found
}

// Auditor keeps events. What cannot be audited is not shown: an error stops the action.
// Implementations keep Subjects sealed.
type Auditor interface {
	// Audit writes down a look, or what was refused: it changes nothing but the log.
	Audit(ctx context.Context, e Event) error
	// Entries is a change as the log tells it: for the store to write in the transaction
	// of the change itself.
	Entries(ctx context.Context, e Event) ([]audit.Entry, error)
}

// AuditLog answers questions of the past.
type AuditLog interface {
	// Events yields those of [from, to) in order of time; actor empty: of all.
	Events(ctx context.Context, actor string, from, to time.Time, yield func(Event) bool) error
}
