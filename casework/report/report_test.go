package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"clirgate/casework/report"
	"clirgate/rules"
	"clirgate/trace"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// calls are n records of one cell.
func calls(hour, n int, peer string, class rules.Class, status int) (all []*trace.Record) {
	for i := range n {
		at := start.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Second)
		all = append(all, &trace.Record{ID: trace.NewID(at), Start: at, Ingress: peer, Class: class, Status: status})
	}
	return all
}

func of(records []*trace.Record) report.Records {
	return func(from, to time.Time, yield func(*trace.Record) bool) error {
		for _, r := range records {
			if !r.Start.Before(from) && r.Start.Before(to) && !yield(r) {
				break
			}
		}
		return nil
	}
}

func join(lists ...[]*trace.Record) (all []*trace.Record) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestReport(t *testing.T) {
	records := join(
		calls(0, 100, "phones", rules.N, 200), calls(0, 10, "phones", rules.W, 486), calls(0, 9, "core", rules.N, 480), calls(0, 3, "core", rules.W, 503),
		calls(1, 9, "phones", rules.N, 200), calls(2, 5, "phones", rules.N, 200), calls(2, 4, "core", rules.E, 0),
	)
	for _, c := range []struct {
		by   []report.Dimension
		want string
	}{
		{nil, "hour,peer,class,outcome,calls\n2026-11-23T10:00Z,other,other,other,12\n2026-11-23T10:00Z,phones,N,answered,100\n2026-11-23T10:00Z,phones,W,busy,10\n"},
		{[]report.Dimension{report.Hour}, "hour,calls\n2026-11-23T10:00Z,122\n"}, // not 131, nor 9 of the next hour
		{[]report.Dimension{report.Class}, "class,calls\nN,100\nW,10\nother,12\n"},
	} {
		r, err := report.Make(of(records), report.Options{From: start, To: start.Add(3 * time.Hour), By: c.by})
		if err != nil {
			t.Fatal(err)
		}
		var out, js bytes.Buffer
		if err := errors.Join(r.WriteCSV(&out), r.WriteJSON(&js)); err != nil || out.String() != c.want || !strings.Contains(js.String(), `"k":10`) {
			t.Errorf("%v:\n%s%s%v", c.by, &out, &js, err)
		}
	}
}

func TestReportRefuses(t *testing.T) {
	for _, o := range []report.Options{
		{From: start, To: start.Add(59 * time.Minute)},
		{From: start, To: start.Add(time.Hour), By: []report.Dimension{"number"}},
		{From: start, To: start.Add(time.Hour), By: []report.Dimension{report.Hour, report.Hour}},
	} {
		if _, err := report.Make(of(nil), o); err == nil {
			t.Errorf("%+v", o)
		}
	}
	broken := errors.New("broken")
	fails := func(time.Time, time.Time, func(*trace.Record) bool) error { return broken }
	if _, err := report.Make(fails, report.Options{From: start, To: start.Add(time.Hour)}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	// A part of an hour is not counted: two reports that differ by it would tell it.
	r, err := report.Make(of(calls(0, 50, "p", rules.N, 200)), report.Options{From: start.Add(time.Second), To: start.Add(2 * time.Hour)})
	if err != nil || r.Total != 0 {
		t.Errorf("%d, %v", r.Total, err)
	}
}

func TestObjectorsAreLeftOut(t *testing.T) {
	r, err := report.Make(of(join(calls(0, 20, "a", rules.N, 200), calls(0, 20, "b", rules.N, 200))), report.Options{
		From: start, To: start.Add(time.Hour), Exclude: func(r *trace.Record) bool { return r.Ingress == "a" },
	})
	if err != nil || r.Total != 20 {
		t.Errorf("%d, %v", r.Total, err)
	}
}

// Whatever the traffic: nothing below k is shown, and the difference of any two reports
// over the same hours is nothing.
func TestSumsGiveNothingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []*trace.Record
		for i := range rapid.IntRange(1, 12).Draw(t, "cells") {
			records = append(records, calls(rapid.IntRange(0, 2).Draw(t, "hour"), rapid.IntRange(1, 25).Draw(t, "calls"),
				fmt.Sprint("p", i%3), rapid.SampledFrom([]rules.Class{rules.N, rules.W, rules.E}).Draw(t, "class"),
				rapid.SampledFrom([]int{200, 486, 0}).Draw(t, "status"))...)
		}
		o := report.Options{From: start, To: start.Add(3 * time.Hour)}
		full, err := report.Make(of(records), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range full.Cells {
			if c.Calls < full.K {
				t.Fatalf("a cell of %d", c.Calls)
			}
		}
		hours := 0
		for h := range 3 {
			part, err := report.Make(of(records), report.Options{From: start.Add(time.Duration(h) * time.Hour), To: start.Add(time.Duration(h+1) * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			hours += part.Total
		}
		for _, by := range [][]report.Dimension{{report.Hour}, {report.Peer}, {report.Class, report.Outcome}} {
			o.By = by
			r, err := report.Make(of(records), o)
			if err != nil || r.Total != full.Total || hours != full.Total {
				t.Fatalf("totals %d, %d by %v, %d by hour, %v", full.Total, r.Total, by, hours, err)
			}
		}
	})
}
