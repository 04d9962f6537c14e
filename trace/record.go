// Package trace is what is remembered of calls: the record (a closed list of fields,
// STANDARDS 5.1), written durably before a call rings. It knows neither SIP nor SQL.
//
// A Recorder commits records in groups and promises three things: Begin never blocks,
// every Waiter is told exactly once, and no failing, slow or hanging store holds a call
// longer than the budget.
package trace

import (
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Trust says how the network-provided identity was come by.
type Trust uint8

const (
	TrustNone     Trust = iota // identity not known
	TrustAsserted              // P-Asserted-Identity of a trusted peer
	TrustScreened              // shown by the user, within the ranges of its access peer
	TrustDefault               // the access peer's default number
	TrustFrom                  // From of a trusted peer that asserted nothing
)

// Basis is a set of legal bases (LAW-14).
type Basis uint8

const (
	BasisTransmission Basis = 1 << iota
	BasisNuisance
	BasisEmergency
)

// Record is one call. No content, ever: no SDP, no bodies, no location.
type Record struct {
	ID           ID
	Service      Service          // which retention counts; set by Begin
	Method       string           // INVITE, MESSAGE ...: the service used
	Start        time.Time        // with local offset
	Answer, End  time.Time        // zero until known
	Calling      numbering.Number // network-provided
	Trust        Trust
	Shown        numbering.Number    // as the user showed it
	Asserted     [2]numbering.Number // P-Asserted-Identity values received
	Called       numbering.Number    // after codes
	CalledClass  string              // "number", "short", "emergency", "other"
	Withhold     bool                // a withhold code was dialled
	DivertedFrom numbering.Number    // who forwarded it last
	Chain        bool                // another had forwarded it before: neither of both was dialled
	Withheld     bool
	Class        rules.Class
	Rule         rules.Rule
	Revision     uint64
	Ingress      string // peer names
	Egress       string
	Source       netip.AddrPort
	CallIDIn     string
	CallIDOut    string
	Status       int // final status; 0: not known
	Mark         Mark
	Marked       time.Time // when it was noted as malicious, with local offset; zero: it was not
	Bases        Basis
	Expires      time.Time // zero at Begin: filled in from the retention

	closed string // the sealed form; empty: open
}
