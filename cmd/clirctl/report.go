package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"clirgate/admin"
	"clirgate/casework/report"
)

type reportCommand struct {
	From string   `required:"" help:"From when on, whole hours." placeholder:"TIME"`
	To   string   `default:"0s" help:"Until when; default: now." placeholder:"TIME"`
	By   []string `help:"hour, peer, class, outcome; default: all of them."`
	K    int      `default:"10" help:"Cells of fewer calls are left out; at least 10."`
	CSV  bool     `name:"csv" help:"Print CSV."`
	Out  string   `short:"o" type:"path" placeholder:"FILE" help:"Write CSV here."`
}

func (c *reportCommand) Run(s *session) error {
	from, to, err := twoTimes(c.From, c.To)
	if err != nil {
		return err
	}
	q := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}, "k": {strconv.Itoa(c.K)}}
	if len(c.By) > 0 {
		q.Set("by", strings.Join(c.By, ","))
	}
	if c.CSV || c.Out != "" {
		q.Set("format", "csv")
		return s.download("/v1/reports/traffic?"+q.Encode(), c.Out)
	}
	var r report.Report
	if err := s.ask("GET", "/v1/reports/traffic?"+q.Encode(), nil, &r); err != nil {
		return err
	}
	var rows [][]string
	for _, cell := range r.Cells {
		rows = append(rows, append(cell.Values, strconv.Itoa(cell.Calls)))
	}
	head := ""
	for _, d := range r.By {
		head += strings.ToUpper(string(d)) + "\t"
	}
	s.table(head+"CALLS", rows...)
	s.say("%d calls in cells of at least %d", r.Total, r.K)
	return nil
}

type recordsCommands struct {
	Verify recordsVerify `cmd:"" help:"Check that records are as they were sealed and their keys are there; exits with 6 when not."`
}

type recordsVerify struct {
	From string `default:"24h" help:"From when on; default: a day ago." placeholder:"TIME"`
	To   string `default:"0s" help:"Until when; default: now." placeholder:"TIME"`
}

func (c *recordsVerify) Run(s *session) error {
	from, to, err := twoTimes(c.From, c.To)
	if err != nil {
		return err
	}
	q := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Add(time.Second).Format(time.RFC3339)}}
	var r admin.RecordsReport
	if err := s.ask("GET", "/v1/records:verify?"+q.Encode(), nil, &r); err != nil {
		return err
	}
	s.say("%d records, %d of them readable inside a case", r.Records, r.Readable)
	if !r.Whole {
		return failed(exitUnwell, "records are not whole: %s", r.Fault)
	}
	return nil
}
