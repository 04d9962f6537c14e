package main

import (
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
	own := false
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
		name := p.Name
		if p.Own {
			name += " *"
			own = true
		}
		rows = append(rows, []string{
			name, p.Boundary, p.State, number(p.Received), number(p.Sent), number(p.Failed), number(p.TimedOut), strings.Join(at, ", "),
		})
	}
	s.table("PEER\tBOUNDARY\tSTATE\tRECEIVED\tSENT\tFAILED\tTIMED OUT\tTARGETS", rows...)
	if own {
		s.say("* the gateway's own, for its test calls")
	}
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
