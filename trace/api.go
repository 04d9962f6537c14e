// Package trace is what is remembered of calls: the record (a closed list of fields,
// STANDARDS 5.1), written durably before a call rings. It knows neither SIP nor SQL.
package trace

import (
	"errors"
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// ID is a ULID: time-ordered, unique.
type ID [16]byte

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
	DivertedFrom numbering.Number
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
	Bases        Basis
	Expires      time.Time
}

// Waiter is told, from the commit goroutine, that its record is durable (nil), or that
// it is not and the call goes on all the same (ErrLate, ErrStore...).
type Waiter interface{ Recorded(err error) }

var (
	// ErrLate: the store did not answer within the budget.
	ErrLate = errors.New("trace: record not durable within its budget")
	// ErrClosed: the recorder is closed.
	ErrClosed = errors.New("trace: recorder closed")
)

// Options of a Recorder; zero values mean the defaults in brackets.
type Options struct {
	Window    time.Duration          // longest wait for company in a commit [2 ms]
	Budget    time.Duration          // a call waits no longer than this for its record [250 ms]
	Retention int                    // months, 1 to 12 [12]
	After     func()                 // called after the callbacks of a batch (the transport's Flush)
	Failed    func(n int, err error) // calls that went on without a record: count, alarm
}

// Store keeps encoded records durably.
type Store interface {
	// Append makes a batch durable, all or nothing, before it returns.
	Append(batch []Entry) error
	// Scan yields records in order of time.
	Scan(from, to time.Time, yield func(*Record) bool) error
	Close() error
}

// Entry is one encoded record or one update of a record.
type Entry struct {
	ID    ID
	Value []byte
}

// Recorder commits records in groups: the next batch begins when the last is down,
// after a window that adapts to the rate. One goroutine writes; Begin never blocks.
type Recorder struct{ todo Options }

func NewRecorder(s Store, o Options) *Recorder { panic("todo") }

// NewID makes the ID of a call that begins now.
func (r *Recorder) NewID(now time.Time) ID { panic("todo") }

// Begin writes rec (copied before it returns) and then calls w.Recorded once.
func (r *Recorder) Begin(rec *Record, w Waiter) { panic("todo") }

// Finish notes answer, end or final status of a call; nobody waits for it. Zero fields
// of rec are left as they were.
func (r *Recorder) Finish(rec *Record) { panic("todo") }

// Close commits what waits and stops.
func (r *Recorder) Close() error { panic("todo") }
