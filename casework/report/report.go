// Package report counts traffic so that nobody can be found in the counts (promise 9):
// by hour, peer, class and outcome, never by number, with small cells left out.
//
// Suppression is done once, on the finest cells, before anything is added up; every sum
// is a sum of what is shown. So no two reports, of whatever dimensions or hours, differ
// by a cell that was suppressed.
package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"clirgate/trace"
)

// MinCell is the smallest k: cells with fewer calls are left out.
const MinCell = 10

// Dimension is what calls can be counted by.
type Dimension string

const (
	Hour    Dimension = "hour" // UTC
	Peer    Dimension = "peer" // they came from
	Class   Dimension = "class"
	Outcome Dimension = "outcome"
)

var dimensions = [...]Dimension{Hour, Peer, Class, Outcome}

// Other is the peer, class or outcome of an hour's small cells put together.
const Other = "other"

// ErrAsked: a report that cannot be asked for like that.
var ErrAsked = errors.New("report: wrongly asked")

// Options of a report.
type Options struct {
	From, To time.Time                // whole hours; what is over is left out
	By       []Dimension              // none: all of them
	K        int                      // at least MinCell
	Exclude  func(*trace.Record) bool // calls of those who object; nil: none
}

// Records yields records, sealed ones suffice; trace.Vault.ScanClosed is one.
type Records func(from, to time.Time, yield func(*trace.Record) bool) error

// Report is the counts.
type Report struct {
	From  time.Time   `json:"from"`
	To    time.Time   `json:"to"`
	K     int         `json:"k"` // cells of fewer calls are not in here
	By    []Dimension `json:"by"`
	Cells []Cell      `json:"cells"`
	Total int         `json:"total"` // of the cells shown
}

// Cell is one count.
type Cell struct {
	Values []string `json:"values"` // in the order of By
	Calls  int      `json:"calls"`
}

// fine is the finest cell.
type fine struct{ hour, peer, class, outcome string }

func (f fine) value(d Dimension) string {
	switch d {
	case Hour:
		return f.hour
	case Peer:
		return f.peer
	case Class:
		return f.class
	}
	return f.outcome
}

// Make counts.
func Make(records Records, o Options) (*Report, error) {
	r := &Report{From: roundUp(o.From), To: o.To.UTC().Truncate(time.Hour), K: max(o.K, MinCell), By: o.By, Cells: []Cell{}}
	if len(r.By) == 0 {
		r.By = dimensions[:]
	}
	for i, d := range r.By {
		if !slices.Contains(dimensions[:], d) || slices.Contains(r.By[:i], d) {
			return nil, fmt.Errorf("%w: a dimension is unknown, or stands there twice; there are %v", ErrAsked, dimensions)
		}
	}
	if !r.From.Before(r.To) {
		return nil, fmt.Errorf("%w: from %s to %s holds no whole hour", ErrAsked, o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	counts := make(map[fine]int)
	err := records(r.From, r.To, func(rec *trace.Record) bool {
		if o.Exclude == nil || !o.Exclude(rec) {
			counts[cellOf(rec)]++
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r.add(suppress(counts, r.K))
	return r, nil
}

// roundUp is the first whole hour not before t.
func roundUp(t time.Time) time.Time {
	h := t.UTC().Truncate(time.Hour)
	if h.Before(t) {
		h = h.Add(time.Hour)
	}
	return h
}

func cellOf(r *trace.Record) fine {
	hour := r.ID.Time().UTC().Truncate(time.Hour)
	return fine{hour.Format("2006-01-02T15:00Z"), r.Ingress, r.Class.String(), outcome(r)}
}

// outcome is what became of a call.
func outcome(r *trace.Record) string {
	switch s := r.Status; {
	case !r.Answer.IsZero() || s/100 == 2:
		return "answered"
	case s == 486 || s == 600:
		return "busy"
	case s == 480 || s == 408 || s == 487:
		return "no answer"
	case s == 403 || s == 433 || s == 603:
		return "refused"
	case s == 0:
		return "unknown"
	}
	return "failed"
}

// suppress takes out the cells below k. Those of one hour are put together when there
// are at least two of them and they come to k; else they are not shown in any form.
func suppress(counts map[fine]int, k int) map[fine]int {
	shown, rest, merged := make(map[fine]int), make(map[string]int), make(map[string]int)
	for c, n := range counts {
		if n >= k {
			shown[c] = n
			continue
		}
		rest[c.hour] += n
		merged[c.hour]++
	}
	for hour, n := range rest {
		if n >= k && merged[hour] > 1 {
			shown[fine{hour, Other, Other, Other}] = n
		}
	}
	return shown
}

// add sums what is shown by the dimensions asked for.
func (r *Report) add(shown map[fine]int) {
	sums := make(map[string]*Cell)
	for c, n := range shown {
		values := make([]string, len(r.By))
		for i, d := range r.By {
			values[i] = c.value(d)
		}
		key := strings.Join(values, "\x00")
		if sums[key] == nil {
			sums[key] = &Cell{Values: values}
		}
		sums[key].Calls += n
		r.Total += n
	}
	for _, c := range sums {
		r.Cells = append(r.Cells, *c)
	}
	slices.SortFunc(r.Cells, func(a, b Cell) int {
		return cmp.Or(slices.Compare(a.Values, b.Values), cmp.Compare(a.Calls, b.Calls))
	})
}

// WriteCSV writes a line a cell, with a header.
func (r *Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	row := make([]string, 0, len(r.By)+1)
	for _, d := range r.By {
		row = append(row, string(d))
	}
	_ = out.Write(append(row, "calls")) // Error tells
	for _, c := range r.Cells {
		_ = out.Write(append(slices.Clone(c.Values), strconv.Itoa(c.Calls)))
	}
	out.Flush()
	return out.Error()
}

// WriteJSON writes the report as one object.
func (r *Report) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }
