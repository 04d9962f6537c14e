package main

import (
	"fmt"

	"clirgate/admin"
)

type statusCommand struct{}

func (statusCommand) Run(s *session) error {
	var st admin.Status
	if err := s.ask("GET", "/v1/status", nil, &st); err != nil {
		return err
	}
	s.say("%s is %s. %s", st.Node, st.State, st.Summary)
	s.table("",
		[]string{"version", st.Version}, []string{"up for", span(st.Uptime)},
		[]string{"rules", fmt.Sprintf("%d subscribers, revision %d", st.Rules.Subscribers, st.Rules.Revision)},
		[]string{"calls", fmt.Sprintf("%d shown, %d withheld, %d emergency, %d withheld for want of rules", st.Calls.Shown, st.Calls.Withheld, st.Calls.Emergency, st.Calls.FailClosed)},
		[]string{"leaks stopped", number(st.Calls.Leaks)},
		[]string{"transactions", fmt.Sprintf("%d pending, %d retransmissions", st.Transactions.Pending, st.Transactions.Retransmitted)},
		[]string{"records", fmt.Sprintf("kept: %s, calls without: %d", yes(st.Records.Kept), st.Records.Without)},
		[]string{"overload", fmt.Sprintf("%.0f %% of new calls refused, %d in all", st.Overload.Refused*100, st.Overload.Total)},
		[]string{"peers", fmt.Sprintf("%d up, %d down, %d drained", st.Peers.Up, st.Peers.Down, st.Peers.Drained)})
	s.probe(st.Probe)
	if st.State != "serving" {
		return failed(exitUnwell, "%s", st.State)
	}
	return nil
}

// probe says what the gateway's own test calls prove.
func (s *session) probe(p *admin.ProbeStatus) {
	if p == nil {
		s.say("No test calls are made: the configuration has no probe.")
		return
	}
	row := func(what string, c *admin.ProbeCall) []string {
		last := "never"
		if c.LastOK != nil {
			last = clock(*c.LastOK)
		}
		return []string{what, c.State, last, fmt.Sprintf("%.0f ms", c.Seconds*1000), number(c.Failures), c.Reason}
	}
	s.table("TEST CALL\tSTATE\tLAST GOOD\tTOOK\tFAILURES\tWHY", row("to 112, withheld: number seen", &p.Emergency), row("withheld: number not seen", &p.Withheld))
	if p.Hint != "" {
		s.say("%s", p.Hint)
	}
}
