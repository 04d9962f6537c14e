package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clirgate/admin"
	"clirgate/casework"
	"clirgate/casework/subject"
)

type subjectCommands struct {
	Export   subjectExport   `cmd:"" help:"Write everything that is held on a number, for its subscriber."`
	Request  subjectRequest  `cmd:"" help:"Enter a request for access or correction, or an objection."`
	Requests subjectRequests `cmd:"" help:"List requests that wait for their answer, the most urgent first."`
	Show     subjectShow     `cmd:"" help:"Show one request."`
	Correct  subjectCorrect  `cmd:"" help:"Put one thing right on a request for correction."`
	Answer   subjectAnswer   `cmd:"" help:"Record the answer to a request."`
	Lift     subjectLift     `cmd:"" help:"End an objection that is taken back."`
	Purposes subjectPurposes `cmd:"" help:"List what personal data are kept for."`
	Seen     subjectSeen     `cmd:"" help:"List whose data an actor has seen: whom to tell of a breach."`
}

type subjectExport struct {
	Number string `arg:"" help:"Telephone number, in any spelling."`
	Format string `enum:"json,html" default:"html" help:"html to read and print, or json."`
	Out    string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`

	Language string `enum:",nl,en" default:"" help:"Of the page: nl or en; default: the gateway's."`
}

func (c *subjectExport) Run(s *session) error {
	return s.fetch("POST", "/v1/subjects/"+url.PathEscape(c.Number)+":export?format="+c.Format+"&language="+c.Language, c.Out)
}

func requestPath(id string) string { return "/v1/subject-requests/" + url.PathEscape(id) }

func (s *session) requests(list ...admin.SubjectRequest) {
	var rows [][]string
	for _, r := range list {
		state := "waiting"
		switch {
		case r.Answered != nil:
			state = "answered"
		case r.Overdue:
			state = "OVERDUE"
		}
		rows = append(rows, []string{r.ID, string(r.Right), r.Number, r.Purpose, clock(r.Received), clock(r.Due), state})
	}
	s.table("REQUEST\tRIGHT\tNUMBER\tPURPOSE\tRECEIVED\tDUE\tSTATE", rows...)
}

func (s *session) request(path string, send any) error {
	var r admin.SubjectRequest
	var rows [][]string
	method := "POST"
	if send == nil {
		method = "GET"
	}
	if err := s.ask(method, path, send, &r); err != nil {
		return err
	}
	s.requests(r)
	if len(r.Corrections) > 0 {
		for _, c := range r.Corrections {
			rows = append(rows, []string{clock(c.At), c.By, c.Of, c.Record, c.Before, c.After, c.Why})
		}
		s.table("CORRECTED\tBY\tOF\tRECORD\tBEFORE\tAFTER\tWHY", rows...)
	}
	return nil
}

type subjectRequest struct {
	Right    string `arg:"" enum:"access,correction,objection" help:"access, correction or objection."`
	Number   string `arg:"" help:"The subscriber's number."`
	Purpose  string `help:"What is objected to: reports."`
	What     string `help:"In the subscriber's words." placeholder:"TEXT"`
	Received string `help:"When it was received; default: now." placeholder:"TIME"`
}

func (c *subjectRequest) Run(s *session) error {
	send := nothing{"right": c.Right, "number": c.Number, "purpose": c.Purpose, "what": c.What}
	if c.Received != "" {
		t, err := moment(c.Received, time.Now(), -1)
		if err != nil {
			return failed(exitWrong, "--received: %v", err)
		}
		send["received"] = t
	}
	return s.request("/v1/subject-requests", send)
}

type subjectRequests struct {
	Overdue bool `help:"Only those that are late; exits with 6 when there are any."`
}

func (c *subjectRequests) Run(s *session) error {
	var list struct{ Requests []admin.SubjectRequest }
	if err := s.ask("GET", "/v1/subject-requests?overdue="+strconv.FormatBool(c.Overdue), nil, &list); err != nil {
		return err
	}
	s.requests(list.Requests...)
	if n := len(list.Requests); c.Overdue && n > 0 {
		return failed(exitUnwell, "%d requests are late", n)
	}
	return nil
}

type subjectShow struct {
	Request string `arg:"" help:"Id of the request."`
}

func (c *subjectShow) Run(s *session) error { return s.request(requestPath(c.Request), nil) }

type subjectCorrect struct {
	Request string `arg:"" help:"Id of the request."`
	Of      string `arg:"" enum:"call,address,rule,shielding" help:"call, address, rule or shielding."`
	To      string `arg:"" help:"File with what is right, as JSON; - for standard input. Of a call {record, note}, of an address {name, address, postcode, town}, of a rule the subscriber as it should be, of shielding {from, until}."`
	Why     string `required:"" help:"Why it was wrong; no personal data." placeholder:"TEXT"`
}

func (c *subjectCorrect) Run(s *session) error {
	var to map[string]any
	if err := s.given("TO", c.To, &to); err != nil {
		return err
	}
	return s.request(requestPath(c.Request)+":correct", casework.Correcting{Of: c.Of, To: mustJSON(to), Why: c.Why})
}

// mustJSON is a value that was read from JSON, as JSON.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came from JSON
	}
	return b
}

type subjectAnswer struct {
	Request string `arg:"" help:"Id of the request."`
	Granted bool   `negatable:"" help:"What was asked for is done."`
	Answer  string `required:"" help:"What the subscriber was answered." placeholder:"TEXT"`
}

func (c *subjectAnswer) Run(s *session) error {
	return s.request(requestPath(c.Request)+":answer", nothing{"granted": c.Granted, "answer": c.Answer})
}

type subjectLift struct {
	Request string `arg:"" help:"Id of the objection."`
}

func (c *subjectLift) Run(s *session) error {
	return s.request(requestPath(c.Request)+":lift", nothing{})
}

type subjectPurposes struct{}

func (subjectPurposes) Run(s *session) error {
	var list struct{ Purposes []subject.Purpose }
	if err := s.ask("GET", "/v1/purposes", nil, &list); err != nil {
		return err
	}
	var rows [][]string
	for _, p := range list.Purposes {
		rows = append(rows, []string{p.Name, p.Data, strings.Join(p.Recipients, ", "), p.Kept})
	}
	s.table("PURPOSE\tDATA\tRECIPIENTS\tKEPT", rows...)
	return nil
}

type subjectSeen struct {
	Actor string `arg:"" help:"Name of the token."`
	From  string `required:"" help:"From when on." placeholder:"TIME"`
	To    string `default:"0s" help:"Until when; default: now." placeholder:"TIME"`
}

func (c *subjectSeen) Run(s *session) error {
	from, to, err := twoTimes(c.From, c.To)
	if err != nil {
		return err
	}
	q := url.Values{"actor": {c.Actor}, "from": {from.Format(time.RFC3339)}, "to": {to.Add(time.Second).Format(time.RFC3339)}}
	var list struct {
		Since    time.Time
		Subjects []admin.SeenSubject
	}
	if err := s.ask("GET", "/v1/audit:seen?"+q.Encode(), nil, &list); err != nil {
		return err
	}
	var rows [][]string
	for _, v := range list.Subjects {
		rows = append(rows, []string{v.Number, strconv.Itoa(v.Times), clock(v.First), clock(v.Last), strings.Join(v.Cases, " ")})
	}
	s.table("SUBJECT\tTIMES\tFIRST\tLAST\tCASES", rows...)
	if list.Since.After(from.Add(time.Second)) {
		s.say("whose data were seen before %s is no longer known", clock(list.Since))
	}
	return nil
}
