package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clirgate/rules"
)

// change is a change as the API gives it.
type change struct {
	Revision      uint64
	Time          time.Time
	Actor, Reason string
	Number        string
	Rows          int
	Before, After *rules.Document
}

type changesCommand struct {
	Number string `help:"Of one subscriber." placeholder:"NUMBER"`
	Actor  string `help:"Of one actor, like noc:alice." placeholder:"ACTOR"`
	Since  string `help:"From this time on: RFC 3339, 2026-11-23, or a time ago like 24h." placeholder:"TIME"`
	Until  string `help:"Before this time." placeholder:"TIME"`
	Limit  int    `default:"50" help:"At most so many."`
}

func (c *changesCommand) Run(s *session) error {
	q := url.Values{}
	for name, value := range map[string]string{"number": c.Number, "actor": c.Actor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range map[string]string{"since": c.Since, "until": c.Until} {
		if value == "" {
			continue
		}
		t, err := moment(value, time.Now(), -1)
		if err != nil {
			return failed(exitWrong, "--%s: %v", name, err)
		}
		q.Set(name, t.Format(time.RFC3339))
	}
	list, err := pages[change](s, "/v1/changes", "changes", q, c.Limit)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, r := range list {
		of := r.Number
		if of == "" {
			of = fmt.Sprintf("%d subscribers", r.Rows)
		}
		rows = append(rows, []string{strconv.FormatUint(r.Revision, 10), clock(r.Time), r.Actor, of, summary(r.Before, r.After), r.Reason})
	}
	s.table("REVISION\tTIME\tACTOR\tSUBSCRIBER\tCHANGE\tREASON", rows...)
	return nil
}

// summary is what a change did, in few words.
func summary(before, after *rules.Document) string {
	switch {
	case before == nil && after == nil:
		return ""
	case after == nil:
		return "taken out"
	case before == nil:
		before = &rules.Document{CLIR: "none", CLIP: true, TIR: "none", MCID: "none"}
	}
	var list []string
	note := func(field string, a, b any) {
		if a != b {
			list = append(list, fmt.Sprintf("%s %v", field, b))
		}
	}
	note("clir", before.CLIR, after.CLIR)
	note("clip", before.CLIP, after.CLIP)
	note("acr", before.ACR, after.ACR)
	note("tir", before.TIR, after.TIR)
	note("override", before.Override, after.Override)
	note("shield", before.ShieldOnBills, after.ShieldOnBills)
	note("mcid", before.MCID, after.MCID)
	note("until", until(before.Until), until(after.Until))
	if before.Note != after.Note {
		list = append(list, "note")
	}
	return strings.Join(list, ", ")
}

const maxPage = 500

// pages reads a list page by page; JSON is printed as one object a line.
func pages[T any](s *session, path, key string, q url.Values, limit int) (list []T, err error) {
	for len(list) < limit {
		q.Set("limit", strconv.Itoa(min(limit-len(list), maxPage)))
		a, err := s.do(request{method: "GET", path: path + "?" + q.Encode()})
		if err != nil {
			return nil, err
		}
		var page map[string]json.RawMessage
		if err := a.into(&page); err != nil {
			return nil, err
		}
		var raw []json.RawMessage
		if err := json.Unmarshal(page[key], &raw); err != nil {
			return nil, failed(exitUnavailable, "the answer is not what this clirctl expects: %v", err)
		}
		for _, r := range raw {
			var v T
			if err := json.Unmarshal(r, &v); err != nil {
				return nil, failed(exitUnavailable, "the answer is not what this clirctl expects: %v", err)
			}
			list = append(list, v)
			if s.JSON {
				fmt.Fprintf(s.out, "%s\n", r)
			}
		}
		var next *string
		if json.Unmarshal(page["next"], &next) != nil || next == nil {
			break
		}
		q.Set("cursor", *next)
	}
	return list, nil
}

type revertCommand struct {
	Revision uint64 `arg:"" help:"The change to undo."`
	making
}

func (c *revertCommand) Run(s *session) error {
	var r change
	if err := s.ask("POST", fmt.Sprintf("/v1/changes/%d:revert%s", c.Revision, c.query()), nil, &r); err != nil {
		return err
	}
	s.say("change %d undone by change %d", c.Revision, r.Revision)
	return nil
}
