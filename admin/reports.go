package admin

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"clirgate/casework"
	"clirgate/casework/report"
	"clirgate/trace"
	"github.com/valyala/fasthttp"
)

// maxReport bounds what one report counts.
const maxReport = 366 * 24 * time.Hour

// trafficReport counts calls so that nobody is found in the counts; calls from or to
// those who object to reports are left out.
func (s *Server) trafficReport(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, _ casework.Actor) error {
		o, format, ok := s.reportOptions(ctx)
		if !ok {
			return errAnswered
		}
		objectors, err := w.Cases.Objectors(wait, "reports")
		if err != nil {
			return err
		}
		records := report.Records(w.Records.ScanClosed)
		if len(objectors) > 0 { // only an open record tells whose it is
			records = w.Records.Scan
			o.Exclude = func(r *trace.Record) bool {
				return objectors[r.Calling] || objectors[r.Called] || objectors[r.DivertedFrom]
			}
		}
		late := s.late()
		r, err := report.Make(func(from, to time.Time, yield func(*trace.Record) bool) error {
			return within(late, func(in func(*trace.Record) bool) error { return records(from, to, in) }, yield)
		}, o)
		if errors.Is(err, errLate) {
			scanTooLong.write(ctx)
			return errAnswered
		}
		if errors.Is(err, report.ErrAsked) {
			badField("by", err.Error(), "give dimensions once, and at least one whole hour").write(ctx)
			return errAnswered
		}
		if err != nil {
			return err
		}
		return writeReport(ctx, r, format)
	})
}

// scanTime bounds how long one request reads records.
const scanTime = 30 * time.Second

var errLate = errors.New("admin: more records than can be read in time")

var scanTooLong = problem{Status: fasthttp.StatusBadRequest, Type: "too-much", Title: "More records than one request can read",
	Field: "to", Mend: "ask for a shorter period, and for several"}

// late tells whether a request has read records long enough.
func (s *Server) late() func() bool {
	end := s.Now().Add(scanTime)
	return func() bool { return s.Now().After(end) }
}

// within scans until it is late.
func within(late func() bool, scan func(func(*trace.Record) bool) error, yield func(*trace.Record) bool) error {
	n, stopped := 0, false
	err := scan(func(r *trace.Record) bool {
		if n++; n%1000 == 0 && late() {
			stopped = true
			return false
		}
		return yield(r)
	})
	if stopped {
		return errors.Join(errLate, err)
	}
	return err
}

func (s *Server) reportOptions(ctx *fasthttp.RequestCtx) (o report.Options, format string, ok bool) {
	args := query{ctx: ctx}
	o.From, o.To = args.time("from"), args.time("to")
	format = args.choice("format", "json", "csv")
	if by := args.text("by"); by != "" {
		for _, d := range strings.Split(by, ",") {
			o.By = append(o.By, report.Dimension(d))
		}
	}
	o.K = report.MinCell
	if text := args.text("k"); text != "" {
		k, err := strconv.Atoi(text)
		if err != nil || k < report.MinCell {
			args.wrong("k", "is too small", "give a number of at least "+strconv.Itoa(report.MinCell))
		}
		o.K = k
	}
	switch {
	case o.From.IsZero():
		args.wrong("from", "is missing", "say from when on to count")
	case o.To.IsZero():
		args.wrong("to", "is missing", "say until when to count")
	case o.To.Sub(o.From) > maxReport:
		args.wrong("to", "is too far from the beginning", "ask for at most a year")
	}
	return o, format, args.end("from", "to", "by", "k", "format")
}

func writeReport(ctx *fasthttp.RequestCtx, r *report.Report, format string) error {
	if format != "csv" {
		writeJSON(ctx, fasthttp.StatusOK, r)
		return nil
	}
	var text bytes.Buffer
	if err := r.WriteCSV(&text); err != nil {
		return err
	}
	ctx.SetContentType("text/csv; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(text.Bytes())
	return nil
}

// RecordsReport is what a look through records found.
type RecordsReport struct {
	Whole    bool   `json:"whole"`
	Records  int    `json:"records"`
	Readable int    `json:"readable"` // by whoever may, inside a case
	Fault    string `json:"fault,omitempty"`
}

// verifyRecords reads every record of a period, opens it, and forgets it: are they there,
// as they were sealed, and are their keys? It shows nobody's identity.
func (s *Server) verifyRecords(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(_ context.Context, w *Casework, _ casework.Actor) error {
		args := query{ctx: ctx}
		from, to := args.time("from"), args.time("to")
		if !args.end("from", "to") {
			return errAnswered
		}
		if to.IsZero() {
			to = s.Now()
		}
		var r RecordsReport
		late, now := s.late(), s.Now()
		err := within(late, func(in func(*trace.Record) bool) error { return w.Records.ScanClosed(from, to, in) },
			func(*trace.Record) bool { r.Records++; return true })
		if err == nil {
			err = within(late, func(in func(*trace.Record) bool) error { return w.Records.Scan(from, to, in) }, func(rec *trace.Record) bool {
				if rec.Expires.After(now) {
					r.Readable++
				}
				return true
			})
		}
		if errors.Is(err, errLate) {
			scanTooLong.write(ctx)
			return errAnswered
		}
		if err != nil {
			r.Fault = err.Error()
		}
		r.Whole = err == nil && r.Readable >= r.Records
		writeJSON(ctx, fasthttp.StatusOK, r)
		return nil
	})
}
