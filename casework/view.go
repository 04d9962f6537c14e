package casework

import (
	"time"

	"clirgate/numbering"
)

// View is a case as it is shown, in JSON: the claimed number and the selected caller
// whole, every other candidate with its last four digits masked.
type View struct {
	ID         string          `json:"id"`
	Revision   uint64          `json:"revision"`
	State      State           `json:"state"`
	Created    time.Time       `json:"created"`
	Closed     *time.Time      `json:"closed,omitempty"`
	GoneAt     *time.Time      `json:"gone_at,omitempty"`
	Claimant   Party           `json:"claimant"`
	Number     string          `json:"number"`
	Nuisance   string          `json:"nuisance"`
	Via        string          `json:"via,omitempty"`
	Received   *time.Time      `json:"received,omitempty"`
	Incidents  []IncidentView  `json:"incidents"`
	Searched   *time.Time      `json:"searched,omitempty"`
	Candidates []CandidateView `json:"candidates"`
	Selected   *SelectionView  `json:"selected,omitempty"`
	Provider   []ConsultView   `json:"provider,omitempty"`
	Warning    *SendingView    `json:"warning,omitempty"`
	Request    *RequestView    `json:"disclosure,omitempty"`
	Notice     *SendingView    `json:"notice,omitempty"`
	Documents  int             `json:"documents"`
	History    []Step          `json:"history"`
}

// IncidentView is an incident as it is shown.
type IncidentView struct {
	N        int       `json:"n"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Note     string    `json:"note,omitempty"`
	Reported time.Time `json:"reported"`
	Mark     string    `json:"mark,omitempty"`
}

// CandidateView is a candidate as it is shown.
type CandidateView struct {
	N        int        `json:"n"`
	Number   string     `json:"number"` // masked; empty: not known
	Identity string     `json:"identity"`
	Peer     string     `json:"peer"`
	Calls    []CallView `json:"calls"`
}

// CallView is a call as it is shown.
type CallView struct {
	Record   string     `json:"record"`
	Start    time.Time  `json:"start"`
	Answer   *time.Time `json:"answer,omitempty"`
	End      *time.Time `json:"end,omitempty"`
	Incident int        `json:"incident"`
}

// SelectionView is the selected caller, whole.
type SelectionView struct {
	CandidateView
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// ConsultView is a question to another provider.
type ConsultView struct {
	N        int        `json:"n"`
	Provider string     `json:"provider"`
	Question string     `json:"question"`
	Asked    time.Time  `json:"asked"`
	Answer   string     `json:"answer,omitempty"`
	Answered *time.Time `json:"answered,omitempty"`
}

// SendingView is a letter that is made and posted.
type SendingView struct {
	Document int        `json:"document"`
	Made     time.Time  `json:"made"`
	Sent     *time.Time `json:"sent,omitempty"`
}

// RequestView is a request for disclosure and its decision.
type RequestView struct {
	By       string     `json:"requested_by"`
	At       time.Time  `json:"requested"`
	Reason   string     `json:"reason"`
	Incident int        `json:"incident"`
	Decided  *time.Time `json:"decided,omitempty"`
	Approver string     `json:"decided_by,omitempty"`
	Granted  bool       `json:"granted"`
	Document int        `json:"document,omitempty"`
}

// View is how the case is shown.
func (c *Case) View() View {
	v := View{
		ID: c.ID, Revision: c.Revision, State: c.State, Created: c.Created, Closed: set(c.Closed), GoneAt: set(c.Expires),
		Claimant: c.Claim.Claimant, Number: c.Claim.Number.E164(), Nuisance: c.Claim.Nuisance, Via: c.Claim.Via,
		Received: set(c.Claim.Received), Incidents: []IncidentView{}, Searched: set(c.Searched), Candidates: []CandidateView{},
		Warning: c.Warning.view(), Notice: c.Notice.view(), Documents: c.Documents, History: c.History,
	}
	for _, i := range c.Incidents {
		v.Incidents = append(v.Incidents, IncidentView{i.N, i.Period.From, i.Period.end(), i.Note, i.Reported, i.Mark})
	}
	for _, cand := range c.Candidates {
		v.Candidates = append(v.Candidates, cand.view(masked))
	}
	if s := c.Selection; s != nil {
		v.Selected = &SelectionView{s.Candidate.view(whole), s.Reason, s.By, s.At}
	}
	for _, q := range c.Provider {
		v.Provider = append(v.Provider, ConsultView{q.N, q.Provider, q.Question, q.Asked, q.Answer, set(q.Answered)})
	}
	if r := c.Request; r != nil {
		v.Request = &RequestView{r.By, r.At, r.Reason, r.Incident, set(r.Decided), r.Approver, r.Granted, r.Document}
	}
	return v
}

func (c Candidate) view(print func(numbering.Number) string) CandidateView {
	v := CandidateView{N: c.N, Number: print(c.Number), Identity: c.Trust.String(), Peer: c.Ingress, Calls: []CallView{}}
	for _, call := range c.Calls {
		v.Calls = append(v.Calls, CallView{call.Record.String(), call.Start, set(call.Answer), set(call.End), call.Incident})
	}
	return v
}

func (l *Sending) view() *SendingView {
	if l == nil {
		return nil
	}
	return &SendingView{l.Document, l.Made, set(l.Sent)}
}

func set(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func whole(n numbering.Number) string {
	if n == 0 {
		return ""
	}
	return n.E164()
}

// masked is a number without its last four digits.
func masked(n numbering.Number) string {
	text := []byte(whole(n))
	for i := max(len(text)-4, 0); i < len(text); i++ {
		text[i] = '*'
	}
	return string(text)
}
