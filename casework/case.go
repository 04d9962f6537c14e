package casework

import (
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// Case is one complaint from claim to closing. Its numbers print themselves redacted;
// View is how it is shown.
type Case struct {
	ID         string
	Revision   uint64
	State      State
	Created    time.Time
	Closed     time.Time
	Expires    time.Time // zero until closed: then all of it is gone
	Claim      Claim
	Incidents  []Incident
	Searched   time.Time
	Candidates []Candidate // of the last search
	Selection  *Selection
	Unmasked   []Unmasked
	Provider   []Consultation
	Warning    *Sending
	Request    *Request
	Notice     *Sending
	Documents  int // how many were made
	History    []Step

	sole bool // a new draft: the only one of its number
}

// Step is one thing that was done.
type Step struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action string    `json:"action"`
	Reason string    `json:"reason,omitempty"`
}

// Candidate is one caller whose withheld calls fall into the claim.
type Candidate struct {
	N       int
	Number  numbering.Number // zero: the identity is not known
	Trust   trace.Trust
	Ingress string // the peer it came from
	Calls   []Call
}

// Call is one call of a candidate.
type Call struct {
	Record   trace.ID
	Start    time.Time
	Answer   time.Time
	End      time.Time
	Status   int
	Incident int // which one it falls into
}

// Selection is the caller chosen, and why.
type Selection struct {
	Candidate Candidate
	Reason    string
	By        string
	At        time.Time
}

// Sending is a letter that was made and, later, posted.
type Sending struct {
	Document int
	Made     time.Time
	Sent     time.Time // zero: not yet
}

// Request asks for disclosure.
type Request struct {
	By       string
	At       time.Time
	Reason   string
	Incident int    // the one after the warning
	Calls    []Call // of the selected caller in it
	Decided  time.Time
	Approver string
	Granted  bool
	Document int // the letter to the claimant
}

// Consultation is a question to the provider of the caller, and its answer (Tw 11.11(5)).
type Consultation struct {
	N        int
	Provider string
	Question string
	Asked    time.Time
	By       string
	Answer   string
	Answered time.Time
}

func (c *Case) note(at time.Time, a Actor, what action, reason string) {
	c.History = append(c.History, Step{at, a.Name, string(what), reason})
}

// addIncident files an occurrence.
func (c *Case) addIncident(p Period, note string, at time.Time, by Actor) *Incident {
	c.Incidents = append(c.Incidents, Incident{N: len(c.Incidents) + 1, Period: p, Note: note, Reported: at, By: by.Name})
	return &c.Incidents[len(c.Incidents)-1]
}

// window is what a search for an incident may look at.
func (i *Incident) window(margin time.Duration) (from, to time.Time) {
	return i.Period.From.Add(-margin), i.Period.end().Add(margin)
}
