package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"clirgate/casework"
)

type caseCommands struct {
	Open     caseOpen     `cmd:"" help:"Open a case on a written claim."`
	Complete caseComplete `cmd:"" help:"Make a case of a draft that marked calls opened."`
	List     caseList     `cmd:"" help:"List cases, newest first."`
	Show     caseShow     `cmd:"" help:"Show a case. The look is in the audit log."`
	Incident caseIncident `cmd:"" help:"File a further occurrence."`
	Search   caseSearch   `cmd:"" help:"Look for withheld calls at the claimed times."`
	Select   caseSelect   `cmd:"" help:"Choose a caller and freeze the evidence."`
	Ask      caseAsk      `cmd:"" help:"Record a question to the caller's provider."`
	Answer   caseAnswer   `cmd:"" help:"Record what that provider answered."`
	Warn     caseWarn     `cmd:"" help:"Make the letter that asks the caller to stop."`
	Sent     caseSent     `cmd:"" help:"Note that a letter was posted: warning or notice."`
	Request  caseRequest  `cmd:"" help:"Ask that the claimant be told who calls."`
	Approve  caseApprove  `cmd:"" help:"Grant disclosure; never by the one who asked."`
	Refuse   caseRefuse   `cmd:"" help:"Refuse disclosure; never by the one who asked."`
	Close    caseClose    `cmd:"" help:"End a case; three months later it is gone."`
	Letters  caseLetters  `cmd:"" help:"List letters and evidence."`
	Letter   caseLetter   `cmd:"" help:"Write a letter as a page to print."`
	Evidence caseEvidence `cmd:"" help:"Write evidence as it was signed."`
	Key      caseKey      `cmd:"" help:"Print the public key that evidence is verified with; keep it elsewhere."`
	Verify   caseVerify   `cmd:"" help:"Check evidence without the gateway; exits with 6 when it is not as it was signed."`
}

func casePath(id string) string { return "/v1/cases/" + url.PathEscape(id) }

// step does one thing with a case and shows it.
func (s *session) step(path string, send any) error {
	var v casework.View
	method := "POST"
	if send == nil {
		method = "GET"
	}
	if err := s.ask(method, path, send, &v); err != nil {
		return err
	}
	s.showCase(&v)
	return nil
}

type nothing = map[string]any

type caseOpen struct{ claimFlags }

func (c *caseOpen) Run(s *session) error {
	claim, err := c.claim(s)
	if err != nil {
		return err
	}
	return s.step("/v1/cases", claim)
}

type caseComplete struct {
	Case string `arg:"" help:"Id of the draft."`
	claimFlags
}

func (c *caseComplete) Run(s *session) error {
	claim, err := c.claim(s)
	if err != nil {
		return err
	}
	return s.step(casePath(c.Case)+":complete", claim)
}

type caseList struct {
	State string `help:"Only those in this state." placeholder:"STATE"`
	Limit int    `default:"50" help:"At most so many."`
}

func (c *caseList) Run(s *session) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if c.State != "" {
		q.Set("state", c.State)
	}
	var list struct{ Cases []casework.Summary }
	if err := s.ask("GET", "/v1/cases?"+q.Encode(), nil, &list); err != nil {
		return err
	}
	s.summaries("CASE", list.Cases)
	return nil
}

func (s *session) summaries(what string, list []casework.Summary) {
	var rows [][]string
	for _, c := range list {
		rows = append(rows, []string{c.ID, string(c.State), clock(c.Created), number(c.Revision)})
	}
	s.table(what+"\tSTATE\tOPENED\tREVISION", rows...)
}

type caseShow struct {
	Case string `arg:"" help:"Id of the case."`
}

func (c *caseShow) Run(s *session) error { return s.step(casePath(c.Case), nil) }

type caseIncident struct {
	Case string `arg:"" help:"Id of the case."`
	At   string `required:"" help:"When: a time, or FROM/TO." placeholder:"TIME"`
	Note string `help:"What the claimant says." placeholder:"TEXT"`
}

func (c *caseIncident) Run(s *session) error {
	p, err := period(c.At)
	if err != nil {
		return err
	}
	return s.step(casePath(c.Case)+"/incidents", nothing{"from": p.From, "to": p.To, "note": c.Note})
}

type caseSearch struct {
	Case string `arg:"" help:"Id of the case."`
}

func (c *caseSearch) Run(s *session) error { return s.step(casePath(c.Case)+":search", nothing{}) }

type caseSelect struct {
	Case      string `arg:"" help:"Id of the case."`
	Candidate int    `arg:"" help:"Number of the candidate, as the search lists them."`
	Reason    string `required:"" help:"Why this caller." placeholder:"TEXT"`
}

func (c *caseSelect) Run(s *session) error {
	return s.step(casePath(c.Case)+":select", nothing{"candidate": c.Candidate, "reason": c.Reason})
}

type caseAsk struct {
	Case     string `arg:"" help:"Id of the case."`
	Provider string `required:"" help:"Whom to ask."`
	Question string `required:"" help:"What is asked." placeholder:"TEXT"`
}

func (c *caseAsk) Run(s *session) error {
	return s.step(casePath(c.Case)+":ask-provider", nothing{"provider": c.Provider, "question": c.Question})
}

type caseAnswer struct {
	Case     string `arg:"" help:"Id of the case."`
	Question int    `arg:"" help:"Number of the question."`
	Answer   string `required:"" help:"What the provider answered." placeholder:"TEXT"`
}

func (c *caseAnswer) Run(s *session) error {
	return s.step(casePath(c.Case)+":answer-provider", nothing{"question": c.Question, "answer": c.Answer})
}

type caseWarn struct {
	Case string `arg:"" help:"Id of the case."`
}

func (c *caseWarn) Run(s *session) error { return s.step(casePath(c.Case)+":warn", nothing{}) }

type caseSent struct {
	Case   string `arg:"" help:"Id of the case."`
	Letter string `arg:"" enum:"warning,notice" help:"warning or notice."`
	At     string `help:"When; default: now." placeholder:"TIME"`
}

func (c *caseSent) Run(s *session) error {
	send := nothing{}
	if c.At != "" {
		t, err := moment(c.At, time.Now(), -1)
		if err != nil {
			return failed(exitWrong, "--at: %v", err)
		}
		send["sent"] = t
	}
	return s.step(casePath(c.Case)+":"+c.Letter+"-sent", send)
}

// reasoned is a case and why something is done with it.
type reasoned struct {
	Case   string `arg:"" help:"Id of the case."`
	Reason string `required:"" help:"Why." placeholder:"TEXT"`
}

func (c *reasoned) send(s *session, verb string) error {
	return s.step(casePath(c.Case)+":"+verb, nothing{"reason": c.Reason})
}

type caseRequest struct{ reasoned }
type caseApprove struct{ reasoned }
type caseRefuse struct{ reasoned }
type caseClose struct{ reasoned }

func (c *caseRequest) Run(s *session) error { return c.send(s, "request-disclosure") }
func (c *caseApprove) Run(s *session) error { return c.send(s, "approve") }
func (c *caseRefuse) Run(s *session) error  { return c.send(s, "refuse") }
func (c *caseClose) Run(s *session) error   { return c.send(s, "close") }

// showCase prints a case for people: where it is, and what it waits for.
func (s *session) showCase(v *casework.View) {
	s.say("case %s is %s (revision %d, opened %s)", v.ID, v.State, v.Revision, clock(v.Created))
	rows := [][]string{
		{"claimant", v.Claimant.Name + ", " + v.Claimant.Address + ", " + v.Claimant.Postcode + " " + v.Claimant.Town},
		{"number called", v.Number}, {"nuisance", v.Nuisance},
	}
	for _, i := range v.Incidents {
		rows = append(rows, []string{fmt.Sprintf("incident %d", i.N), clock(i.From) + " to " + clock(i.To) + " " + i.Note + i.Mark})
	}
	for _, q := range v.Provider {
		rows = append(rows, []string{fmt.Sprintf("question %d", q.N), q.Provider + ": " + q.Question}, []string{"", q.Answer})
	}
	if c := v.Selected; c != nil {
		rows = append(rows, []string{"selected", fmt.Sprintf("%s, %d calls: %s", c.Number, len(c.Calls), c.Reason)})
	}
	if v.Warning != nil {
		rows = append(rows, []string{"warning", letterLine(v.Warning)})
	}
	if d := v.Request; d != nil {
		decided := "not decided"
		if d.Decided != nil {
			decided = map[bool]string{true: "granted", false: "refused"}[d.Granted] + " by " + d.Approver
		}
		rows = append(rows, []string{"disclosure", "requested by " + d.By + ": " + d.Reason + "; " + decided})
	}
	if v.Notice != nil {
		rows = append(rows, []string{"notice", letterLine(v.Notice)})
	}
	if v.GoneAt != nil {
		rows = append(rows, []string{"gone at", clock(*v.GoneAt)})
	}
	s.table("", rows...)
	if len(v.Candidates) == 0 {
		return
	}
	rows = nil
	for _, c := range v.Candidates {
		first := ""
		if len(c.Calls) > 0 {
			first = clock(c.Calls[0].Start)
		}
		rows = append(rows, []string{strconv.Itoa(c.N), c.Number, c.Identity, c.Peer, strconv.Itoa(len(c.Calls)), first})
	}
	s.table("CANDIDATE\tNUMBER\tIDENTITY\tPEER\tCALLS\tFIRST", rows...)
}

func letterLine(l *casework.SendingView) string {
	if l.Sent == nil {
		return fmt.Sprintf("letter %d, not sent", l.Document)
	}
	return fmt.Sprintf("letter %d, sent %s", l.Document, clock(*l.Sent))
}
