package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"clirgate/admin"
)

type explainCommands struct {
	Call   explainCommand       `cmd:"" default:"withargs" help:"One call, by its facts or as an INVITE."`
	Change explainChangeCommand `cmd:"" help:"What a change of a subscriber would change for a call."`
}

// sample is the call in question.
type sample struct {
	Peer      string `help:"The configured peer that sends the call." placeholder:"NAME"`
	Source    string `help:"Instead of a peer, where the call comes from, like udp:192.0.2.1:5060." placeholder:"ADDR"`
	From      string `help:"Number shown by the caller; without it the call is anonymous." placeholder:"NUMBER"`
	To        string `help:"What was dialled, with its codes." placeholder:"DIALLED"`
	Asserted  string `help:"Number in P-Asserted-Identity." placeholder:"NUMBER"`
	Privacy   string `help:"Value of the Privacy header." placeholder:"VALUE"`
	Anonymous bool   `help:"From is anonymous."`
	Message   string `short:"m" help:"Instead of these facts, a file with the INVITE; - reads standard input." placeholder:"FILE"`
}

func (c *sample) question(s *session) (q admin.Question, err error) {
	q = admin.Question{Peer: c.Peer, Source: c.Source}
	if c.Message == "" {
		q.Call = &admin.Call{From: c.From, To: c.To, Asserted: c.Asserted, Privacy: c.Privacy, Anonymous: c.Anonymous}
		return q, nil
	}
	data, err := s.read(c.Message)
	switch {
	case err != nil:
		return q, failed(exitWrong, "%v", err)
	case utf8.Valid(data):
		q.Message = string(data)
	default:
		q.Raw = data
	}
	return q, nil
}

type explainCommand struct {
	sample
	All bool `short:"a" help:"Show also the rules that did not fire and the headers that stay."`
}

func (c *explainCommand) Run(s *session) error {
	q, err := c.question(s)
	if err != nil {
		return err
	}
	var e admin.Explanation
	if err := s.ask("POST", "/v1/explain", q, &e); err != nil || s.JSON {
		return err
	}
	c.print(s, &e)
	return nil
}

type explainChangeCommand struct {
	Number string `arg:"" help:"The subscriber: telephone number, in any spelling."`
	services
	sample
}

// Run proposes the subscriber as set would make it.
func (c *explainChangeCommand) Run(s *session) error {
	q, err := c.question(s)
	if err != nil {
		return err
	}
	fields, _, err := c.changed(s, c.Number)
	if err != nil {
		return err
	}
	fields["number"] = c.Number
	var out struct {
		Calls []struct {
			Differences []string
			After       admin.Explanation
		}
	}
	send := map[string]any{"subscribers": []any{fields}, "calls": []any{q}}
	if err := s.ask("POST", "/v1/explain:change", send, &out); err != nil {
		return err
	}
	for _, call := range out.Calls {
		if len(call.Differences) == 0 {
			s.say("nothing would change: class %s", class(&call.After))
		}
		for _, d := range call.Differences {
			s.say("%s", d)
		}
	}
	return nil
}

func class(e *admin.Explanation) string {
	if e.Decision == nil {
		return "not decided"
	}
	return e.Decision.Class + " by rule " + e.Decision.Rule
}

func (s *session) read(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(s.in)
	}
	return os.ReadFile(path)
}

func (c *explainCommand) print(s *session, e *admin.Explanation) {
	from := e.Source.Peer
	if from == "" {
		from = "nobody known"
	}
	s.say("from      %s (%s)", from, e.Source.Address)
	if e.Decision != nil {
		s.say("class     %s by rule %s, revision %d", e.Decision.Class, e.Decision.Rule, e.Decision.Revision)
		for _, effect := range e.Decision.Effects {
			s.say("          %s", effect)
		}
	}
	switch {
	case e.Answer != nil:
		s.say("answer    %d %s", e.Answer.Status, e.Answer.Reason)
		if e.Answer.Note != "" {
			s.say("          %s", e.Answer.Note)
		}
	case e.Next != nil:
		s.say("next hop  %s (%s, %s:%s)", e.Next.Peer, e.Next.Boundary, e.Next.Network, e.Next.Address)
	}
	c.printSteps(s, e.Steps)
	c.printHeaders(s, e.Headers)
	if e.Message.After != nil {
		s.say("\nsent:\n%s", strings.ReplaceAll(strings.TrimRight(*e.Message.After, "\r\n"), "\r\n", "\n"))
	}
}

func (c *explainCommand) printSteps(s *session, steps []admin.Step) {
	var rows [][]string
	for _, step := range steps {
		if step.Fired || c.All {
			rows = append(rows, []string{step.Rule, yes(step.Fired), step.Why, step.Clause})
		}
	}
	if len(rows) > 0 {
		s.say("")
		s.table("RULE\tFIRED\tWHY\tCLAUSE", rows...)
	}
}

func (c *explainCommand) printHeaders(s *session, headers []admin.HeaderStep) {
	var rows [][]string
	for _, h := range headers {
		if h.Action != "keep" || c.All {
			rows = append(rows, []string{h.Name, h.Action, h.Why})
		}
	}
	if len(rows) > 0 {
		s.say("")
		s.table("HEADER\tACTION\tWHY", rows...)
	}
}
