package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clirgate/admin"
)

type peersCommand struct{}

func (peersCommand) Run(s *session) error {
	var list struct{ Peers []admin.Peer }
	if err := s.ask("GET", "/v1/peers", nil, &list); err != nil {
		return err
	}
	s.peers(list.Peers...)
	return nil
}

func (s *session) peers(list ...admin.Peer) {
	var rows [][]string
	for _, p := range list {
		var at []string
		for _, t := range p.Targets {
			state := ""
			switch {
			case !t.Up:
				state = " (down)"
			case t.Silent:
				state = " (silent)"
			}
			at = append(at, t.Network+":"+t.Address+state)
		}
		rows = append(rows, []string{
			p.Name, p.Boundary, p.State, number(p.Received), number(p.Sent), number(p.Failed), number(p.TimedOut), strings.Join(at, ", "),
		})
	}
	s.table("PEER\tBOUNDARY\tSTATE\tRECEIVED\tSENT\tFAILED\tTIMED OUT\tTARGETS", rows...)
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

type drainCommand struct {
	Peer   string `arg:"" help:"Name of the peer."`
	Reason string `help:"Why; kept in the audit log." placeholder:"TEXT"`
}

func (c *drainCommand) Run(s *session) error { return s.setDrained(c.Peer, "drain", c.Reason) }

type resumeCommand struct {
	Peer   string `arg:"" help:"Name of the peer."`
	Reason string `help:"Why; kept in the audit log." placeholder:"TEXT"`
}

func (c *resumeCommand) Run(s *session) error { return s.setDrained(c.Peer, "resume", c.Reason) }

func (s *session) setDrained(peer, verb, reason string) error {
	m := making{Reason: reason}
	var p admin.Peer
	if err := s.ask("POST", "/v1/peers/"+url.PathEscape(peer)+":"+verb+m.query(), nil, &p); err != nil {
		return err
	}
	s.peers(p)
	return nil
}

type nodesCommand struct{}

func (nodesCommand) Run(s *session) error {
	var list struct{ Nodes []admin.Node }
	if err := s.ask("GET", "/v1/nodes", nil, &list); err != nil {
		return err
	}
	var rows [][]string
	for _, n := range list.Nodes {
		rows = append(rows, []string{n.Name, yes(n.Live), number(n.Revision), number(n.Behind), span(n.Age)})
	}
	s.table("NODE\tLIVE\tREVISION\tBEHIND\tHEARD OF BEFORE", rows...)
	return nil
}

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
		[]string{"peers", fmt.Sprintf("%d up, %d down, %d drained", st.Peers.Up, st.Peers.Down, st.Peers.Drained)})
	if st.State != "serving" {
		return failed(exitUnwell, "%s", st.State)
	}
	return nil
}

type whoamiCommand struct{}

func (whoamiCommand) Run(s *session) error {
	var t struct {
		ID, Name, Role string
		Expires        *time.Time
	}
	if err := s.ask("GET", "/v1/whoami", nil, &t); err != nil {
		return err
	}
	expires := "never"
	if t.Expires != nil {
		expires = clock(*t.Expires)
	}
	s.table("", []string{"name", t.Name}, []string{"role", t.Role}, []string{"expires", expires}, []string{"id", t.ID})
	return nil
}
