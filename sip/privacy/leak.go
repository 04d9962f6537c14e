package privacy

import "clirgate/numbering"

// Needles is the withheld numbers of one message in every spelling the leak guard
// looks for. Small, reusable without allocation.
type Needles struct{ todo int }

// Set prepares the search for the given numbers (zero ones are skipped; own country's
// prefix from plan).
func (n *Needles) Set(plan *numbering.Plan, numbers ...numbering.Number) { panic("todo") }

// Leak is one hit: where, and in which spelling (a fixed word, fit for a metric label).
type Leak struct {
	Off, End int
	Vector   string
}

// Find searches the finished bytes of a message once, linear, without allocation:
// plain digits with any separators, %HH, hex of ASCII, base64 and base64url tokens, BCD
// nibbles. Digit boundary on both sides. Media addresses of SDP are exempt.
func (n *Needles) Find(b []byte) (Leak, bool) { panic("todo") }
