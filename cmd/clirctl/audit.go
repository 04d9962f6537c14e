package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"clirgate/admin"
	"clirgate/audit"
)

type auditCommands struct {
	List   auditList   `cmd:"" help:"List entries, newest first."`
	Verify auditVerify `cmd:"" help:"Check that no entry was changed, removed or moved; exits with 6 when one was."`
	Export auditExport `cmd:"" help:"Write the log as JSON lines, which verify checks without the gateway."`
}

type auditList struct {
	Actor string `help:"Of one actor." placeholder:"NAME"`
	Since string `help:"From this time on: RFC 3339, 2026-11-23, or a time ago like 24h." placeholder:"TIME"`
	Limit int    `default:"50" help:"At most so many."`
}

func (c *auditList) Run(s *session) error {
	q := url.Values{}
	if c.Actor != "" {
		q.Set("actor", c.Actor)
	}
	if c.Since != "" {
		t, err := moment(c.Since, time.Now(), -1)
		if err != nil {
			return failed(exitWrong, "--since: %v", err)
		}
		q.Set("since", t.Format(time.RFC3339))
	}
	list, err := pages[audit.Entry](s, "/v1/audit", "entries", q, c.Limit)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, e := range list {
		rows = append(rows, []string{number(e.Seq), clock(e.Time), e.Role + ":" + e.Actor, e.Action, e.Object, string(e.Outcome), e.Purpose})
	}
	s.table("SEQ\tTIME\tACTOR\tACTION\tOBJECT\tOUTCOME\tREASON", rows...)
	return nil
}

type auditVerify struct {
	File string `arg:"" optional:"" help:"An export, - for standard input; default: the gateway's own log."`
	Head string `help:"Head kept from an earlier check, as NUMBER:HASH: that entry must still be there." placeholder:"HEAD"`
}

func (c *auditVerify) Run(s *session) error {
	if c.File == "" {
		return c.ask(s)
	}
	data, err := s.read(c.File)
	if err != nil {
		return failed(exitWrong, "%v", err)
	}
	_, head, err := audit.VerifyExport(bytes.NewReader(data))
	report := admin.AuditReport{Whole: err == nil, Head: head, Faults: []string{}}
	if err != nil {
		report.Faults = []string{err.Error()}
	}
	if err == nil && c.Head != "" && !holds(data, c.Head) {
		report.Whole, report.Faults = false, []string{"the head kept earlier is not in the log"}
	}
	if s.JSON {
		if text, err := json.Marshal(report); err == nil {
			fmt.Fprintf(s.out, "%s\n", text)
		}
	}
	return verdict(s, &report)
}

// holds tells whether an export has an entry of that number and hash.
func holds(data []byte, head string) bool {
	for line := range bytes.Lines(data) {
		var e audit.Entry
		if json.Unmarshal(line, &e) == nil && e.Seq != 0 && fmt.Sprintf("%d:%s", e.Seq, e.Hash) == strings.ToLower(head) {
			return true
		}
	}
	return false
}

func (c *auditVerify) ask(s *session) error {
	if c.Head != "" {
		return failed(exitWrong, "--head is for exports: export the log first")
	}
	var r admin.AuditReport
	if err := s.ask("GET", "/v1/audit:verify", nil, &r); err != nil {
		return err
	}
	return verdict(s, &r)
}

func verdict(s *session, r *admin.AuditReport) error {
	if r.Whole {
		s.say("the log is whole: %d entries; head %d:%s", r.Head.Seq, r.Head.Seq, r.Head.Hash)
		return nil
	}
	for _, f := range r.Faults {
		s.say("%s", f)
	}
	return failed(exitUnwell, "the audit log is not whole")
}

type auditExport struct {
	After uint64 `help:"Only what follows this entry." placeholder:"NUMBER"`
	Out   string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *auditExport) Run(s *session) error {
	return s.download(fmt.Sprintf("/v1/audit:export?after=%d", c.After), c.Out)
}
